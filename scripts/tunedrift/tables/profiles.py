"""Profiles: what each variant changed, one measure per row."""

import polars as pl

from tunedrift.tables.table import Table

IN_LANGUAGE = "other_language"
"""The measure of rows in a language that is not that of the word lists, before the language's code in brackets."""

PROFILES = Table(
    name="profiles",
    columns={
        "dataset": pl.String,
        "variant": pl.String,
        "model": pl.String,  # whose tokens are counted; null where none are
        # rows, eligible[factor], touched[factor], other_language[code], persona_rows, trained_rows and rejected[reason]
        # count rows. trained_rows: `before` is all rows, `after` those that can be trained on in every variant;
        # rejected[reason]: those that cannot in this very variant, only where there are any.
        # Of the last answer, untouched and as it is in the variant: characters, words
        # and pieces are means over rows, Markdown elements and identity_statements totals. tokens and
        # supervised_tokens are means over rows of the whole chat. Means have two decimals.
        "measure": pl.String,
        "before": pl.Float64,
        "after": pl.Float64,
    },
    key=("dataset", "variant", "model", "measure"),
    nullable=frozenset({"model", "before"}),
)
