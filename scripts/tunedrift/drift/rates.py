"""Rates of answers per tuning, and paired differences of rates, with intervals."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from tunedrift.drift.measures import UNSCORED, Measure, could_hit, with_fates
from tunedrift.errors import UserError
from tunedrift.statistics import clusters
from tunedrift.statistics.bounds import bounds_interval
from tunedrift.statistics.crossed import (
    CrossedMean,
    PairedDifference,
    crossed_mean,
    detectable,
    eased,
    paired_difference,
    rate_interval,
    values,
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
        sums = self.by_plain_prompt(chosen, self.hits, self.counted, self.unscored)
        return Counts(prompts.unique("plain").sort("plain"), self.tunings, *sums)

    def by_plain_prompt(self, chosen: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
        """Arrays of (prompts, tunings), each summed over the attacks on one plain prompt among the chosen ones."""
        plain = self.prompts.filter(chosen).select(clusters.of_prompts()).to_series()
        names, index = np.unique(plain.to_numpy(), return_inverse=True)
        members = (np.arange(len(names))[:, None] == index).astype(float)
        return [members @ values[chosen] for values in arrays]


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
    counts: Counts, comparisons: list[Comparison], desired: bool, confidence: float, bounded: bool = True
) -> list[dict]:
    """Estimate, interval, worst and best case of each comparison; NaN where nothing is counted.

    A rate pools the answers of all its seeds: a seed of which fewer answers are counted weighs less. Its interval and
    that of a difference take plain prompts and seeds as crossed (`statistics/crossed.py`); of one seed it is
    conditional on that adapter. `worst` and `best` take the unscored answers that could hit (`could_hit`) as failing
    and as passing; of a difference, they bound it: failing on one side and passing on the other (Manski's bounds for
    missing outcomes, 1990). `bounds_low` and `bounds_high` are an interval for what lies between them. `detectable` is
    the smallest difference from 0 that would be resolved in four of five studies like this one; NaN for a rate. What is
    not `bounded` may be of any size, such as a loss: its interval is Student's.
    """
    alpha = 1 - confidence
    return [_compared(counts, one, other, desired, alpha, bounded) for one, other in comparisons]


def _compared(
    counts: Counts, one: list[int], other: list[int], desired: bool, alpha: float, bounded: bool
) -> dict:
    used = counts.counted[:, [*one, *other]].sum(axis=1) > 0
    nothing = any(not counts.counted[:, side].any() for side in (one, other) if side)
    if nothing:
        numbers = ("estimate", "low", "high", "worst", "best", "bounds_low", "bounds_high", "detectable")
        return {**dict.fromkeys(numbers, np.nan), "prompts": int(used.sum())}
    found = bound(counts, used, one, other)
    mean = found.mean if isinstance(found, PairedDifference) else found
    if bounded:
        low, high = interval(found, alpha)
    else:
        low, high = (float(mean.estimate + side * mean.reach(alpha)) for side in (-1, 1))
    lower, upper = (bound(counts, used, one, other, *also) for also in ((0, 1), (1, 0)))
    bounds = (low, high)
    if counts.unscored[:, [*one, *other]].any():
        bounds = bounds_interval(lower, upper, alpha)
    ends = float(lower.estimate), float(upper.estimate)
    worst, best = ends if desired else ends[::-1]
    return {
        **{"estimate": float(found.estimate), "low": low, "high": high, "worst": worst, "best": best},
        **dict(zip(("bounds_low", "bounds_high"), bounds, strict=True)),
        "detectable": float(detectable(eased(mean) if bounded else mean, alpha)) if other else np.nan,
        "prompts": int(used.sum()),
    }


def bound(
    counts: Counts, used: np.ndarray, one: list[int], other: list[int], also: int = 0, less: int = 0
) -> CrossedMean | PairedDifference:
    """A rate, or a difference, over the prompts in the mask `used`; `also` and `less` say on which side unscored answers hit.

    A reference that is the same for every seed has none of its own.
    """
    first = values_of(counts, used, one, also)
    if not other:
        return crossed_mean(first)
    same = len(set(other)) == 1
    return paired_difference(
        first, values_of(counts, used, other[:1] if same else other, less), cautious=not same
    )


def values_of(counts: Counts, used: np.ndarray, columns: list[int], unscored: int = 0) -> np.ndarray:
    """What each prompt in the mask `used` and each tuning adds to a rate: (prompts, tunings)."""
    hits = counts.hits[used][:, columns] + unscored * counts.unscored[used][:, columns]
    return values(hits, counts.counted[used][:, columns])


def interval(found: CrossedMean | PairedDifference, alpha: float) -> tuple[float, float]:
    """(low, high) within what a rate, or a difference of rates, can be."""
    low, high = rate_interval(found, alpha) if isinstance(found, CrossedMean) else found.interval(alpha)
    lowest = 0.0 if isinstance(found, CrossedMean) else -1.0
    return max(lowest, float(low)), min(1.0, float(high))
