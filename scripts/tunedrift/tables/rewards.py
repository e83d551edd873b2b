"""Rewards: one score by one reward model of one text."""

import polars as pl

from tunedrift.design.subjects import STAGES
from tunedrift.tables.table import Table

REWARDS = Table(
    name="rewards",
    columns={
        "rm": pl.String,
        "subject": pl.String,  # variants/{dataset}, responses/{model} or preferences/{set}
        "stage": pl.String,  # the subject's parts: its stage, and one of model, dataset and preference_set
        "model": pl.String,
        "dataset": pl.String,  # of variants, and of a tuning's answers
        "preference_set": pl.String,
        "group": pl.String,  # the variant; the tuning; or the side
        "variant": pl.String,  # the group's parts, null where it has none
        "seed": pl.Int64,
        "side": pl.String,  # safer or less_safe
        "item_id": pl.String,  # row_id; prompt_id; or pair_id
        "sample": pl.Int64,  # of a response, else 0
        "reward": pl.Float64,  # higher is better, whatever the model's own sign
        # Under the variant's own, changed prompt; null where the prompt is the original one.
        "reward_as_trained": pl.Float64,
    },
    key=("rm", "subject", "group", "item_id", "sample"),
    allowed={"stage": tuple(STAGES), "side": ("safer", "less_safe")},
    nullable=frozenset(
        {"model", "dataset", "preference_set", "variant", "seed", "side", "reward_as_trained"}
    ),
)
