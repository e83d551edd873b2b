import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from tunedrift.statistics.ranking import cohen_kappa, kendall_tau_b, order_by_hash, pair_signs, spearman

TIED = arrays(float, (2, 3, 6), elements=st.integers(0, 3).map(float))


def test_signs_of_all_pairs():
    assert pair_signs(np.array([[3.0, 1.0, 1.0], [0.0, np.nan, 2.0]])).tolist() == [[1, 1, 0], [0, -1, 0]]
    assert pair_signs(np.ones((4, 1))).shape == (4, 0)


def test_kendall_tau_b_by_hand():
    # Row 1: of three pairs two agree and one does not. Row 2: the first ties one pair of three.
    one = pair_signs(np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 2.0], [5.0, 5.0, 5.0]]))
    other = pair_signs(np.array([[1.0, 3.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    assert kendall_tau_b(one, other) == pytest.approx([1 / 3, 2 / np.sqrt(6), np.nan], nan_ok=True)


def test_spearman_by_hand():
    # 1 - 6 * (0 + 1 + 1) / (3 * 8) = 1/2.
    assert spearman(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]])) == pytest.approx([0.5])


@given(TIED)
def test_rank_correlations_are_those_of_scipy(scores):
    one, other = scores
    tau, rho = kendall_tau_b(pair_signs(one), pair_signs(other)), spearman(one, other)
    for row in range(len(one)):
        with warnings.catch_warnings(action="ignore"):
            theirs = [
                function(one[row], other[row]).statistic
                for function in (scipy.stats.kendalltau, scipy.stats.spearmanr)
            ]
        assert [tau[row], rho[row]] == pytest.approx(theirs, nan_ok=True, abs=1e-12)


def test_kappa_by_hand_and_by_sklearn():
    # 40 of 50 agree; chance agrees in 0.6 * 0.6 + 0.4 * 0.4 = 0.52.
    table = {"++": 25.0, "+-": 5.0, "-+": 5.0, "--": 15.0}
    assert cohen_kappa(table) == pytest.approx((0.8 - 0.52) / 0.48)
    labels = np.repeat([[1, 1], [1, -1], [-1, 1], [-1, -1]], [25, 5, 5, 15], axis=0)
    assert cohen_kappa(table) == pytest.approx(cohen_kappa_score(*labels.T))


def test_kappa_where_chance_always_agrees_is_undefined():
    table = {name: np.array([count, 0.0]) for name, count in (("++", 9.0), ("+-", 0), ("-+", 0), ("--", 0))}
    assert np.isnan(cohen_kappa(table)).all()


def test_the_order_is_a_fair_draw_that_depends_on_the_ids_alone():
    items = [f"item {number}" for number in range(2000)]
    order = order_by_hash(items, ["a", "b"])
    assert order.shape == (2000, 2)
    assert (order[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.04)
    assert (order_by_hash(items[5:7], ["a", "b"]) == order[5:7]).all()
    assert (np.sort(order_by_hash(items[:9], list("abcde"))) == np.arange(5)).all()
