"""The scores of all reward models on one subject, and the rows of the agreement table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunedrift.design.subjects import Subject
from tunedrift.errors import UserError
from tunedrift.statistics import clusters
from tunedrift.statistics.bootstrap import ClusterBootstrap


@dataclass(frozen=True)
class Scores:
    """All reward models' scores of one subject: (items, groups) each, in the sorted order of both.

    An item is a prompt, a row or a pair; its groups are the tunings, the variants or the two sides.
    """

    items: list[str]
    groups: list[str]
    by_rm: dict[str, np.ndarray]


def scores(rewards: pl.DataFrame, subject: Subject) -> Scores:
    """The scores of `subject`; of responses the greedy answers, one per tuning and prompt.

    Raises `UserError` where a reward model has left out a text that the others, or its own other
    groups, make one expect, or where a score is not finite.
    """
    found = rewards.filter((pl.col("subject") == subject.path) & (pl.col("sample") == 0)).sort(
        "rm", "item_id", "group"
    )
    rms, items, groups = (sorted(found[column].unique()) for column in ("rm", "item_id", "group"))
    if len(found) != len(rms) * len(items) * len(groups):
        grid = pl.DataFrame({"rm": rms}).join(pl.DataFrame({"item_id": items}), how="cross")
        grid = grid.join(pl.DataFrame({"group": groups}), how="cross")
        lost = (
            grid.join(found, on=["rm", "item_id", "group"], how="anti").sort("rm", "item_id", "group").row(0)
        )
        raise UserError(
            f"{subject.path}: reward model {lost[0]!r} has no score of {lost[1]!r} in {lost[2]!r}; score it."
        )
    odd = found.filter(~pl.col("reward").is_finite())
    if len(odd):
        rm, item = odd.row(0, named=True)["rm"], odd.row(0, named=True)["item_id"]
        raise UserError(
            f"{subject.path}: reward model {rm!r} scored {item!r} as {odd['reward'][0]}, which is no number."
        )
    values = found["reward"].to_numpy().reshape(len(rms), len(items), len(groups))
    return Scores(items, groups, dict(zip(rms, values, strict=True)))


def plain_prompts(prompts: pl.DataFrame) -> dict[str, str]:
    """Each prompt's plain prompt, the unit of the bootstrap: prompt_id → cluster."""
    return dict(prompts.select("prompt_id", clusters.of_prompts()).iter_rows())


def row(question: str, measure: str, rm: str, result: tuple, n: float, clusters: int, **names: Any) -> dict:
    """One row of the agreement table; `result` is (estimate, low, high), None or NaN where undefined."""
    # Rounding keeps the last bits of sums, which depend on the machine, out of the table.
    values = [None if value is None or np.isnan(value) else round(float(value), 12) + 0.0 for value in result]
    return {
        **{"question": question, "measure": measure, "rm": rm},
        **dict(zip(("estimate", "low", "high"), values, strict=True)),
        **{"n": 0 if values[0] is None else int(n), "clusters": clusters, **names},
    }


def clustered_rows(
    question: str,
    rm: str,
    sums: ClusterBootstrap,
    results: dict[str, tuple[tuple, str]],
    **names: Any,
) -> Iterator[dict]:
    """Rows for measure → (result, the column that it counts over)."""
    for measure, (result, counted) in results.items():
        n, clusters = sums.totals[counted], sums.clusters(counted)
        yield row(question, measure, rm, result, n, clusters, **names)
