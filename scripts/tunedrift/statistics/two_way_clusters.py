"""Covariance of an estimate whose units are alike within prompts and within seeds; interactions of factors."""

import numpy as np

from tunedrift.statistics.crossed import paired_difference


def two_way_covariance(
    influence: np.ndarray, prompts: np.ndarray, seeds: np.ndarray | None = None
) -> np.ndarray:
    """The covariance of estimates that are sums of `influence` (units, estimates), clustered by prompt and seed.

    Sums within prompts + sums within seeds - sums within both (Cameron, Gelbach and Miller, Journal of Business and
    Economic Statistics 29, 2011), each with clusters / (clusters - 1) for small numbers; without `seeds`, prompts
    alone. Negative eigenvalues, which the difference can have, become 0 (as they advise). NaN with one prompt, or one
    seed.
    """
    covariance = _clustered(influence, prompts)
    if seeds is None:
        return covariance
    _, both = np.unique(np.column_stack([_codes(prompts), _codes(seeds)]), axis=0, return_inverse=True)
    covariance = covariance + _clustered(influence, seeds) - _clustered(influence, both)
    if np.isnan(covariance).any():
        return covariance
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.maximum(eigenvalues, 0.0)) @ vectors.T


def _codes(names: np.ndarray) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1]


def _clustered(influence: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    codes = _codes(clusters)
    sums = np.zeros((codes.max() + 1, influence.shape[1]))
    np.add.at(sums, codes, influence)
    if len(sums) < 2:
        return np.full((influence.shape[1],) * 2, np.nan)
    return len(sums) / (len(sums) - 1) * sums.T @ sums


def interaction(
    both: np.ndarray, one: np.ndarray, other: np.ndarray, neither: np.ndarray, alpha: float
) -> tuple[float, float, float, float]:
    """(estimate, low, high, p) of what two factors do together beyond what each does alone, as a difference of risks.

    (both - one) - (other - neither), from the values (prompts, seeds) of the four cells: twice the paired difference of
    the mean of `both` and `neither` from that of `one` and `other`, so within -2 to 2. Rates that add up need not add
    up as log odds (Rothman and Greenland, Modern Epidemiology, 1998, chapter 18).
    """
    found = paired_difference((both + neither) / 2, (one + other) / 2, step=0.5, cautious=True)
    low, high = found.interval(alpha)
    return 2 * float(found.estimate), 2 * float(low), 2 * float(high), float(found.p_value())
