"""Second views of an effect on yes-or-no answers: logistic regression with clusters, and Firth's where it separates."""

from dataclasses import dataclass

import numpy as np

from tunedrift.statistics.two_way_clusters import two_way_covariance

STEPS = 100
"""Newton steps at most; a fit that converges takes about ten."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (log odds), their covariance, and whether the steps converged."""

    coefficients: np.ndarray
    covariance: np.ndarray
    converged: bool


def separated(design: np.ndarray, outcomes: np.ndarray) -> bool:
    """Whether some combination of the columns tells the outcomes apart, so that no finite maximum exists.

    Albert and Anderson (Biometrika 71, 1984): complete and quasi-complete separation are the vectors b with
    sign * design @ b >= 0 in all rows and > 0 in one, found by linear programming (Konis, D.Phil. thesis, Oxford 2007).
    """
    from scipy.optimize import linprog

    signed = np.where(np.asarray(outcomes, bool), 1.0, -1.0)[:, None] * design
    signed = np.unique(signed, axis=0)
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return bool(found.status == 0 and -found.fun > 1e-9)


def logistic_gee(
    design: np.ndarray, outcomes: np.ndarray, prompts: np.ndarray, seeds: np.ndarray | None = None
) -> Fit:
    """Logistic regression by generalised estimating equations, with prompts (and seeds) as clusters.

    Liang and Zeger (Biometrika 73, 1986) with the independence working correlation, which is right whatever the
    correlation is; the covariance is the sandwich, of two crossed clusters where `seeds` is given. `design` is (answers,
    columns) of full rank, the intercept among them; the others hold one entry per answer. Not converged where the
    outcomes are separated: take `firth`.
    """
    y = np.asarray(outcomes, float)
    coefficients, converged = np.zeros(design.shape[1]), False
    for _ in range(STEPS):
        p = _expit(design @ coefficients)
        information = (design * (p * (1 - p))[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            break
        step = np.linalg.solve(information, design.T @ (y - p))
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-10:
            converged = True
            break
    if not converged:
        nothing = np.full_like(coefficients, np.nan)
        return Fit(nothing, np.full((len(nothing), len(nothing)), np.nan), False)
    scores = design * (y - p)[:, None]
    return Fit(coefficients, two_way_covariance(scores @ np.linalg.inv(information), prompts, seeds), True)


def firth(design: np.ndarray, outcomes: np.ndarray) -> Fit:
    """Logistic regression with Firth's penalty (Biometrika 80, 1993): finite also where the outcomes are separated.

    The scores become design' (y - p + h (1/2 - p)), h the leverages (Heinze and Schemper, Statistics in Medicine 21,
    2002); steps are halved until the penalised likelihood rises. The covariance is the inverse information, of answers
    that are independent: prompts and seeds are not in it. For a saturated design it adds one half to every cell.
    """
    y = np.asarray(outcomes, float)
    coefficients, converged = np.zeros(design.shape[1]), False
    for _ in range(STEPS):
        p = _expit(design @ coefficients)
        weighted = design * np.sqrt(p * (1 - p))[:, None]
        covariance = np.linalg.inv(weighted.T @ weighted)
        leverage = np.einsum("ij,jk,ik->i", weighted, covariance, weighted)
        step = covariance @ (design.T @ (y - p + leverage * (0.5 - p)))
        step *= min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        before = _penalised(design, y, coefficients)
        while np.abs(step).max() > 1e-10 and _penalised(design, y, coefficients + step) < before - 1e-12:
            step = step / 2
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-8:
            converged = True
            break
    return Fit(coefficients, covariance, converged)


def _expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def _penalised(design: np.ndarray, y: np.ndarray, coefficients: np.ndarray) -> float:
    x = design @ coefficients
    p = _expit(x)
    information = (design * (p * (1 - p))[:, None]).T @ design
    return float((y * x - np.logaddexp(0, x)).sum() + np.linalg.slogdet(information)[1] / 2)
