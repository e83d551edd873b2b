"""Responses: one answer of one tuning to one prompt."""

import polars as pl

from tunedrift.tables.table import Table

RESPONSES = Table(
    name="responses",
    columns={
        "model": pl.String,
        "tuning": pl.String,  # "untuned" or {dataset}/{variant}/seed{seed}
        "prompt_id": pl.String,
        "sample": pl.Int64,  # 0: greedy; 1, 2, …: sampled
        "answer": pl.String,
        "finish": pl.String,
        "tokens": pl.Int64,
    },
    key=("model", "tuning", "prompt_id", "sample"),
    allowed={"finish": ("stop", "length")},
)
