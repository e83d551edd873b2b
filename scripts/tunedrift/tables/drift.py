"""Drift: rates per tuning, and their named contrasts."""

import polars as pl

from tunedrift.tables.table import Table

CONTRASTS = ("rate", "tuned - untuned", "level - control", "level - original")

DRIFT = Table(
    name="drift",
    columns={
        "contrast": pl.String,
        "measure": pl.String,
        "judge": pl.String,
        "suite": pl.String,
        "attack": pl.String,
        "stratum": pl.String,  # "all", or one of the suite's strata
        "model": pl.String,
        "dataset": pl.String,  # null for the untuned model
        "variant": pl.String,  # null for the untuned model
        "reference": pl.String,  # what was subtracted: "untuned" or the control variant; null for a rate
        "estimate": pl.Float64,  # null where nothing is counted
        "low": pl.Float64,
        "high": pl.Float64,
        # All unscored answers counted as failing, and as passing.
        "worst": pl.Float64,
        "best": pl.Float64,
        "prompts": pl.Int64,
        "seeds": pl.Int64,  # 0 for the untuned model, which has none
    },
    key=(
        "contrast",
        "measure",
        "judge",
        "suite",
        "attack",
        "stratum",
        "model",
        "dataset",
        "variant",
        "reference",
    ),
    allowed={"contrast": CONTRASTS},
    nullable=frozenset({"dataset", "variant", "reference", "estimate", "low", "high", "worst", "best"}),
)
