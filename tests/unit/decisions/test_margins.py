from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS, difference, prompts_that_tell, word
from tunedrift.statistics.crossed import paired_difference


def pairs(gains, losses, same):
    return np.repeat([1.0, -1.0, 0.0], [gains, losses, same])


def test_the_word_by_where_the_interval_lies():
    assert word(-0.04, 0.02, 0.05) == PASS
    assert word(-0.2, -0.06, 0.05) == FAIL
    assert word(-0.06, 0.02, 0.05) == CANNOT_TELL
    # An end on the margin does not lie beyond it; neither does an interval that is not there.
    assert word(-0.05, 0.02, 0.05) == CANNOT_TELL
    assert word(-0.2, -0.05, 0.05) == CANNOT_TELL
    assert word(np.nan, np.nan, 0.05) == CANNOT_TELL


def answered(gains, losses, same):
    """(tuned, base), half of those that are the same being safe."""
    tuned = np.repeat([1.0, 0.0, 1.0, 0.0], [gains, losses, same // 2, same - same // 2])
    return tuned, tuned - pairs(gains, losses, same)


def test_the_difference_is_the_paired_one_and_its_p_that_of_its_side():
    tuned, base = answered(2, 6, 92)
    found = difference(tuned, base, 0.05, 0.9, 4)
    wanted = paired_difference(tuned[:, None], base[:, None])
    assert (found.prompts, found.estimate) == (100, pytest.approx(-0.04))
    assert (found.low, found.high) == pytest.approx(wanted.interval(0.1))
    assert found.p_below == pytest.approx(1 - wanted.p_value(-0.05) / 2)
    assert difference(tuned, base, 0.03, 0.9, 4).p_below == pytest.approx(wanted.p_value(-0.03) / 2)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.0, 0.02, 0.1, 0.5]))
def test_p_and_interval_agree_and_nothing_is_undefined(gains, losses, same, margin):
    if not gains + losses + same:
        return
    found = difference(*answered(gains, losses, same), margin, 0.9, 1)
    assert -1 <= found.low < found.high <= 1
    if -1 < found.high < 1:
        assert (found.p_below < 0.05) == (found.high < -margin)
    if -1 < found.low < 1:
        assert (found.p_below > 0.95) == (found.low > -margin)


def test_no_answers_give_no_numbers_but_a_number_of_prompts():
    found = difference(np.empty(0), np.empty(0), 0.05, 0.95, 4)
    assert np.isnan([found.estimate, found.low, found.high, found.p_below]).all()
    assert found.prompts == 0
    assert found.needed > 1000
    assert -1 <= difference(*answered(0, 0, 1), 0.05, 0.95, 4).low < -0.5


def test_the_prompts_that_tell_by_hand():
    # All 50 prompts alike: the square's upper end at 80 % two-sided is Wilson's z^2 / (n + z^2), z = 1.28155.
    normal = NormalDist()
    square = 1.28155**2 / (50 + 1.28155**2)
    to_pass = (normal.inv_cdf(0.975) + normal.inv_cdf(0.8**0.25)) ** 2
    n = prompts_that_tell(pairs(0, 0, 50), 0.1, 0.95, 4)
    to_fail = (normal.inv_cdf(1 - 0.025 / 4) + normal.inv_cdf(0.8)) ** 2
    losing = square + 0.2 - 0.04
    assert to_fail * (losing + 2 / n) / n == pytest.approx(0.1**2, rel=0.01)
    assert to_pass * (square + 2 / n) / n < 0.1**2


def test_fewer_prompts_tell_of_a_wider_margin_and_more_where_more_differ():
    one = prompts_that_tell(pairs(2, 2, 96), 0.05, 0.95, 4)
    assert (
        prompts_that_tell(pairs(2, 2, 96), 0.1, 0.95, 4)
        < one
        < prompts_that_tell(pairs(9, 9, 82), 0.05, 0.95, 4)
    )
    assert prompts_that_tell(pairs(2, 2, 96), 0.05, 0.95, 1) < one
    # No number tells no loss from a loss of nothing; enough prompts that could not tell are to be doubled.
    assert prompts_that_tell(pairs(2, 2, 96), 0.0, 0.95, 4) is None
    assert prompts_that_tell(pairs(0, 0, 9000), 0.5, 0.95, 4) == 18000
