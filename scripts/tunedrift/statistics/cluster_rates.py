"""Intervals for a rate whose units come in clusters (answers to one prompt), also where few or no units differ."""

from statistics import NormalDist

import numpy as np


def effective_size(hits: np.ndarray, counted: np.ndarray, confidence: float) -> float:
    """How many independent units tell as much about the rate as these clusters do.

    `hits` and `counted` hold one number per cluster, of which at least one counts something. The variance of the
    ratio is linearised over clusters (Cochran, Sampling Techniques, 1977, 6.3); p (1 - p) over it is the size, at
    least Kish's n^2 / sum m^2, to which it falls where all of a cluster are alike, and at most n. A rate of 0 or 1
    says nothing of the variance and takes the least. Few clusters are paid for with Student's t
    (Korn and Graubard, Survey Methodology 24, 1998), but a single one, which counts as one unit, is not.
    """
    from scipy.special import stdtrit

    hits, counted = hits[counted > 0].astype(float), counted[counted > 0].astype(float)
    total, clusters = counted.sum(), len(counted)
    least = total**2 / (counted**2).sum()
    rate = hits.sum() / total
    size = least
    if clusters > 1 and 0 < rate < 1:
        variance = clusters / (clusters - 1) * ((hits - rate * counted) ** 2).sum() / total**2
        size = float(np.clip(rate * (1 - rate) / max(variance, 1e-12), least, total))
    if clusters in (1, total):
        return size
    quantile = (1 + confidence) / 2
    return size * (stdtrit(total - 1, quantile) / stdtrit(clusters - 1, quantile)) ** 2


def wilson(rate: float, size: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval (JASA 22, 1927) of a rate seen among `size` units, which need not be whole."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (rate + z**2 / (2 * size)) / (1 + z**2 / size)
    reach = z / (1 + z**2 / size) * np.sqrt(rate * (1 - rate) / size + z**2 / (4 * size**2))
    return float(max(0.0, middle - reach)), float(min(1.0, middle + reach))


def cluster_rate(hits: np.ndarray, counted: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """(estimate, low, high) of a rate, from hits and units per cluster; NaN where nothing is counted.

    Wilson's interval at the effective size, which covers well near 0 and 1 (Dean and Pagano, Journal of Survey
    Statistics and Methodology 3, 2015).
    """
    if not counted.sum():
        return np.nan, np.nan, np.nan
    rate = float(hits.sum() / counted.sum())
    return rate, *wilson(rate, effective_size(hits, counted, confidence), confidence)


def sums_by_cluster(clusters: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values per unit summed within clusters, in the order of the clusters' names: one number per cluster."""
    _, index = np.unique(clusters, return_inverse=True)
    return np.bincount(index, weights=values)


def mover_difference(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[float, float, float]:
    """(estimate, low, high) of `one - other` from the intervals of two independent rates.

    Newcombe's square-and-add (Statistics in Medicine 17, 1998, method 10), never without width where the intervals
    have some. For rates that vary together, over the same prompts, it is too wide rather than too narrow.
    """
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    low = a - b - np.sqrt((a - a_low) ** 2 + (b_high - b) ** 2)
    return a - b, float(low), float(a - b + np.sqrt((a_high - a) ** 2 + (b - b_low) ** 2))
