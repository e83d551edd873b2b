"""Rates corrected for a judge's errors, beside other people's implementations."""

import numpy as np
import pytest

from tunedrift.statistics.cluster_rates import wilson
from tunedrift.statistics.corrected_rates import corrected_difference, corrected_rate
from tunedrift.statistics.judge_error import Errors


def judge(sensitivity, specificity, n=200):
    sides = [(rate, *wilson(rate, n, 0.95)) for rate in (sensitivity, specificity)]
    return Errors(*sides, 0.95)


def alone(hits, n):
    return (np.arange(n) < hits).astype(float), np.ones(n)


def test_corrected_rate_by_hand():
    # (.40 + .90 - 1) / (.80 + .90 - 1) = .30 / .70.
    found = corrected_rate(*alone(40, 100), judge(0.8, 0.9))
    assert found.estimate == pytest.approx(3 / 7)
    assert not found.clipped


def test_the_interval_is_that_of_lang_and_reiczigel():
    z, n, n_se, n_sp = 1.959964, 1000, 200, 200
    found = corrected_rate(np.repeat([1.0, 0.0], [400, 600]), np.ones(1000), judge(0.8, 0.9))
    p, se, sp = (400 + z**2 / 2) / (n + z**2), 161 / 202, 181 / 202
    rate = (p + sp - 1) / (se + sp - 1)
    of_se, of_sp = se * (1 - se) / (n_se + 2), sp * (1 - sp) / (n_sp + 2)
    middle = rate + 2 * z**2 * (rate * of_se - (1 - rate) * of_sp)
    variance = p * (1 - p) / (n + z**2) + rate**2 * of_se + (1 - rate) ** 2 * of_sp
    reach = z * variance**0.5 / (se + sp - 1)
    assert (found.low, found.high) == pytest.approx((middle - reach, middle + reach), abs=2e-3)


def test_the_estimate_is_that_of_judgy_and_the_interval_knows_the_error_of_both_samples():
    import judgy

    labels = np.repeat([1, 0], [100, 100])
    said = np.concatenate([np.repeat([1, 0], [80, 20]), np.repeat([1, 0], [10, 90])])
    unlabelled = np.repeat([1, 0], [40, 60])
    np.random.seed(0)
    estimate, low, high = judgy.estimate_success_rate(labels, said, unlabelled, 2000)
    found = corrected_rate(*alone(40, 100), judge(0.8, 0.9, 100))
    assert found.estimate == pytest.approx(estimate)
    # judgy resamples the labelled answers alone.
    assert found.low < low < high < found.high


@pytest.mark.parametrize(("hits", "estimate"), [(2, 0.0), (98, 1.0)])
def test_a_rate_out_of_bounds_is_clipped_and_said_to_be(hits, estimate):
    found = corrected_rate(*alone(hits, 100), judge(0.9, 0.9))
    assert (found.estimate, found.clipped) == (estimate, True)
    assert found.low < found.high


def test_a_difference_out_of_bounds_is_clipped_and_keeps_a_width():
    found = corrected_difference((0.9, 0.85, 0.95), judge(0.7, 0.8))
    assert (found.estimate, found.high, found.clipped) == (1.0, 1.0, True)
    assert found.low < 1


def test_no_correction_by_a_judge_like_a_coin():
    for worthless in (judge(0.5, 0.5), judge(0.2, 0.8), judge(0.6, 0.6, 20)):
        assert corrected_rate(*alone(40, 100), worthless) is None
        assert corrected_difference((0.2, 0.1, 0.3), worthless) is None
    assert corrected_rate(np.zeros(3), np.zeros(3), judge(0.9, 0.9)) is None
    assert corrected_difference((np.nan, np.nan, np.nan), judge(0.9, 0.9)) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_corrected_difference_by_hand(sign):
    # J = .7, so .14 becomes .20; with J known for sure the interval is the raw one over J.
    raw = tuple(sorted(sign * value for value in (0.07, 0.14, 0.21)))
    found = corrected_difference((raw[1], raw[0], raw[2]), judge(0.8, 0.9, 10**9))
    assert found.estimate == pytest.approx(sign * 0.2)
    assert (found.low, found.high) == pytest.approx(tuple(sorted((sign * 0.1, sign * 0.3))), abs=1e-3)
    wider = corrected_difference((raw[1], raw[0], raw[2]), judge(0.8, 0.9, 50))
    assert wider.low < found.low
    assert wider.high > found.high


def test_the_bounds_of_a_difference_on_both_sides_of_0_take_the_lower_bound_of_j():
    d, d_low, d_high = raw = (0.05, -0.1, 0.2)
    j, j_low, _ = judge(0.95, 0.75, 60).youden
    found = corrected_difference(raw, judge(0.95, 0.75, 60))
    for bound, raw_bound in ((found.low, d_low), (found.high, d_high)):
        left, right = (d - bound * j) ** 2, (d - raw_bound) ** 2 + bound**2 * (j - j_low) ** 2
        assert left == pytest.approx(right, rel=1e-9)


def test_a_difference_of_nothing_keeps_the_width_of_the_raw_one():
    found = corrected_difference((0.0, -0.07, 0.07), judge(0.8, 0.9, 10**9))
    assert (found.low, found.estimate, found.high) == pytest.approx((-0.1, 0, 0.1), abs=1e-3)
    assert corrected_difference((0.0, 0.0, 0.0), judge(0.8, 0.9)).estimate == 0
