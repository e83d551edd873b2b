"""Rates and paired differences of rates over prompts and seeds that are crossed: intervals, p-values, what is detectable.

The estimand is the expected value over seeds for the population of prompts that these prompts stand for; with one
seed, this adapter's expected value over that population ("conditional on this adapter"). Every function works on the
last two axes, (..., prompts, seeds), so that many studies can be simulated at once.
"""

from dataclasses import dataclass, replace

import numpy as np

from tunedrift.statistics.bootstrap import ENOUGH_SEEDS, ratio

NOTHING = 1e-12
"""Variances below this are the rounding of sums."""

LEAST_P = 1e-15


def values(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The rate sum(hits) / sum(counted) as a mean of one value per prompt and seed, linearised where counts differ.

    rate + (hits - rate * counted) / mean(counted) (Cochran, Sampling Techniques, 1977, 6.3); where all is counted
    once, the hits themselves. Prompts of which nothing is counted must be left out before. NaN where nothing is.
    """
    hits, counted = np.asarray(hits, float), np.asarray(counted, float)
    size = counted.mean(axis=(-2, -1), keepdims=True)
    rate = ratio(hits.mean(axis=(-2, -1), keepdims=True), size)
    return rate + ratio(hits - rate * counted, np.broadcast_to(size, hits.shape))


@dataclass(frozen=True)
class CrossedMean:
    """A mean over prompts and seeds, and what its variance is made of.

    `prompt_variance` is what the mean varies by between samples of prompts, the residual included, `seed_variance` what
    it varies by between samples of seeds; `residual` is the share of the former that more seeds would make smaller.
    `spread` is the variance of single values.
    """

    estimate: np.ndarray
    prompt_variance: np.ndarray
    seed_variance: np.ndarray
    residual: np.ndarray
    spread: np.ndarray
    prompts: int
    seeds: int

    @property
    def variance(self) -> np.ndarray:
        return self.prompt_variance + self.seed_variance

    @property
    def size(self) -> np.ndarray:
        """How many independent values tell as much; the number of prompts where all values are alike."""
        known = (self.spread > NOTHING) & (self.variance > NOTHING**2)
        found = ratio(self.spread, np.where(known, self.variance, 0.0))
        return np.where(known, np.clip(found, 1.0, self.prompts * self.seeds), self.prompts)

    def reach(self, alpha: float | np.ndarray) -> np.ndarray:
        """Half the width of the interval that misses with probability alpha: sqrt(sum of t^2 * variance).

        Each part of the variance has a t of its own, at prompts - 1 and seeds - 1 degrees of freedom. For independent
        normal errors this is nowhere too narrow, whatever the ratio of the parts (Banerjee, Sankhya 22, 1960), and
        where one part rules it is Student's interval over seeds, or over prompts.
        """
        by_prompt = _quantile(self.prompts - 1, alpha) ** 2 * self.prompt_variance
        return np.sqrt(by_prompt + _quantile(self.seeds - 1, alpha) ** 2 * self.seed_variance)


def _quantile(df: float, alpha: float | np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    return np.asarray(-stdtrit(max(df, 1), np.asarray(alpha) / 2))


def crossed_mean(values: np.ndarray, cautious: bool = False) -> CrossedMean:
    """The mean of `values` (..., prompts, seeds) and its variance by the analysis of variance of the crossed layout.

    Value = mean + prompt + seed + residual, prompts and seeds random (Searle, Casella and McCulloch, Variance
    Components, 1992, chapter 4; for arrays of zeros and ones, Owen and Eckles, Annals of Applied Statistics 6, 2012).
    The variance of the mean is (MS prompts + MS seeds - MS residual) / (prompts * seeds), a component below 0 being
    taken as 0. Under five seeds, and if `cautious`, the residual, which MS seeds holds too, is not taken off: MS seeds is
    often small by chance, and a seed variance of 0 by chance makes a t of the prompts. One seed leaves the prompts alone
    to vary.
    """
    values = np.asarray(values, float)
    n, s = values.shape[-2:]
    estimate = values.mean(axis=(-2, -1))
    centred = values - estimate[..., None, None]
    total = (centred**2).sum(axis=(-2, -1))
    prompts = s * (centred.mean(axis=-1) ** 2).sum(axis=-1)
    seeds = n * (centred.mean(axis=-2) ** 2).sum(axis=-1)
    residual = np.maximum(total - prompts - seeds, 0.0) / max((n - 1) * (s - 1), 1)
    of_prompts = np.maximum(prompts / max(n - 1, 1), residual) / (n * s)
    taken_off = 0.0 if cautious or s < ENOUGH_SEEDS else residual
    of_seeds = np.maximum(seeds / max(s - 1, 1) - taken_off, 0.0) / (n * s) * (s > 1)
    return CrossedMean(estimate, of_prompts, of_seeds, residual / (n * s), total / max(n * s - 1, 1), n, s)


def rate_interval(mean: CrossedMean, alpha: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of a rate: Wilson's score interval (JASA 22, 1927) at the effective size of prompts and seeds.

    Few prompts or seeds are paid for with t in place of the normal quantile (Korn and Graubard, Survey Methodology 24,
    1998), but not where each prompt has one answer, whose variance the rate tells. Where all answers are alike the
    prompts are counted.
    """
    n, known = mean.prompts * mean.seeds, mean.variance > NOTHING**2
    # Values may be shares of several answers: of zeros and ones with this rate, their spread would be larger.
    yes_or_no = mean.estimate * (1 - mean.estimate) * n / max(n - 1, 1)
    alike = (mean.spread <= NOTHING) | (yes_or_no <= NOTHING)
    size = mean.size * np.where(alike, 1.0, ratio(yes_or_no, np.where(alike, 1.0, mean.spread)))
    z2 = _quantile(np.inf, alpha) ** 2
    t2 = ratio(mean.reach(alpha) ** 2, np.where(known, mean.variance, 0.0))
    t2 = np.where(known, t2, _quantile(mean.prompts - 1, alpha) ** 2)
    t2 = np.where(np.isclose(size, mean.prompts) & (mean.seeds == 1), z2, t2)
    shrink = 1 + t2 / size
    middle = (mean.estimate + t2 / (2 * size)) / shrink
    uncertain = mean.estimate * (1 - mean.estimate) / size + t2 / (4 * size**2)
    reach = np.sqrt(t2 * np.maximum(uncertain, 0.0)) / shrink
    return np.maximum(middle - reach, 0.0), np.minimum(middle + reach, 1.0)


def eased(mean: CrossedMean, step: float = 1.0) -> CrossedMean:
    """A mean of paired differences whose variance has one pair more that gained and one that lost.

    Bonett and Price (Journal of Educational and Behavioral Statistics 37, 2012) for pairs of zeros and ones, here at
    the effective size, and with the parts of the variance in their ratio: where hardly any pairs differ, the variance
    among them is far too small. A pair differs by `step` with one seed, with several by half of it: there a prompt's
    value moves in smaller steps.
    """
    size, step = mean.size, step if mean.seeds == 1 else step / 2
    square = mean.spread * (1 - 1 / (mean.prompts * mean.seeds)) + mean.estimate**2
    shrunk = mean.estimate * size / (size + 2)
    variance = ((square * size + 2 * step**2) / (size + 2) - shrunk**2) / (size + 2)
    by_seed = np.nan_to_num(ratio(mean.seed_variance, mean.variance))
    return replace(mean, prompt_variance=variance * (1 - by_seed), seed_variance=variance * by_seed)


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two rates over the same prompts and seeds: each rate, the difference's mean, their correlation."""

    one: CrossedMean
    other: CrossedMean
    mean: CrossedMean
    correlation: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        return self.mean.estimate

    @property
    def variance(self) -> np.ndarray:
        return self.mean.variance

    def interval(self, alpha: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(low, high): the intervals of the two rates, joined with their correlation.

        Newcombe's square-and-add for paired differences (Statistics in Medicine 17, 1998, 2635), or MOVER (Zou and
        Donner, Statistics in Medicine 27, 2008): as wide as the parts ask for on either side, also near 0 and 1.
        """
        (low, high), (other_low, other_high) = (rate_interval(mean, alpha) for mean in (self.one, self.other))
        below, above = self.one.estimate - low, high - self.one.estimate
        other_below, other_above = self.other.estimate - other_low, other_high - self.other.estimate
        estimate = self.one.estimate - self.other.estimate
        bottom = estimate - self._joined(below, other_above)
        top = estimate + self._joined(above, other_below)
        return np.maximum(bottom, -1.0), np.minimum(top, 1.0)

    def _joined(self, reach: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(reach**2 + other**2 - 2 * self.correlation * reach * other, 0.0))

    def p_value(self, against: float = 0.0) -> np.ndarray:
        """Two-sided p of the difference `against`: the alpha at which the interval ends there, at least 1e-15."""
        low, high = np.full(np.shape(self.estimate), np.log(LEAST_P)), np.zeros(np.shape(self.estimate))
        for _ in range(40):
            between = (low + high) / 2
            bottom, top = self.interval(np.exp(between))
            inside = (bottom <= against) & (against <= top)
            low, high = np.where(inside, between, low), np.where(inside, high, between)
        return np.where(np.isnan(self.estimate), np.nan, np.exp(high))

    def p_below(self, against: float) -> np.ndarray:
        """One-sided p of a difference of `against` or more, which a small value speaks against."""
        half = self.p_value(against) / 2
        return np.where(self.estimate < against, half, 1 - half)


def paired_difference(
    one: np.ndarray, other: np.ndarray, step: float = 1.0, cautious: bool = False
) -> PairedDifference:
    """`one - other` of two arrays of values (..., prompts, seeds); a reference without seeds is (..., prompts, 1).

    The correlation of the two rates is what their variances and that of the difference say, the latter eased: pairs that
    hardly ever differ are no proof of rates that move as one. Where easing would make it negative it is 0, unless it is
    negative as it is. `step` is by how much one answer changes the difference: 1, or 1 / datasets for means over
    datasets. Be `cautious` (see `crossed_mean`) where both sides have seeds, or p-values are adjusted: far out in the
    tail, and where seeds rule, the interval would be too narrow.
    """
    one, other = np.asarray(one, float), np.asarray(other, float)
    first, second, mean = (crossed_mean(each, cautious) for each in (one, other, one - other))
    root = 2 * np.sqrt(first.variance * second.variance)
    plain, after = (
        np.nan_to_num(ratio(first.variance + second.variance - variance, root))
        for variance in (mean.variance, eased(mean, step).variance)
    )
    correlation = np.clip(np.maximum(np.minimum(plain, 0.0), after), -1.0, 1.0)
    return PairedDifference(first, second, mean, correlation)


def detectable(mean: CrossedMean, alpha: float = 0.05, power: float = 0.8) -> np.ndarray:
    """The smallest true difference from 0 that is found (two-sided, alpha) with this power, at this variance.

    The quantiles of alpha / 2 and of power, added (Bloom, Evaluation Review 19, 1995), each with the t of its part. It
    holds the variance between seeds; with one seed it is conditional on this adapter. Ease the mean before.
    """
    return mean.reach(alpha) + mean.reach(2 * (1 - power))


def planned(mean: CrossedMean, prompts: int, seeds: int) -> CrossedMean:
    """The same components of variance in a study of another size; other than one seed needs a mean over five or more."""
    residual = mean.residual * mean.prompts * mean.seeds
    of_prompts = mean.prompt_variance * mean.prompts - residual / mean.seeds
    return replace(
        mean,
        prompt_variance=(of_prompts + residual / seeds) / prompts,
        seed_variance=mean.seed_variance * mean.seeds / seeds,
        residual=residual / (prompts * seeds),
        prompts=prompts,
        seeds=seeds,
    )
