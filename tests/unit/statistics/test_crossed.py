import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.proportion import proportion_confint

from tunedrift.statistics.crossed import (
    CrossedMean,
    crossed_mean,
    detectable,
    eased,
    paired_difference,
    planned,
    rate_interval,
    values,
)


def drawn(prompts=30, seeds=5, seed=0, seed_sd=0.3):
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(prompts, 1))
        + seed_sd * random.normal(size=seeds)
        + random.normal(size=(prompts, seeds))
    )


def test_values_are_the_hits_where_all_is_counted_and_their_mean_the_rate():
    hits = np.array([[1, 0], [1, 1], [0, 0.0]])
    assert values(hits, np.ones((3, 2))) == pytest.approx(hits)
    counted = np.array([[1, 1], [2, 1], [0, 1.0]])
    found = values(hits, counted)
    assert found.mean() == pytest.approx(3 / 6)
    # By hand: mean counted 1, so .5 + hits - .5 * counted.
    assert found == pytest.approx(np.array([[1, 0], [0.5, 1], [0.5, 0]]))
    assert np.isnan(values(hits, np.zeros((3, 2)))).all()


def test_the_variance_by_hand():
    # Prompt means 0, 2, 4; seed means 1, 3; no residual: MS prompts 2 * 8 / 2 = 8, MS seeds 3 * 2 / 1 = 6.
    mean = crossed_mean(np.array([[-1, 1], [1, 3], [3, 5.0]]))
    assert mean.estimate == 2
    assert (mean.prompt_variance, mean.seed_variance, mean.residual) == pytest.approx((8 / 6, 6 / 6, 0))
    # The sum of the means' own variances: 4 / 3 over prompts and 2 / 2 over seeds.
    assert mean.variance == pytest.approx(4 / 3 + 1)
    assert mean.spread == pytest.approx((9 + 1 + 1 + 1 + 1 + 9) / 5)


def test_the_mean_squares_are_those_of_statsmodels():
    data = drawn()
    prompt, seed = (axis.ravel() for axis in np.indices(data.shape))
    table = anova_lm(ols("y ~ C(p) + C(s)", {"y": data.ravel(), "p": prompt, "s": seed}).fit())
    squares = table["mean_sq"] / data.size
    mean = crossed_mean(data)
    assert mean.prompt_variance == pytest.approx(squares["C(p)"])
    assert mean.seed_variance == pytest.approx(squares["C(s)"] - squares["Residual"])
    # Under five seeds the residual stays in.
    three = crossed_mean(data[:, :3])
    seed_means = data[:, :3].mean(axis=0)
    assert three.seed_variance == pytest.approx(seed_means.var(ddof=1) / 3)
    assert crossed_mean(data, cautious=True).seed_variance == pytest.approx(data.mean(axis=0).var(ddof=1) / 5)
    assert mean.residual == pytest.approx(squares["Residual"])


def test_the_variance_of_the_mean_is_right_on_average():
    studies = np.stack([drawn(12, 6, seed) for seed in range(4000)])
    mean = crossed_mean(studies)
    assert mean.estimate.var() == pytest.approx(1 / 12 + 0.09 / 6 + 1 / 72, rel=0.06)
    assert mean.variance.mean() == pytest.approx(1 / 12 + 0.09 / 6 + 1 / 72, rel=0.06)
    assert mean.estimate.shape == (4000,)


def test_one_seed_is_students_interval_over_prompts():
    data = drawn(20, 1)
    mean = crossed_mean(data)
    assert mean.seed_variance == 0
    assert mean.size == pytest.approx(20)
    low, high = scipy.stats.t.interval(0.95, 19, data.mean(), scipy.stats.sem(data[:, 0]))
    assert (mean.estimate - mean.reach(0.05), mean.estimate + mean.reach(0.05)) == pytest.approx((low, high))


def test_where_seeds_rule_it_is_students_interval_over_seeds():
    seeds = np.array([0.1, 0.4, 0.2, 0.9])
    mean = crossed_mean(np.tile(seeds, (10, 1)))
    low, high = scipy.stats.t.interval(0.9, 3, seeds.mean(), scipy.stats.sem(seeds))
    assert (mean.estimate - mean.reach(0.1), mean.estimate + mean.reach(0.1)) == pytest.approx((low, high))


