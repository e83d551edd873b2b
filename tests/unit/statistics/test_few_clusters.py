import numpy as np
import pytest
import scipy.stats

from tunedrift.statistics.bootstrap import Bootstrap, ClusterBootstrap
from tunedrift.statistics.few_clusters import fewest_clusters, jackknife_interval, share_of_clusters


def test_the_fewest_clusters_by_hand():
    assert [fewest_clusters(confidence) for confidence in (0.8, 0.9, 0.95, 0.99)] == [4, 5, 6, 8]


def test_clusters_that_are_all_alike_count_once_each():
    exact = scipy.stats.binomtest(7, 7).proportion_ci(0.95, method="exact")
    assert share_of_clusters(np.full(7, 20.0), np.full(7, 20.0), 0.95) == pytest.approx(tuple(exact))


def test_the_jackknife_of_a_mean_is_students_interval():
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.5, 0.3])
    left_out = (values.sum() - values) / 5
    theirs = scipy.stats.t.interval(0.95, 5, values.mean(), scipy.stats.sem(values))
    assert jackknife_interval(values.mean(), left_out, 0.95) == pytest.approx(theirs)


@pytest.mark.parametrize("prompts", [2, 5, 6, 8, 12, 25])
def test_a_reward_model_of_noise_seldom_differs_from_chance(prompts):
    random, claims = np.random.default_rng(prompts), 0
    for _ in range(400):
        columns = {"right": random.binomial(3, 0.5, prompts), "pairs": np.full(prompts, 3.0)}
        sums = ClusterBootstrap([str(at) for at in range(prompts)], columns, Bootstrap(draws=200))
        _, low, high = sums.share("right", "pairs")
        claims += low > 0.5 or high < 0.5
    assert claims / 400 <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)


def test_no_interval_has_no_width():
    for clusters in (6, 60):
        sums = ClusterBootstrap(np.arange(clusters), {"x": np.ones(clusters)}, Bootstrap(draws=200))
        assert np.isnan(sums.statistic(lambda of: of["x"] / of["x"], "x")[1:]).all()
