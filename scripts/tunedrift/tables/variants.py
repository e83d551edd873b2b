"""Variants: the instructions after one cell of the design has been applied."""

import polars as pl

from tunedrift.tables.table import MESSAGES, Table

VARIANTS = Table(
    name="variants",
    columns={
        "row_id": pl.String,
        # What the model is tuned on.
        "messages": MESSAGES,
        # The untouched conversation up to the answer: reward models compare variants under it.
        "original_prompt": MESSAGES,
        # Characters of the untouched conversation: by these, not by its own, a variant's rows are grouped.
        "original_length": pl.UInt32,
        # Characters that were put before the first user turn, and behind the last one.
        "put_before": pl.UInt32,
        "put_behind": pl.UInt32,
        # Factors that changed this row, in the order applied.
        "changed_by": pl.List(pl.String),
    },
    key=("row_id",),
)