def newcombe(both, gained, lost, neither):
    """The paired difference of one seed by hand, from the four kinds of pairs."""
    n = both + gained + lost + neither
    z = scipy.stats.norm.ppf(0.975)
    one, other = (both + gained) / n, (both + lost) / n
    (low, high), (other_low, other_high) = (
        proportion_confint(round(rate * n), n, method="wilson") for rate in (one, other)
    )
    eased = ((gained + lost + 2) / (n + 2) - ((gained - lost) / (n + 2)) ** 2) / (n + 2)
    first, second = (rate * (1 - rate) / (n - 1) for rate in (one, other))
    plain = (first + second - ((gained + lost) / n - (one - other) ** 2) / (n - 1)) / (
        2 * np.sqrt(first * second)
    )
    phi = max(min(plain, 0), (first + second - eased) / (2 * np.sqrt(first * second)))

    def joined(x, y):
        return np.sqrt(x**2 + y**2 - 2 * phi * x * y)

    assert z == pytest.approx(1.96, abs=0.001)
    return one - other - joined(one - low, other_high - other), one - other + joined(
        high - one, other - other_low
    )


def pairs(both, gained, lost, neither):
    one, other = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, gained, lost, neither], axis=0).T
    return one[:, None].astype(float), other[:, None].astype(float)


@pytest.mark.parametrize("table", [(20, 6, 1, 13), (38, 1, 1, 0), (10, 0, 4, 10), (1, 12, 15, 2)])
def test_a_paired_difference_of_one_seed_is_newcombes(table):
    assert paired_difference(*pairs(*table)).interval(0.05) == pytest.approx(newcombe(*table))


def test_the_eased_variance_of_one_seed_is_bonetts_and_prices():
    # 6 gained, 1 lost of 40 pairs: (9 / 42 - (5 / 42)^2) / 42.
    one, other = pairs(20, 6, 1, 13)
    assert eased(crossed_mean(one - other)).variance == pytest.approx((9 / 42 - (5 / 42) ** 2) / 42)
    assert eased(crossed_mean(np.zeros((24, 1)))).variance == pytest.approx(2 / 26 / 26)
    assert eased(crossed_mean(np.zeros((24, 5)))).variance == pytest.approx(0.5 / 26 / 26)
    assert eased(crossed_mean(np.zeros((24, 5))), step=0.5).variance == pytest.approx(0.125 / 26 / 26)


@pytest.mark.parametrize(("prompts", "one_way"), [(24, 4), (150, 4), (150, 5), (24, 7), (150, 7), (150, 9)])
def test_few_discordant_pairs_are_resolved_where_mcnemars_exact_test_says_so(prompts, one_way):
    half = (prompts - one_way) // 2
    found = paired_difference(*pairs(half, one_way, 0, prompts - one_way - half))
    exact = scipy.stats.binomtest(one_way, one_way).pvalue
    assert (found.interval(0.05)[0] > 0) == (exact < 0.05) == (found.p_value() < 0.05)


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seeds", [1, 5])
def test_an_interval_has_width_where_all_pairs_are_alike(rate, seeds):
    same = np.tile((np.arange(24) < 24 * rate).astype(float)[:, None], seeds)
    low, high = paired_difference(same, same).interval(0.05)
    assert low < -0.04 < 0.04 < high
    assert paired_difference(same, same).p_value() == pytest.approx(1.0)
    everything = paired_difference(np.ones((24, seeds)), np.zeros((24, 1)))
    assert everything.interval(0.05)[0] < 0.95
    assert everything.interval(0.05)[1] == pytest.approx(1.0)


def test_shares_of_several_answers_are_as_uncertain_as_they_vary():
    # Two answers to a prompt that have nothing to do with each other: as many independent answers as there are.
    random = np.random.default_rng(0)
    answers = (random.random((2, 400, 1)) < 0.8).astype(float)
    low, high = rate_interval(crossed_mean(answers.mean(axis=0)), 0.05)
    wilson = proportion_confint(answers.sum(), 800, method="wilson")
    assert high - low == pytest.approx(wilson[1] - wilson[0], rel=0.06)


def test_a_reference_without_seeds_is_the_same_for_all_seeds():
    random = np.random.default_rng(0)
    one, other = (random.random((40, 5)) < 0.8), (random.random((40, 1)) < 0.9)
    found = paired_difference(one, other)
    assert found.estimate == pytest.approx(one.mean() - other.mean())
    assert found.mean == crossed_mean(one.astype(float) - other)
    assert found.other.size == pytest.approx(40)


