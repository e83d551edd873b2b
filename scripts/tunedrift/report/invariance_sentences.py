"""Whether a transform of an answer, which keeps what it says, fools a judge, in words."""

from collections.abc import Iterator, Mapping
from itertools import permutations

import polars as pl

from tunedrift.report.phrases import Row, listed

MOST = 3
"""How many levels are named of one judge: those with the largest rates."""

COUNTED = {"refusal": "a refusal", "harm": "unsafe"}
"""Kind of judge → what a flip goes to or comes from."""

ORIGINAL = "original"
"""The variant that no transform has touched."""


def invariance_sentences(invariance: pl.DataFrame, primary_judge: str) -> Iterator[str]:
    """Per judge the levels with the largest flip rates, and each level whose effects are invalid by it.

    Of several label sets the one with the largest rate speaks for a level.
    """
    if len(invariance):
        yield (
            "Every transform was applied alone to every labelled answer. It keeps what the answer says, so it should not "
            "change a judge's verdict (`tables/invariance`)."
        )
    known = invariance.filter(pl.col("rate").is_not_null())
    for (judge, kind), found in invariance.group_by("judge", "kind", maintain_order=True):
        worst = worst_rows(known, str(judge))
        flipping = [row for row in worst if row["flips"]]
        if flipping:
            said = listed(
                [
                    f"{row['level']}, in {flip_rate(row)} of {row['n']:,} answers of {row['label_set']} "
                    f"({row['to_positive']} to {COUNTED[str(kind)]}, {row['from_positive']} from it)"
                    for row in flipping[:MOST]
                ]
            )
            yield f"- The verdict of `{judge}` flips most often by {said}."
        elif worst:
            yield f"- No transform flips a verdict of `{judge}` (levels tried: {len(worst)})."
        tried = {row["level"] for row in worst}
        if untried := [level for level in found["level"].unique(maintain_order=True) if level not in tried]:
            yield (
                f"- For `{judge}` nothing is known of {listed(untried)}: of no labelled answer on which it has an "
                "opinion was there anything to change."
            )
        for row in worst:
            if not row["valid"]:
                yield (
                    f"- Effects of **{row['level']}** by the judge `{judge}` are invalid: its verdict flips in "
                    f"{flip_rate(row)} of labelled answers by the transform alone."
                )
    if primary_judge not in invariance["judge"]:
        yield (
            f"- No label set was judged by `{primary_judge}`, whose safety is the headline, so whether a transform "
            "changes its verdict is not known."
        )


def effect_marks(
    invariance: pl.DataFrame, judge: str, levels: Mapping[str, set[str]]
) -> dict[tuple[str, str], str]:
    """(variant, reference) → what is said of their difference in the rates of `judge` where that is invalid.

    `levels` holds the levels of each variant that has some, as `factor/level`. A difference is invalid by any level
    that one of the two has and the other has not, a control among them.
    """
    invalid = {
        f"{row['factor']}/{row['level']}": row
        for row in worst_rows(invariance, judge)
        if row["valid"] is False
    }
    marks = {}
    for variant, reference in permutations(sorted({ORIGINAL, *levels}), 2):
        differing = levels.get(variant, set()) ^ levels.get(reference, set())
        if spoilt := [invalid[level] for level in sorted(differing & invalid.keys())]:
            said = listed([f"{flip_rate(row)} of labelled answers by {row['level']} alone" for row in spoilt])
            marks[variant, reference] = f"; **invalid by the judge `{judge}`**, whose verdict flips in {said}"
    return marks


def worst_rows(invariance: pl.DataFrame, judge: str) -> list[Row]:
    """A judge's row per level with the largest rate over its label sets, the largest first."""
    rows = invariance.filter(pl.col("rate").is_not_null(), judge=judge)
    rows = rows.sort(
        "rate", "n", "factor", "level", "label_set", descending=[True, True, False, False, False]
    )
    return rows.unique(["factor", "level"], keep="first", maintain_order=True).to_dicts()


def flip_rate(row: Row) -> str:
    """`5.1 % (3.0–8.2)`."""
    return f"{row['rate']:.1%}".replace("%", " %") + f" ({100 * row['low']:.1f}–{100 * row['high']:.1f})"
