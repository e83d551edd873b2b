"""Rewards: one score by one reward model of one text."""

import polars as pl

from tunedrift.tables.table import Table

REWARDS = Table(
    name="rewards",
    columns={
        "rm": pl.String,
        "subject": pl.String,  # variants/{dataset}, responses/{model} or preferences/{set}
        "group": pl.String,  # the variant; the tuning; or the side, safer or less_safe
        "item_id": pl.String,  # row_id; prompt_id; or pair_id
        "sample": pl.Int64,  # of a response, else 0
        "reward": pl.Float64,  # higher is better, whatever the model's own sign
        # Under the variant's own, changed prompt; null where the prompt is the original one.
        "reward_as_trained": pl.Float64,
    },
    key=("rm", "subject", "group", "item_id", "sample"),
    nullable=frozenset({"reward_as_trained"}),
)