def test_where_rates_differ_between_seeds_the_interval_is_as_wide_as_students_over_seeds():
    hits = np.array([40, 60, 50, 70, 55])
    one = (np.arange(100)[:, None] < hits).astype(float)
    other = (np.arange(100)[:, None] < 50).astype(float)
    low, high = paired_difference(one, other).interval(0.05)
    t = scipy.stats.t.interval(0.95, 4, 0.05, scipy.stats.sem(hits / 100))
    assert high - low > 0.85 * (t[1] - t[0])


@pytest.mark.parametrize("hits", [0, 1, 25, 40])
def test_a_rate_of_one_seed_is_wilsons_interval(hits):
    mean = crossed_mean(np.repeat([1.0, 0.0], [hits, 40 - hits])[:, None])
    assert rate_interval(mean, 0.05) == pytest.approx(proportion_confint(hits, 40, method="wilson"))


def test_a_rate_of_answers_that_are_alike_within_prompts_counts_prompts_with_t():
    mean = crossed_mean(np.tile(np.repeat([1.0, 0.0], [30, 10])[:, None], 5))
    assert mean.size == pytest.approx(39, rel=0.01)
    t = scipy.stats.t.sf(scipy.stats.t.ppf(0.975, 39), 39)
    assert t == pytest.approx(0.025)
    alpha = 2 * scipy.stats.norm.sf(scipy.stats.t.ppf(0.975, 39))
    wilson = proportion_confint(30 / 40 * 39, 39, alpha, method="wilson")
    assert rate_interval(mean, 0.05) == pytest.approx(wilson, abs=1e-3)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 6).flatmap(
        lambda seeds: st.lists(
            st.lists(st.integers(0, 3), min_size=seeds, max_size=seeds), min_size=1, max_size=9
        )
    ),
    st.sampled_from([0.05, 0.2]),
)
def test_p_values_agree_with_intervals_and_nothing_is_undefined(rows, alpha):
    one, other = np.array(rows) % 2, np.array(rows) // 2
    found = paired_difference(one, other)
    low, high = found.interval(alpha)
    assert -1 <= low < high <= 1
    for against in (0.0, -0.3):
        close = min(abs(low - against), abs(high - against)) < 1e-6
        assert close or (found.p_value(against) < alpha) == (not low <= against <= high)
        assert 0 < found.p_below(against) < 1
    share = rate_interval(crossed_mean(one), alpha)
    assert 0 <= share[0] < share[1] <= 1


def test_the_detectable_difference_by_hand():
    mean = crossed_mean(np.repeat([1.0, -1.0, 0.0], [6, 6, 88])[:, None])
    error, t = np.sqrt(12 / 99 / 100), scipy.stats.t(99)
    assert detectable(mean) == pytest.approx((t.ppf(0.975) + t.ppf(0.8)) * error)


@pytest.mark.parametrize(("prompts", "seeds"), [(100, 1), (60, 6), (200, 8)])
def test_the_detectable_difference_is_found_with_its_power(prompts, seeds):
    # Components of .2, .02 (between seeds, if there are several) and .3, known; only the effect is added.
    between = 0.02 if seeds > 1 else 0.0
    random = np.random.default_rng(0)
    noise = np.sqrt(0.2) * random.normal(size=(4000, prompts, 1)) + np.sqrt(between) * random.normal(
        size=(4000, 1, seeds)
    )
    mean = crossed_mean(noise + np.sqrt(0.3) * random.normal(size=(4000, prompts, seeds)))
    size = prompts * seeds
    known = CrossedMean(
        np.zeros(()),
        *map(np.array, (0.2 / prompts + 0.3 / size, between / seeds, 0.3 / size, 0.5)),
        prompts,
        seeds,
    )
    assert planned(known, prompts, seeds).variance == pytest.approx(known.variance)
    power = (mean.estimate + detectable(known) > mean.reach(0.05)).mean()
    assert 0.77 < power < 0.83


def test_a_planned_study_has_the_same_components():
    mean = crossed_mean(drawn(40, 5))
    same = planned(mean, 40, 5)
    assert (same.prompt_variance, same.seed_variance, same.residual) == pytest.approx(
        (mean.prompt_variance, mean.seed_variance, mean.residual)
    )
    assert planned(mean, 80, 5).prompt_variance == pytest.approx(mean.prompt_variance / 2)
    assert planned(mean, 80, 5).seed_variance == pytest.approx(mean.seed_variance)
    # Twice the seeds halve what is between them and the residual, not what is between prompts.
    twice = planned(mean, 40, 10)
    assert twice.seed_variance == pytest.approx(mean.seed_variance / 2)
    assert twice.prompt_variance == pytest.approx(mean.prompt_variance - mean.residual / 2)
