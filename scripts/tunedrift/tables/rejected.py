"""Rejected: the rows of a data set that a model cannot be tuned on, by variant."""

import polars as pl

from tunedrift.tables.table import Table

REJECTED = Table(
    name="rejected",
    columns={
        # The variant in which the row cannot be trained on; it is left out of all variants of the data set.
        "variant": pl.String,
        "row_id": pl.String,
        "reason": pl.String,
    },
    key=("variant", "row_id"),
    # Longer than `max_length`; without a supervised token; an answer that the template writes in other words;
    # a special token in a turn.
    allowed={"reason": ("too_long", "no_answer", "rewritten", "control_token")},
)
