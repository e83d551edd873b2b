"""Which training prompts stand in the label sets by which judges are measured, as sentences of the summary."""

from collections.abc import Iterator

import polars as pl

WAYS = {"exact": "word for word", "near": "nearly so", "contained": "in a longer text or with more around it"}
"""How a prompt can stand there, in words."""


def label_overlap_sentences(overlap: pl.DataFrame) -> Iterator[str]:
    """Per training set and label set that share prompts: how many, and what that means. `overlap` is an overlap table."""
    tuned_on = {"training": "training data", "safety_mix": "mixed-in rows"}
    shared = overlap.filter(
        pl.col("kind").is_in(list(tuned_on)), pl.col("other_kind") == "labels", pl.col("share") > 0
    )
    for row in shared.iter_rows(named=True):
        ways = [f"{row[way]} {said}" for way, said in WAYS.items() if row[way]]
        found = sum(row[way] for way in WAYS)
        yield (
            f"- The label set `{row['other_name']}` holds {found:,} of {row['texts']:,} prompts of the "
            f"{tuned_on[row['kind']]} **{row['name']}** ({', '.join(ways)}): what judges are worth on it speaks in part of "
            "prompts that models were tuned on, not of those that they are tested with. `tables/matches` names them."
        )
