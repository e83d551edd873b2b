"""Bootstrap intervals over prompts and seeds, vectorised over draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from tunedrift.hashing import stable_seed
from tunedrift.statistics.few_clusters import (
    ENOUGH_CLUSTERS,
    fewest_clusters,
    jackknife_interval,
    p_of_interval,
    share_of_clusters,
)

CELLS_AT_ONCE = 4_000_000
"""Draws times units that are resampled in one block; bounds the memory to about 100 MB."""

ENOUGH_SEEDS = 5
"""From this number of seeds on, the bootstrap over seeds is trusted alone."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn."""

    draws: int = 2000
    confidence: float = 0.95
    seed: int = 0

    def at(self, *parts: object) -> "Bootstrap":
        """The same with a seed of its own for what `parts` name, whatever else is studied."""
        return replace(self, seed=stable_seed(self.seed, *parts))


def resampling_counts(units: int, draws: int, seed: int) -> np.ndarray:
    """How often each unit is drawn: (draws, units); every row is multinomial and sums to `units`."""
    picks = np.random.default_rng(seed).integers(units, size=(draws, units))
    picks += units * np.arange(draws)[:, None]
    return np.bincount(picks.ravel(), minlength=draws * units).reshape(draws, units).astype(float)


def resample(sums: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Totals over resampled units: (units, k) becomes (draws, k).

    All k columns see the same draws, which keeps whatever is paired in them paired. Blocks of
    draws bound the memory; a block has its own seed.
    """
    block = max(1, CELLS_AT_ONCE // max(1, len(sums)))
    return np.vstack(
        [
            resampling_counts(len(sums), min(block, draws - start), stable_seed(seed, start)) @ sums
            for start in range(0, draws, block)
        ]
    )


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """`numerator / denominator`, NaN where nothing is counted."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def crossed_draws(hits: np.ndarray, counted: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Bootstrap draws of a rate over seeds, given its draws over prompts: (draws, seeds) becomes (draws,).

    `hits` and `counted` come from `resample` over prompts. Prompts and seeds are resampled
    independently and every prompt keeps its answers under every seed: Owen's "pigeonhole"
    bootstrap for two crossed random factors (The pigeonhole bootstrap, Annals of Applied
    Statistics 1, 2007). One seed leaves the prompts alone to vary.
    """
    seeds = resampling_counts(hits.shape[1], draws, stable_seed(seed, "seeds"))
    return ratio((hits * seeds).sum(axis=1), (counted * seeds).sum(axis=1))


def percentile_interval(draws: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The central `confidence` share of the draws along the last axis (Efron 1979).

    Draws in which the statistic is undefined (NaN) are left out.
    """
    tail = (1 - confidence) / 2
    if not np.isnan(draws).any():
        low, high = np.quantile(draws, (tail, 1 - tail), axis=-1)
        return low, high
    undefined = np.isnan(draws).all(axis=-1, keepdims=True)
    low, high = np.nanquantile(np.where(undefined, 0.0, draws), (tail, 1 - tail), axis=-1)
    return np.where(undefined[..., 0], np.nan, low), np.where(undefined[..., 0], np.nan, high)


def t_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Student's interval for the mean of `values`, one per seed (at least two)."""
    from scipy.special import stdtrit

    reach = stdtrit(len(values) - 1, (1 + confidence) / 2) * np.std(values, ddof=1) / np.sqrt(len(values))
    return np.mean(values) - reach, np.mean(values) + reach


def score_interval(estimate: float, units: int, confidence: float, lowest: float) -> tuple[float, float]:
    """The interval where all units are alike, so that every draw equals the estimate.

    A rate (`lowest` 0) takes Wilson's score interval (JASA 22, 1927), which reaches
    z^2 / (n + z^2) inwards from 0 or 1. A paired difference (`lowest` -1) takes Tango's (Statistics
    in Medicine 17, 1998): the same reach both ways from 0, twice as far from -1 or 1.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    reach = z2 / (units + z2) * (2 if lowest < 0 and abs(estimate) == 1 else 1)
    return max(lowest, estimate - reach), min(1.0, estimate + reach)


def rate_interval(
    bootstrap: Sequence[float],
    estimate: float,
    seed_values: np.ndarray,
    units: int,
    confidence: float,
    lowest: float,
) -> tuple[float, float]:
    """The interval to print for a rate (`lowest` 0), a difference of rates (-1), or what has no bounds (minus infinity).

    `bootstrap` is the percentile interval; `seed_values` holds the estimate of each seed alone.
    Under five seeds their bootstrap is too narrow, so Student's interval over seeds is taken where
    it is wider. Where all units are alike, `score_interval` speaks. Both are NaN
    where the estimate is.
    """
    if np.isnan(estimate):
        return np.nan, np.nan
    low, high = bootstrap
    if 2 <= len(seed_values) < ENOUGH_SEEDS and not np.isnan(seed_values).any():
        t_low, t_high = t_interval(seed_values, confidence)
        if t_high - t_low > high - low:
            low, high = t_low, t_high
    if lowest == -np.inf:
        return low, high
    if high - low < 1e-12:
        low, high = score_interval(estimate, units, confidence, lowest)
    return max(lowest, low), min(1.0, high)


class ClusterBootstrap:
    """Named columns, one value per row, summed within clusters and resampled by cluster.

    Whole clusters are drawn, so numerator and denominator of a ratio both vary: the cluster
    bootstrap (Davison and Hinkley, Bootstrap Methods and their Application, 1997, 3.8).
    """

    def __init__(self, clusters: Sequence[str], columns: Mapping[str, np.ndarray], options: Bootstrap):
        _, index = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.column_stack([np.bincount(index, weights=column) for column in columns.values()])
        drawn = resample(sums, options.draws, options.seed)
        self.confidence = options.confidence
        self.sums = dict(zip(columns, sums.T, strict=True))
        self.totals = dict(zip(columns, sums.sum(axis=0), strict=True))
        self.drawn = dict(zip(columns, drawn.T, strict=True))

    def clusters(self, counted: str) -> int:
        """How many clusters hold anything of the column `counted`."""
        return int((self.sums[counted] > 0).sum())

    def share(self, hits: str, counted: str) -> tuple[float, float, float]:
        """(estimate, low, high) of the rate `hits / counted`; NaN where nothing is counted.

        Under `ENOUGH_CLUSTERS` the interval is Korn and Graubard's; under `fewest_clusters` there is none.
        """
        estimate = float(ratio(self.totals[hits], self.totals[counted]))
        if self.clusters(counted) < fewest_clusters(self.confidence):
            return estimate, np.nan, np.nan
        return estimate, *self._share_interval(hits, counted, self.confidence)

    def share_p(self, hits: str, counted: str, chance: float) -> float:
        """The two-sided p of the rate `hits / counted` being `chance`, by the intervals of `share`; NaN where it has none."""
        clusters = self.clusters(counted)
        if clusters < fewest_clusters(self.confidence):
            return np.nan
        least = max(2.0 ** (1 - clusters), 0.0 if clusters < ENOUGH_CLUSTERS else 1 / len(self.drawn[hits]))
        return p_of_interval(
            lambda confidence: self._share_interval(hits, counted, confidence), chance, least
        )

    def _share_interval(self, hits: str, counted: str, confidence: float) -> tuple[float, float]:
        held = self.sums[counted] > 0
        if held.sum() < ENOUGH_CLUSTERS:
            return share_of_clusters(self.sums[hits][held], self.sums[counted][held], confidence)
        low, high = percentile_interval(ratio(self.drawn[hits], self.drawn[counted]), confidence)
        estimate = float(ratio(self.totals[hits], self.totals[counted]))
        return rate_interval(
            (float(low), float(high)), estimate, np.empty(0), int(held.sum()), confidence, 0.0
        )

    def statistic(
        self, function: Callable[[Mapping], np.ndarray], counted: str
    ) -> tuple[float, float, float]:
        """(estimate, low, high) of a function of the columns' totals that lies within -1 and 1 and counts over `counted`.

        Under `ENOUGH_CLUSTERS` the interval is the jackknife's by Student's t. There is none under `fewest_clusters`, and
        none where it would have no width: clusters that are all alike do not say how far others may lie.
        """
        estimate, clusters = float(function(self.totals)), self.clusters(counted)
        if clusters < fewest_clusters(self.confidence):
            return estimate, np.nan, np.nan
        if clusters < ENOUGH_CLUSTERS:
            held = self.sums[counted] > 0
            others = {name: self.totals[name] - sums[held] for name, sums in self.sums.items()}
            low, high = jackknife_interval(estimate, function(others), self.confidence)
        else:
            low, high = (float(end) for end in percentile_interval(function(self.drawn), self.confidence))
        if not high - low > 1e-9:
            return estimate, np.nan, np.nan
        return estimate, max(-1.0, low), min(1.0, high)
