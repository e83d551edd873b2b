import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from tunedrift.statistics.crossed import crossed_mean
from tunedrift.statistics.two_way_clusters import interaction, two_way_covariance


def test_the_covariance_of_a_mean_by_hand():
    # Deviations -1 1 | 1 -1 over two prompts and two seeds: no prompt, no seed differs; the answers do.
    values = np.array([-1.0, 1.0, 1.0, -1.0])[:, None] / 4
    prompts, seeds = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert two_way_covariance(values, prompts) == pytest.approx(np.zeros((1, 1)))
    # 0 + 0 - 4 / 3 * 4 / 16 is below 0, so 0.
    assert two_way_covariance(values, prompts, seeds) == pytest.approx(np.zeros((1, 1)))
    values = np.array([-1.0, -1.0, 1.0, 1.0])[:, None] / 4
    assert two_way_covariance(values, prompts, seeds) == pytest.approx(2 * 2 * 0.25 - 4 / 3 * 4 / 16)
    assert np.isnan(two_way_covariance(values, prompts, np.zeros(4))).all()


def test_the_covariance_of_a_regression_is_that_of_statsmodels():
    random = np.random.default_rng(0)
    prompts, seeds = (axis.ravel() for axis in np.indices((40, 6)))
    x = sm.add_constant(random.normal(size=(240, 2)))
    y = random.normal(size=40)[prompts] + random.normal(size=6)[seeds] + random.normal(size=240)
    fit = sm.OLS(y, x).fit()
    influence = (x * fit.resid[:, None]) @ np.linalg.inv(x.T @ x)
    _, by_prompt, by_seed = cov_cluster_2groups(fit, prompts, seeds, use_correction=False)
    white = fit.get_robustcov_results("HC0").cov_params()
    assert two_way_covariance(influence, prompts) == pytest.approx(by_prompt * 40 / 39)
    theirs = by_prompt * 40 / 39 + by_seed * 6 / 5 - white * 240 / 239
    assert np.linalg.eigvalsh(theirs).min() > 0
    assert two_way_covariance(influence, prompts, seeds) == pytest.approx(theirs)


def test_an_interaction_by_hand_and_its_variance_by_both_ways():
    random = np.random.default_rng(2)
    cells = (random.random((4, 200, 8)) < np.array([0.9, 0.7, 0.8, 0.5])[:, None, None]).astype(float)
    estimate, low, high, p = interaction(*cells, 0.05)
    each = [cell.mean() for cell in cells]
    assert estimate == pytest.approx((each[0] - each[1]) - (each[2] - each[3]))
    assert low < -0.1 < high < 0
    assert p < 0.05
    found = cells[0] - cells[1] - cells[2] + cells[3]
    prompts, seeds = (axis.ravel() for axis in np.indices((200, 8)))
    [[variance]] = two_way_covariance((found - found.mean()).reshape(-1, 1) / found.size, prompts, seeds)
    assert crossed_mean(found).variance == pytest.approx(variance, rel=0.25)
    # Wider than that, as eight seeds that do not differ are no proof that seeds do not.
    assert 1 < ((high - low) / 2 / 1.96) ** 2 / variance < 3


def test_an_interaction_of_rates_at_the_edge_keeps_within_its_range():
    estimate, low, high, p = interaction(
        np.ones((30, 5)), np.zeros((30, 5)), np.zeros((30, 5)), np.ones((30, 5)), 0.05
    )
    assert (estimate, high) == pytest.approx((2.0, 2.0))
    assert 1 < low < 2
    assert p < 0.001
