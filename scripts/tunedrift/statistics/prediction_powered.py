"""A rate from many judged answers and the few of them that people labelled too."""

import numpy as np

from tunedrift.statistics.cluster_rates import sums_by_cluster


def prediction_powered_mean(
    labels: np.ndarray,
    judged: np.ndarray,
    clusters: np.ndarray,
    judged_alone: np.ndarray,
    clusters_alone: np.ndarray,
    confidence: float,
    power: float | None = None,
) -> tuple[float, float, float]:
    """(estimate, low, high) of the mean label: the judge's mean on all answers, put right by the labelled ones.

    `labels` and `judged` are 0 or 1 per labelled answer, `judged_alone` per answer without a label;
    labelled answers must be a random part of the same answers. `power` 1 is prediction-powered inference
    (Angelopoulos and others, Science 382, 2023), 0 the labels alone; None tunes it (PPI++, Angelopoulos, Duchi and
    Zrnic, arXiv 2311.01453): cov(label, judged) / ((1 + n / N) var(judged)), within 0 and 1. Variances are over
    clusters, a cluster with answers of both parts counts as two; the quantile is Student's at the number of labelled
    clusters - 1. Raises `ValueError` for fewer than two clusters in either part.
    """
    from scipy.special import stdtrit

    n, alone = len(labels), len(judged_alone)
    groups = len(np.unique(clusters))
    if min(groups, len(np.unique(clusters_alone))) < 2:
        raise ValueError("prediction-powered inference wants two or more prompts with labels, and without")
    if power is None:
        everything = np.concatenate([judged, judged_alone])
        spread = np.var(everything) * (1 + n / alone)
        power = float(np.clip(np.cov(labels, judged, ddof=0)[0, 1] / spread, 0, 1)) if spread else 0.0
    rest = labels - power * judged
    estimate = float(power * np.mean(judged_alone) + np.mean(rest))
    variance = power**2 * _variance(judged_alone, clusters_alone) + _variance(rest, clusters)
    reach = float(stdtrit(groups - 1, (1 + confidence) / 2) * np.sqrt(variance))
    return estimate, estimate - reach, estimate + reach


def _variance(values: np.ndarray, clusters: np.ndarray) -> float:
    """Of the mean, over clusters: k / (k - 1) times the sum of squared cluster totals of deviations, over n^2.

    Two clusters of mean size m are counted beside them whose answers are off by one, each for itself, so that the
    squared total is m, as Agresti and Coull (American Statistician 52, 1998) add successes and failures: where hardly
    any answers differ, the variance would be near 0.
    """
    totals = sums_by_cluster(clusters, values - values.mean())
    added = 2 * len(values) / len(totals)
    return float((len(totals) / (len(totals) - 1) * (totals**2).sum() + added) / len(values) ** 2)
