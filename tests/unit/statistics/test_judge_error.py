"""Kappa, sensitivity and specificity of a judge, and their intervals over prompts."""

import numpy as np
import pytest
from scipy.stats import fisher_exact
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.statistics.cluster_rates import cluster_rate, effective_size, wilson
from tunedrift.statistics.judge_error import errors, errs_differently, kappa, kappa_estimate

OPTIONS = Bootstrap(draws=400)


def test_kappa_by_hand():
    # Observed .70; expected .60 * .50 + .40 * .50 = .50; (.70 - .50) / .50.
    assert kappa([[20, 5], [10, 15]]) == pytest.approx(0.4)
    assert np.isnan(kappa([[7, 0], [0, 0]]))


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_kappa_is_that_of_scikit_learn(classes):
    random = np.random.default_rng(classes)
    labels = random.integers(min(classes, 3), size=300)
    said = np.where(random.random(300) < 0.7, labels, random.integers(classes, size=300))
    estimate, low, high = kappa_estimate(labels, said, np.arange(300) // 3, OPTIONS)
    assert estimate == pytest.approx(cohen_kappa_score(labels, said))
    assert low < estimate < high


def test_kappa_of_full_agreement_has_an_interval_with_width():
    labels = np.tile([0, 1], 20)
    assert kappa_estimate(labels, labels, np.arange(40), OPTIONS) == (
        1.0,
        pytest.approx(0.8248, abs=1e-4),
        1.0,
    )


def test_kappa_of_one_class_or_of_nothing_is_undefined():
    for size in (5, 0):
        same = np.zeros(size, int)
        assert np.isnan(kappa_estimate(same, same, np.arange(size), OPTIONS)).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (12, 12), (3, 40), (39, 40)])
def test_alone_in_their_clusters_units_have_the_interval_of_wilson(hits, n):
    alone = np.arange(n) < hits
    expected = proportion_confint(hits, n, method="wilson")
    got = cluster_rate(alone, np.ones(n), 0.95)
    assert wilson(hits / n, n, 0.95) == pytest.approx(expected, abs=1e-9)
    # Sampling without knowing the rate costs one unit in n.
    assert got[1:] == pytest.approx(expected, abs=0.01)


def test_clusters_of_likes_count_once_each():
    # Ten prompts with four answers each, all four alike: as good as ten answers.
    hits, counted = np.repeat([4, 0], 5), np.full(10, 4)
    size = effective_size(hits, counted, 0.95)
    assert size == pytest.approx(10 * (2.0227 / 2.2622) ** 2, rel=1e-3)
    low, high = cluster_rate(hits, counted, 0.95)[1:]
    assert high - low > wilson(0.5, 10, 0.95)[1] - wilson(0.5, 10, 0.95)[0]


def test_an_answer_that_is_not_scored_is_right_on_neither_side():
    positive = np.array([1, 1, 1, 0, 0], bool)
    detected, cleared = np.array([1, 1, 0, 0, 0], bool), np.array([0, 0, 0, 1, 0], bool)
    found = errors(positive, detected, cleared, np.arange(5), 0.95)
    assert found.sensitivity[0] == pytest.approx(2 / 3)
    assert found.specificity[0] == pytest.approx(1 / 2)
    assert found.youden[0] == pytest.approx(1 / 6)
    assert not found.informative


def test_without_positives_there_is_no_sensitivity():
    found = errors(np.zeros(4, bool), np.zeros(4, bool), np.ones(4, bool), np.arange(4), 0.95)
    assert np.isnan(found.sensitivity).all()
    assert not found.informative
    assert found.specificity[0] == 1 > found.specificity[1]


def test_a_difference_between_groups_has_the_interval_of_newcombe_and_the_test_of_fisher():
    right = np.repeat([1, 0, 1, 0], [28, 2, 20, 10]).astype(bool)
    group = np.arange(60) < 30
    found = errs_differently(right, group, np.arange(60), 0.95)
    assert found.estimate == pytest.approx(8 / 30)
    expected = confint_proportions_2indep(28, 30, 20, 30, method="newcomb")
    assert (found.low, found.high) == pytest.approx(expected, abs=0.01)
    assert found.p == pytest.approx(fisher_exact([[28, 2], [20, 10]]).pvalue)


def test_no_test_where_prompts_come_twice_and_nothing_where_a_group_is_empty():
    right, group = np.ones(8, bool), np.arange(8) % 2 == 0
    found = errs_differently(right, group, np.arange(8) // 2, 0.95)
    assert found.p is None
    assert found.low < 0 == found.estimate < found.high
    assert errs_differently(right, np.ones(8, bool), np.arange(8), 0.95) is None
    assert errs_differently(right[:0], group[:0], np.arange(0), 0.95) is None
