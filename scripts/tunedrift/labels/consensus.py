"""One label per answer from those of several annotators."""

import polars as pl

from tunedrift.tables.labels import FINAL


def consensus(labels: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """A labels table with one row per answer and no annotator, and how many answers are left out as ties.

    The label is the one that the file settles on (annotator `final`) where there is one, else the one that most
    annotators give. An answer without either, whose first labels have equally many annotators, is a tie.
    Where labels are to count as one (full and partial refusals), replace them before.
    """
    key = ["label_set", "answer_id"]
    votes = (
        labels.with_columns(final=pl.col("annotator") == FINAL)
        .filter(pl.col("final") | ~pl.col("final").any().over(key))
        .group_by(*key, "label")
        .len("votes")
        .filter(pl.col("votes") == pl.col("votes").max().over(key))
    )
    settled = votes.filter(pl.len().over(key) == 1).drop("votes")
    one_each = labels.drop("annotator", "label").unique(key, keep="first", maintain_order=True)
    found = one_each.join(settled, on=key).select(
        column for column in labels.columns if column != "annotator"
    )
    return found.sort(key), len(one_each) - len(found)
