"""Instructions: one normalised chat that ends in the assistant's answer."""

import polars as pl

from tunedrift.tables.table import MESSAGES, Table

INSTRUCTIONS = Table(
    name="instructions",
    columns={
        "row_id": pl.String,
        "messages": MESSAGES,
        "source_file": pl.String,
        "source_row": pl.Int64,
    },
    key=("row_id",),
)
