"""Preferences: one prompt with a safer and a less safe answer, as people, or a simulation of them, labelled them."""

import polars as pl

from tunedrift.tables.table import MESSAGES, Table

LABELS = ("people", "simulated")
"""Who labelled a pair."""

PREFERENCES = Table(
    name="preferences",
    columns={
        "pair_id": pl.String,
        "prompt_key": pl.String,  # digest of the prompt: the cluster of a pair
        "messages": MESSAGES,
        "safer": pl.String,
        "less_safe": pl.String,
        "category": pl.String,
        "labels": pl.String,
    },
    key=("pair_id",),
    allowed={"labels": LABELS},
)
