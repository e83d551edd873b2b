"""Rates corrected for the judge's errors: of one group of answers, and of the difference between two."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from tunedrift.statistics.cluster_rates import effective_size
from tunedrift.statistics.judge_error import Errors, Estimate


@dataclass(frozen=True)
class Corrected:
    """A corrected rate or difference; `clipped` where the estimate lay outside of what is possible."""

    estimate: float
    low: float
    high: float
    clipped: bool


def within(estimate: float, low: float, high: float, lowest: float) -> Corrected:
    """The estimate and its interval clipped to [lowest, 1].

    Where the estimate lies outside, the interval also reaches as far inwards from the edge as it does from the
    estimate: one that is clipped away altogether would have no width.
    """
    shift = np.clip(estimate, lowest, 1.0) - estimate
    reach = (estimate + shift, min(low, low + shift), max(high, high + shift))
    estimate, low, high = (float(np.clip(value, lowest, 1.0)) for value in reach)
    return Corrected(estimate, low, high, clipped=bool(shift))


def _size(side: Estimate, confidence: float) -> float:
    """The number of units at which Wilson's interval is as wide as this one (width^2 falls as it grows)."""
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    rate, low, high = side
    # Squared half width w^2 = z2 (p q n + z2 / 4) / (n + z2)^2, solved for n.
    width2, spread = ((high - low) / 2) ** 2, rate * (1 - rate)
    b = 2 * width2 - spread
    root = np.sqrt(max(0.0, b**2 - 4 * width2 * (width2 - 0.25)))
    return float(z2 * (root - b) / (2 * width2))


def corrected_rate(
    hits: np.ndarray, counted: np.ndarray, judge: Errors, raw: Estimate | None = None
) -> Corrected | None:
    """The true rate of positives behind what the judge calls positive, per prompt `hits` of `counted`.

    (p + specificity - 1) / (sensitivity + specificity - 1) (Rogan and Gladen, American Journal of Epidemiology 107,
    1978), with the interval of Lang and Reiczigel (Preventive Veterinary Medicine 113, 2014), which carries the
    sampling error of p and of both of the judge's rates; their sample sizes are effective ones, over prompts. `raw`,
    the raw rate with its interval, lowers that of p where it is wider, as from few seeds. None where J is not clearly
    above 0, or nothing is counted. `judge` must err here as where it was measured.
    """
    if not counted.sum() or not judge.informative:
        return None
    z = NormalDist().inv_cdf((1 + judge.confidence) / 2)
    sensitivity, specificity = judge.sensitivity[0], judge.specificity[0]
    p, n = hits.sum() / counted.sum(), effective_size(hits, counted, judge.confidence)
    if raw is not None:
        n = min(n, _size(raw, judge.confidence))
    n_se, n_sp = (_size(side, judge.confidence) for side in (judge.sensitivity, judge.specificity))
    estimate = (p + specificity - 1) / (sensitivity + specificity - 1)
    # Pseudo-counts: z^2 / 2 in each cell of p, one in each cell of the judge's rates.
    p, n = (n * p + z**2 / 2) / (n + z**2), n + z**2
    se, sp = (n_se * sensitivity + 1) / (n_se + 2), (n_sp * specificity + 1) / (n_sp + 2)
    v_se, v_sp = se * (1 - se) / (n_se + 2), sp * (1 - sp) / (n_sp + 2)
    youden = se + sp - 1
    if youden <= 0:
        return None
    rate = (p + sp - 1) / youden
    shift = 2 * z**2 * (rate * v_se - (1 - rate) * v_sp)
    reach = z * np.sqrt(p * (1 - p) / n + rate**2 * v_se + (1 - rate) ** 2 * v_sp) / youden
    low, high = rate + shift - reach, rate + shift + reach
    return within(estimate, min(low, estimate), max(high, estimate), 0.0)


def corrected_difference(raw: Estimate, judge: Errors) -> Corrected | None:
    """The true difference of two rates (tuned - untuned) behind the raw one, both judged by the same judge.

    The rates' specificity cancels: raw / J. `raw` brings the interval of the paired difference, over prompts and
    seeds; with J's it is joined by the ratio form of MOVER (Donner and Zou, Statistical Methods in Medical Research
    21, 2012). Right only if the judge errs alike in both groups (`errs_differently`). None where J is not clearly
    above 0, or there is no raw difference.
    """
    (d, d_low, d_high), (j, j_low, j_high) = raw, judge.youden
    if np.isnan(d) or not judge.informative:
        return None
    low = _ratio_bound(d, d_low, j, j_high if d_low >= 0 else j_low)
    high = _ratio_bound(d, d_high, j, j_low if d_high >= 0 else j_high)
    return within(d / j, low, high, -1.0)


def _ratio_bound(d: float, bound: float, j: float, j_bound: float) -> float:
    """The ratio r at the edge: (d - r j)^2 = (d - bound)^2 + r^2 (j - j_bound)^2, on the side of `bound`."""
    a, c = j**2 - (j - j_bound) ** 2, d**2 - (d - bound) ** 2
    root, side = np.sqrt(max(0.0, (d * j) ** 2 - a * c)), 1 if bound > d else -1
    # Of the two forms of the root of a r^2 - 2 d j r + c = 0, the one that does not subtract likes, nor divide by 0.
    if d * j * side < 0:
        return float(c / (d * j - side * root))
    return float((d * j + side * root) / a) if root else 0.0
