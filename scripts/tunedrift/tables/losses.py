"""Losses: what one tuning makes of one row that was held out of training."""

import polars as pl

from tunedrift.tables.table import Table

LOSSES = Table(
    name="losses",
    columns={
        "model": pl.String,
        "tuning": pl.String,  # "untuned" or {dataset}/{variant}/seed{seed}
        "dataset": pl.String,  # these three: the tuning's parts, null for the untuned model
        "variant": pl.String,
        "seed": pl.Int64,
        "held_out": pl.String,  # the data set that the row was held out of, of all that hold some out
        "row_id": pl.String,
        "prompt": pl.String,  # a digest of what stands before the answer: rows of one prompt are no two observations
        "loss": pl.Float64,  # nats per token of the answer
        "tokens": pl.Int64,  # of the answer
    },
    key=("model", "tuning", "held_out", "row_id"),
    nullable=frozenset({"dataset", "variant", "seed"}),
)
