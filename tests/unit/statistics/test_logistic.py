import numpy as np
import pytest
import scipy.optimize
import statsmodels.api as sm

from tunedrift.statistics.logistic import firth, logistic_gee, separated


def table(a, b, c, d):
    """Design and outcomes of a 2 x 2 table: a of a + b pass with the factor, c of c + d without."""
    outcomes = np.repeat([1, 0, 1, 0], [a, b, c, d])
    factor = np.repeat([1, 1, 0, 0], [a, b, c, d])
    return np.column_stack([np.ones(len(factor)), factor]).astype(float), outcomes


def clustered(prompts=60, seeds=5):
    random = np.random.default_rng(4)
    prompt, seed = (axis.ravel() for axis in np.indices((prompts, seeds)))
    x = sm.add_constant(np.column_stack([seed % 2, random.normal(size=len(seed))]))
    odds = x @ [0.3, 0.8, -0.5] + random.normal(size=prompts)[prompt] + 0.3 * random.normal(size=seeds)[seed]
    return x, (random.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(float), prompt, seed


def test_the_odds_ratio_of_a_table_by_hand():
    fit = logistic_gee(*table(30, 10, 20, 20), np.arange(80))
    assert fit.converged
    assert fit.coefficients == pytest.approx([0.0, np.log(3)])
    # Every answer its own prompt: the sum of the reciprocals of the cells, with 80 / 79.
    assert fit.covariance[1, 1] == pytest.approx((1 / 30 + 1 / 10 + 1 / 20 + 1 / 20) * 80 / 79)


def test_the_estimating_equations_are_those_of_statsmodels():
    x, y, prompt, _ = clustered()
    fit = logistic_gee(x, y, prompt)
    theirs = sm.GEE(y, x, groups=prompt, family=sm.families.Binomial()).fit(ctol=1e-12)
    assert fit.coefficients == pytest.approx(theirs.params, abs=1e-6)
    assert fit.covariance == pytest.approx(theirs.cov_robust * 60 / 59, rel=1e-4)


def test_seeds_that_differ_make_the_errors_wider():
    x, y, prompt, seed = clustered(400, 6)
    assert logistic_gee(x, y, prompt, seed).covariance[0, 0] > logistic_gee(x, y, prompt).covariance[0, 0]


def test_firth_of_a_table_adds_one_half_to_every_cell():
    fit = firth(*table(12, 0, 7, 5))
    assert fit.converged
    assert fit.coefficients == pytest.approx(
        [np.log(7.5 / 5.5), np.log(12.5 / 0.5) - np.log(7.5 / 5.5)], abs=1e-6
    )


def test_firth_maximises_the_penalised_likelihood_where_the_outcomes_are_separated():
    x = np.column_stack([np.ones(8), [-3, -2, -1.5, -1, 1, 1.5, 2, 4]])
    y = np.repeat([0.0, 1.0], 4)

    def penalised(b):
        p = 1 / (1 + np.exp(-x @ b))
        likelihood = (y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
        return -likelihood - np.log(np.linalg.det((x * (p * (1 - p))[:, None]).T @ x)) / 2

    fit = firth(x, y)
    best = scipy.optimize.minimize(
        penalised, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}
    )
    assert fit.converged
    assert fit.coefficients == pytest.approx(best.x, abs=1e-4)
    p = 1 / (1 + np.exp(-x @ fit.coefficients))
    assert fit.covariance == pytest.approx(np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x), rel=1e-4)
    assert not logistic_gee(x, y, np.arange(8)).converged


def test_separation_is_told():
    assert separated(*table(12, 0, 7, 5))
    assert separated(*table(12, 0, 0, 5))
    assert separated(*table(12, 0, 7, 0))
    assert not separated(*table(12, 1, 7, 5))
    x, y, *_ = clustered()
    assert not separated(x, y)
    assert separated(x, x[:, 2] > 0.3)
