"""How a judge errs against labels: kappa, sensitivity, specificity, and whether it errs alike on two groups of answers."""

from dataclasses import dataclass

import numpy as np

from tunedrift.statistics.bootstrap import Bootstrap, percentile_interval, ratio, resample
from tunedrift.statistics.cluster_rates import cluster_rate, mover_difference, sums_by_cluster

Estimate = tuple[float, float, float]
"""Estimate, low, high; NaN where nothing is counted."""


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa of counts (..., classes, classes); NaN where chance alone would always agree.

    (observed - expected) / (1 - expected) agreement, expected from the margins (Cohen, Educational and
    Psychological Measurement 20, 1960).
    """
    counts = np.asarray(counts, float)
    total = counts.sum(axis=(-2, -1))
    observed = ratio(np.trace(counts, axis1=-2, axis2=-1), total)
    expected = ratio((counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1), total**2)
    return ratio(observed - expected, np.where(np.isclose(expected, 1), 0, 1 - expected))


def kappa_estimate(
    labels: np.ndarray, said: np.ndarray, clusters: np.ndarray, options: Bootstrap
) -> Estimate:
    """Kappa of two codings of the same answers, with an interval over clusters.

    `labels` and `said` hold a class per answer; a class that one of them never gives is no harm. The interval is the
    percentile interval of the cluster bootstrap, widened to Wilson's interval of the agreement at its effective size
    with the margins as they are: where all or nearly all agree, the bootstrap alone would have no width.
    """
    classes, codes = np.unique(np.concatenate([labels, said]), return_inverse=True)
    if not len(labels):
        return np.nan, np.nan, np.nan
    names, index = np.unique(clusters, return_inverse=True)
    size = len(classes)
    flat = codes[: len(labels)] * size + codes[len(labels) :]
    sums = np.bincount(index * size**2 + flat, minlength=len(names) * size**2).reshape(len(names), size**2)
    total = sums.sum(axis=0).reshape(size, size)
    estimate = float(kappa(total))
    if np.isnan(estimate):
        return np.nan, np.nan, np.nan
    draws = kappa(resample(sums, options.draws, options.seed).reshape(-1, size, size))
    low, high = percentile_interval(draws, options.confidence)
    agree = sums[:, :: size + 1].sum(axis=1)
    expected = (total.sum(axis=0) * total.sum(axis=1)).sum() / total.sum() ** 2
    _, *agreement = cluster_rate(agree, sums.sum(axis=1), options.confidence)
    by_agreement = [(bound - expected) / (1 - expected) for bound in agreement]
    return estimate, max(-1.0, float(min(low, by_agreement[0]))), min(1.0, float(max(high, by_agreement[1])))


@dataclass(frozen=True)
class Errors:
    """What a judge is worth on answers of known class: each an estimate with its interval."""

    sensitivity: Estimate
    specificity: Estimate
    confidence: float

    @property
    def youden(self) -> Estimate:
        """Youden's J = sensitivity + specificity - 1 (Cancer 3, 1950), its interval by square-and-add."""
        estimate, low, high = self.specificity
        return mover_difference(self.sensitivity, (1 - estimate, 1 - high, 1 - low))

    @property
    def informative(self) -> bool:
        """Whether the judge is clearly better than a coin: the lower bound of J is above 0."""
        return bool(self.youden[1] > 0)


def errors(
    positive: np.ndarray, detected: np.ndarray, cleared: np.ndarray, clusters: np.ndarray, confidence: float
) -> Errors:
    """Sensitivity and specificity of a judge with intervals over clusters (see `cluster_rate`).

    One entry per answer: is it `positive`, does the judge call it so (`detected`), does it call it negative
    (`cleared`). An outcome that is neither (empty, unparsable, failed) is right on neither side.
    """
    positive, detected, cleared = (np.asarray(values, bool) for values in (positive, detected, cleared))

    def rate(truth: np.ndarray, right: np.ndarray) -> Estimate:
        hits, counted = (sums_by_cluster(clusters, values) for values in (truth & right, truth))
        return cluster_rate(hits, counted, confidence)

    return Errors(rate(positive, detected), rate(~positive, cleared), confidence)


@dataclass(frozen=True)
class Difference:
    """How a judge's rate of right calls differs between two groups; `p` is null where the test does not hold."""

    estimate: float
    low: float
    high: float
    p: float | None


def errs_differently(
    right: np.ndarray, group: np.ndarray, clusters: np.ndarray, confidence: float
) -> Difference | None:
    """Whether a judge is right more often in group True than in False, on answers of one true class.

    Called once with the positives (sensitivities) and once with the negatives (specificities). The interval is
    Newcombe's from two cluster intervals. `p` is Fisher's exact test (two-sided), which wants independent answers: it
    is null where a prompt has more than one. None where a group is empty: there is nothing to compare.
    """
    from scipy.stats import fisher_exact

    right, group = np.asarray(right, bool), np.asarray(group, bool)
    if not len(group) or group.all() or not group.any():
        return None
    sides = []
    for side in (group, ~group):
        hits = sums_by_cluster(clusters[side], right[side])
        sides.append(cluster_rate(hits, sums_by_cluster(clusters[side], np.ones(side.sum())), confidence))
    table = [[int((right & side).sum()), int((~right & side).sum())] for side in (group, ~group)]
    alone = len(np.unique(clusters)) == len(clusters)
    estimate, low, high = mover_difference(*sides)
    return Difference(estimate, low, high, float(fisher_exact(table).pvalue) if alone else None)
