"""Rates some of whose verdicts are unresolved: bounds, and an interval for the rate between them."""

from statistics import NormalDist

from tunedrift.statistics.crossed import CrossedMean, PairedDifference, rate_interval

Bound = CrossedMean | PairedDifference


def alpha_of_each_end(lowest: float, highest: float, error: float, alpha: float) -> float:
    """The alpha at which the interval of either bound is taken for an interval of the rate between the bounds.

    2 Phi(-C) with Phi(C + (highest - lowest) / error) - Phi(-C) = 1 - alpha (Imbens and Manski, Econometrica 72, 2004),
    `error` the larger standard error of the two: `alpha` where the bounds are one, 2 * alpha (one side each) where they
    lie far apart, since the rate cannot be beyond both.
    """
    normal = NormalDist()
    if error <= 0:
        return alpha
    low, high = 0.0, normal.inv_cdf(1 - alpha / 2)
    for _ in range(60):
        middle = (low + high) / 2
        if normal.cdf(middle + (highest - lowest) / error) - normal.cdf(-middle) < 1 - alpha:
            low = middle
        else:
            high = middle
    return 2 * normal.cdf(-high)


def bounds_interval(low: Bound, high: Bound, alpha: float) -> tuple[float, float]:
    """(low, high): the interval of Imbens and Manski around the bounds of a rate, or of a difference of rates.

    The bounds are Manski's (American Economic Review 80, 1990): the unresolved verdicts taken one way and the other; of
    a difference, failing on one side and passing on the other. Both are over the same prompts and seeds.
    """
    error = max(float(low.variance), float(high.variance)) ** 0.5
    each = alpha_of_each_end(float(low.estimate), float(high.estimate), error, alpha)
    return float(_interval(low, each)[0]), float(_interval(high, each)[1])


def _interval(bound: Bound, alpha: float) -> tuple:
    return rate_interval(bound, alpha) if isinstance(bound, CrossedMean) else bound.interval(alpha)
