import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from tunedrift.statistics.bounds import alpha_of_each_end, bounds_interval
from tunedrift.statistics.crossed import crossed_mean, paired_difference, rate_interval


def test_one_bound_has_the_alpha_of_a_mean_and_two_far_apart_one_side_each():
    assert alpha_of_each_end(0.5, 0.5, 0.1, 0.05) == pytest.approx(0.05)
    assert alpha_of_each_end(0.0, 1.0, 0.02, 0.05) == pytest.approx(0.1)
    assert alpha_of_each_end(0.2, 0.2, 0.0, 0.05) == 0.05


@pytest.mark.parametrize("apart", [0.01, 0.05, 0.2])
def test_the_quantile_between_solves_the_equation_of_imbens_and_manski(apart):
    normal = scipy.stats.norm
    wanted = scipy.optimize.brentq(lambda c: normal.cdf(c + apart / 0.1) - normal.cdf(-c) - 0.95, 0, 3)
    assert alpha_of_each_end(0.3, 0.3 + apart, 0.1, 0.05) == pytest.approx(2 * normal.cdf(-wanted))


def test_the_interval_is_narrower_than_that_around_both_bounds_and_wider_than_the_bounds():
    low, high, base = (np.repeat([1.0, 0.0], [hits, 60 - hits])[:, None] for hits in (40, 52, 45))
    rates = crossed_mean(low), crossed_mean(high)
    both = rate_interval(rates[0], 0.05)[0], rate_interval(rates[1], 0.05)[1]
    found = bounds_interval(*rates, 0.05)
    assert both[0] < found[0] < 40 / 60 < 52 / 60 < found[1] < both[1]
    assert bounds_interval(rates[0], rates[0], 0.05) == pytest.approx(rate_interval(rates[0], 0.05))
    differences = paired_difference(low, base), paired_difference(high, base)
    both = differences[0].interval(0.05)[0], differences[1].interval(0.05)[1]
    found = bounds_interval(*differences, 0.05)
    assert both[0] < found[0] < -5 / 60 < 7 / 60 < found[1] < both[1]


@pytest.mark.parametrize("truth", ["low", "high"])
def test_the_rate_at_either_bound_is_covered(truth):
    # 70 % pass, 20 % fail, 10 % are unresolved, of which all pass or none do.
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        kind = random.choice(3, 80, p=[0.7, 0.2, 0.1])
        ends = (crossed_mean(np.isin(kind, kinds)[:, None]) for kinds in ([0], [0, 2]))
        low, high = bounds_interval(*ends, 0.05)
        covered += low <= {"low": 0.7, "high": 0.8}[truth] <= high
    assert 0.92 < covered / 400 < 0.985
