"""Several tests at once: Holm's adjusted p-values, and what may be said of an effect."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values, in the order given (Scandinavian Journal of Statistics 6, 1979).

    The i-th smallest of k times (k - i + 1), made monotone, at most 1; rejecting where it is at most alpha errs anywhere
    in the family with a probability of at most alpha, however the tests depend on each other. A test that could not be
    made (NaN) still counts among the k, stays NaN, and is never rejected.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(np.where(np.isnan(p), np.inf, p), kind="stable")
    steps = np.where(np.isnan(p), np.inf, p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return np.where(np.isnan(p), np.nan, adjusted)


def finding(estimate: float, adjusted_p: float, seeds: int, alpha: float = 0.05) -> str | None:
    """`raises` or `lowers` where a variant may be said to have an effect; None where it may not.

    Of a variant nothing is said from one seed: its interval is conditional on this adapter, and another seed may
    turn it. From two seeds on, the p adjusted over the primary family decides.
    """
    if seeds < 2 or not adjusted_p <= alpha or not estimate:
        return None
    return "raises" if estimate > 0 else "lowers"
