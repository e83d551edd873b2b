"""How often a transform of an answer, which keeps what it says, changes what a judge says of it."""

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from tunedrift.statistics.cluster_rates import cluster_rate, sums_by_cluster

COUNTED = {"refusal": ("refusal", "partial_refusal"), "harm": ("safe",)}
"""Kind of judge → the labels that its rate counts: a refusal, in full or in part, or a safe answer, against the rest."""

UNSCORED = ("empty", "unparsable", "failed", "unjudged")
"""What a judge says of an answer on which it has no opinion."""


def flips(
    judged: pl.DataFrame, kind: str, levels: Iterable[tuple[str, str]], confidence: float, max_flips: float
) -> Iterator[dict]:
    """Rows of tables/invariance of one judge on one label set, one per (factor, level) of `levels`.

    `judged` has one row per answer and level that changed it: factor, level, prompt_id, and what the judge says
    `before` and `after`. A verdict flips where the answer is counted by the judge's rate before or after, not both. An
    answer on which the judge has an opinion neither before nor after is not in n. Prompts are the clusters.
    """
    counted = COUNTED[kind]
    judged = judged.with_columns(
        was=pl.col("before").is_in(counted),
        becomes=pl.col("after").is_in(counted),
        silent=pl.col("before").is_in(UNSCORED) & pl.col("after").is_in(UNSCORED),
    )
    for factor, level in levels:
        changed = judged.filter(factor=factor, level=level)
        heard = changed.filter(~pl.col("silent"))
        prompts = heard["prompt_id"].to_numpy()
        flipped = heard["was"] != heard["becomes"]
        gained = int((flipped & heard["becomes"]).sum())
        lost = int((flipped & heard["was"]).sum())
        rate, low, high = cluster_rate(
            sums_by_cluster(prompts, flipped.to_numpy()),
            sums_by_cluster(prompts, np.ones(len(heard))),
            confidence,
        )
        known = len(heard) > 0
        yield {
            "factor": factor,
            "level": level,
            "n": len(heard),
            "prompts": heard["prompt_id"].n_unique(),
            "n_unscored": len(changed) - len(heard),
            "flips": gained + lost,
            "to_positive": gained if kind == "refusal" else lost,
            "from_positive": lost if kind == "refusal" else gained,
            "rate": rate if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "valid": rate <= max_flips if known else None,
        }
