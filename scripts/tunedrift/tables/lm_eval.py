"""What the lm-evaluation-harness says of each tuning: its own tasks, scored its own way."""

import polars as pl

from tunedrift.tables.table import Table

LM_EVAL = Table(
    name="lm_eval",
    columns={
        "model": pl.String,
        "tuning": pl.String,  # "untuned" or {dataset}/{variant}/seed{seed}
        "dataset": pl.String,  # these three: the tuning's parts, null for the untuned model
        "variant": pl.String,
        "seed": pl.Int64,
        "task": pl.String,  # or a group of tasks
        "metric": pl.String,
        "filter": pl.String,  # how an answer is read: "none", "strict-match" …
        "value": pl.Float64,
        "stderr": pl.Float64,  # the harness' own; null where it gives none
        "higher_is_better": pl.Boolean,
        "questions": pl.Int64,
        "shots": pl.Int64,
        "version": pl.String,  # of the task
        "harness": pl.String,  # version of lm_eval
    },
    key=("model", "tuning", "task", "metric", "filter"),
    nullable=frozenset(
        {"dataset", "variant", "seed", "stderr", "higher_is_better", "questions", "shots", "version"}
    ),
)
