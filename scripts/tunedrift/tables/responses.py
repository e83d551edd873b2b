"""Responses: one answer of one tuning to one prompt."""

import polars as pl

from tunedrift.tables.table import Table

RESPONSES = Table(
    name="responses",
    columns={
        "model": pl.String,
        "tuning": pl.String,  # "untuned" or {dataset}/{variant}/seed{seed}
        "dataset": pl.String,  # these three: the tuning's parts, null for the untuned model
        "variant": pl.String,
        "seed": pl.Int64,
        "prompt_id": pl.String,
        "sample": pl.Int64,  # 0: greedy; 1, 2, …: sampled
        "answer": pl.String,
        "thought": pl.String,  # what a reasoning model wrote before it, which nobody judges; null for others
        "finish": pl.String,
        "tokens": pl.Int64,
    },
    key=("model", "tuning", "prompt_id", "sample"),
    nullable=frozenset({"dataset", "variant", "seed", "thought"}),
    allowed={"finish": ("stop", "length")},
)
