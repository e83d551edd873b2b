"""Rates of answers per tuning, and paired differences of rates, with intervals."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from tunedrift.drift.measures import UNSCORED, Measure, could_hit, with_fates
from tunedrift.errors import UserError
from tunedrift.statistics import clusters
from tunedrift.statistics.bootstrap import (
    Bootstrap,
    crossed_draws,
    percentile_interval,
    rate_interval,
    ratio,
    resample,
)


@dataclass(frozen=True)
class Counts:
    """What a measure finds: arrays of (prompts, tunings), and their names.

    `hits` counts answers that the measure wants, or sums their scores, `counted` all that enter the denominator,
    `unscored` those among them without a score that could be hits.
    """

    prompts: pl.DataFrame
    tunings: list[str]
    hits: np.ndarray
    counted: np.ndarray
    unscored: np.ndarray

    def pool(self, chosen: np.ndarray) -> "Counts":
        """The chosen prompts (a mask), summed over the attacks on one plain prompt."""
        prompts = self.prompts.filter(chosen).with_columns(plain=clusters.of_prompts())
        names, index = np.unique(prompts["plain"].to_numpy(), return_inverse=True)
        members = (np.arange(len(names))[:, None] == index).astype(float)
        sums = [members @ values[chosen] for values in (self.hits, self.counted, self.unscored)]
        return Counts(prompts.unique("plain").sort("plain"), self.tunings, *sums)


def count(verdicts: pl.DataFrame, prompts: pl.DataFrame, measure: Measure) -> Counts | None:
    """One judge's verdicts on one model's answers, as `measure` counts them.

    `prompts` holds the prompts to count over. Every tuning must have a verdict on each of them, or
    `UserError` names the first that is missing. None where the measure wants sampled answers and
    there are none.
    """
    sample = pl.col("sample") > 0 if measure.sampled else pl.col("sample") == 0
    if measure.sampled:  # a study may sample some prompts only
        prompts = prompts.join(verdicts.filter(sample), on="prompt_id", how="semi")
        if prompts.is_empty():
            return None
    prompts = prompts.sort("prompt_id")
    tunings = sorted(verdicts["tuning"].unique())
    counted = {
        "all": pl.lit(True),
        "judged": ~pl.col("label").is_in(UNSCORED),
        "untruncated": ~pl.col("truncated"),
        "coherent": pl.col("fate") != "strays",
    }[measure.counted]
    eligible = counted & (pl.col("fate") != "strays") if measure.coherent else counted
    if measure.of == "score":
        hits = pl.col("score").fill_null(0.0) * eligible
    else:
        hits = pl.col(measure.of).is_in(measure.hits) & eligible
    found = (
        with_fates(verdicts.filter(sample))
        .join(prompts.select("prompt_id"), on="prompt_id", how="semi")
        .group_by("tuning", "prompt_id")
        .agg(
            hits=hits.mean(),
            counted=counted.mean() if measure.counted != "all" else pl.lit(1.0),
            unscored=(could_hit(measure) & eligible).mean(),
        )
    )
    grid = pl.DataFrame({"tuning": tunings}).join(prompts.select("prompt_id"), how="cross")
    if len(found) != len(grid):
        lost = grid.join(found, on=["tuning", "prompt_id"], how="anti").sort("tuning", "prompt_id")
        tuning, prompt = lost.row(0)
        judge, model = verdicts["judge"][0], verdicts["model"][0]
        raise UserError(
            f"judge {judge!r} has no verdict on {len(lost)} answers of {model!r}, first on {prompt!r} by {tuning!r}: "
            "judge the same prompts for every tuning."
        )
    found = found.sort("tuning", "prompt_id")
    arrays = (
        found[column].to_numpy().reshape(len(tunings), len(prompts)).T
        for column in ("hits", "counted", "unscored")
    )
    return Counts(prompts, tunings, *arrays)


class Comparison(NamedTuple):
    """A rate (`against` empty), or a difference of two rates paired by prompt and seed.

    `columns` and `against` index the tunings, one per seed; an untuned reference is repeated.
    """

    columns: list[int]
    against: list[int]


def compare(
    counts: Counts, comparisons: list[Comparison], desired: bool, options: Bootstrap, bounded: bool = True
) -> list[dict]:
    """Estimate, interval, worst and best case of each comparison; NaN where nothing is counted.

    A rate pools the answers of all its seeds: a seed of which fewer answers are counted weighs less.
    The interval is the crossed bootstrap over plain prompts and seeds; see `rate_interval` for few
    seeds and for prompts that are all alike. `worst` and `best` take the unscored answers that could
    hit (`could_hit`) as failing and as passing; of a difference, they bound it: failing on one side
    and passing on the other (Manski's bounds for missing outcomes, 1990). What is not `bounded` may be of any size, such
    as a loss.
    """
    resampled = resample(np.hstack([counts.hits, counts.counted]), options.draws, options.seed)
    hits, counted = np.hsplit(resampled, 2)

    def drawn(columns: list[int]) -> np.ndarray:
        return crossed_draws(hits[:, columns], counted[:, columns], options.draws, options.seed)

    def rate(columns: list[int], also: float = 0.0) -> float:
        passing = counts.hits[:, columns].sum() + also * counts.unscored[:, columns].sum()
        return float(ratio(passing, counts.counted[:, columns].sum()))

    def by_seed(columns: list[int]) -> np.ndarray:
        return ratio(counts.hits[:, columns].sum(axis=0), counts.counted[:, columns].sum(axis=0))

    samples = np.array([drawn(one) - (drawn(other) if other else 0.0) for one, other in comparisons])
    lows, highs = percentile_interval(samples, options.confidence)
    rows = []
    for (one, other), *drawn_interval in zip(comparisons, lows, highs, strict=True):
        estimate = rate(one) - (rate(other) if other else 0.0)
        lower = rate(one) - (rate(other, 1.0) if other else 0.0)
        upper = rate(one, 1.0) - (rate(other) if other else 0.0)
        seeds = by_seed(one) - (by_seed(other) if other else 0.0)
        units = int((counts.counted[:, [*one, *other]].sum(axis=1) > 0).sum())
        low, high = rate_interval(
            *(drawn_interval, estimate, seeds, units, options.confidence),
            lowest=(-1.0 if other else 0.0) if bounded else -np.inf,
        )
        worst, best = (lower, upper) if desired else (upper, lower)
        rows.append(
            {"estimate": estimate, "low": low, "high": high, "worst": worst, "best": best, "prompts": units}
        )
    return rows
