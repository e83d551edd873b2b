import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from tunedrift.hashing import stable_seed
from tunedrift.statistics.bootstrap import (
    Bootstrap,
    ClusterBootstrap,
    crossed_draws,
    percentile_interval,
    rate_interval,
    ratio,
    resample,
    resampling_counts,
    score_interval,
    t_interval,
)


def crossed(hits, draws=4000, seed=0):
    """Draws of a rate from a (prompts, seeds) matrix of zeros and ones."""
    hits = np.asarray(hits, float)
    return crossed_draws(resample(hits, draws, seed), resample(np.ones_like(hits), draws, seed), draws, seed)


def test_a_stable_seed_depends_on_every_part_and_not_on_the_process():
    assert stable_seed(0, "a") == stable_seed("0", "a") == 17234191583336360940
    assert len({stable_seed(0, "a"), stable_seed(1, "a"), stable_seed(0, "b"), stable_seed("0a")}) == 4
    assert Bootstrap(seed=3).at("x", "y") == Bootstrap(seed=stable_seed(3, "x", "y"))


def test_counts_are_multinomial():
    counts = resampling_counts(10, 20_000, seed=1)
    assert (counts.sum(axis=1) == 10).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(10), abs=0.03)
    assert counts.var(axis=0) == pytest.approx(np.full(10, 0.9), abs=0.05)
    assert np.corrcoef(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / 9, abs=0.03)


def test_resampling_in_blocks_gives_all_draws_and_keeps_columns_paired(monkeypatch):
    values = np.arange(12.0).reshape(6, 2)
    values[:, 1] = 3 * values[:, 0]
    monkeypatch.setattr("tunedrift.statistics.bootstrap.CELLS_AT_ONCE", 60)
    drawn = resample(values, 25, seed=0)
    assert drawn.shape == (25, 2)
    assert (drawn[:, 1] == 3 * drawn[:, 0]).all()
    assert len(np.unique(drawn[:, 0])) > 10
    assert (drawn == resample(values, 25, seed=0)).all()


def test_a_ratio_of_nothing_is_undefined():
    assert ratio(np.array([1, 0]), np.array([2, 0])) == pytest.approx([0.5, np.nan], nan_ok=True)


def test_the_percentile_interval_of_a_rate_is_that_of_scipy():
    hits = np.repeat([1.0, 0.0], [23, 17])
    ours = percentile_interval(crossed(hits[:, None], draws=20_000), 0.95)
    theirs = scipy.stats.bootstrap((hits,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.013)


def test_undefined_draws_are_left_out_of_the_percentiles():
    draws = np.array([[0.0, 1.0, 2.0, np.nan], [np.nan] * 4])
    low, high = percentile_interval(draws, 0.5)
    assert low == pytest.approx([0.5, np.nan], nan_ok=True)
    assert high == pytest.approx([1.5, np.nan], nan_ok=True)


def test_prompts_and_seeds_vary_independently():
    # The variance of a two-way bootstrap mean of a + b is the sum of the two factors' own.
    prompt, seed = np.linspace(0, 1, 40), np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    draws = crossed(prompt[:, None] + seed, draws=40_000)
    assert draws.var() == pytest.approx(prompt.var() / 40 + seed.var() / 6, rel=0.03)
    assert draws.mean() == pytest.approx(prompt.mean() + seed.mean(), abs=0.01)


def test_one_seed_leaves_the_prompts_alone_to_vary():
    prompt = np.linspace(0, 1, 40)
    assert crossed(prompt[:, None], draws=40_000).var() == pytest.approx(prompt.var() / 40, rel=0.03)


def test_pairing_by_prompt_and_seed_is_kept():
    rng = np.random.default_rng(0)
    one = rng.random((30, 3)) < 0.5
    assert np.ptp(crossed(one) - crossed(one)) == 0
    assert crossed(one + 0.25) - crossed(one) == pytest.approx(np.full(4000, 0.25))


def test_the_t_interval_by_hand_and_by_statsmodels():
    # Three seeds: mean 2, standard deviation 1, t(0.975, 2) = 4.3027.
    assert t_interval(np.array([1.0, 2.0, 3.0]), 0.95) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    values = np.array([0.2, 0.5, 0.3, 0.9])
    assert t_interval(values, 0.9) == pytest.approx(DescrStatsW(values).tconfint_mean(0.1))


def test_the_score_interval_of_a_constant_rate_is_wilsons():
    for hits, units in ((0, 12), (12, 12)):
        wilson = proportion_confint(hits, units, method="wilson")
        assert score_interval(hits / units, units, 0.95, 0.0) == pytest.approx(wilson)


@pytest.mark.parametrize("units", [5, 40])
def test_the_score_interval_of_a_constant_difference_is_tangos(units):
    z = scipy.stats.norm.ppf(0.975)

    def score(difference, gains, losses):
        # Tango's statistic with the constrained likelihood maximised by brute force.
        both = np.linspace(max(0, -difference), (1 - difference) / 2, 200_001)[1:-1]
        neither = units - gains - losses
        with np.errstate(divide="ignore"):
            fit = gains * np.log(both + difference) + losses * np.log(both)
            fit = fit + (neither * np.log(1 - 2 * both - difference) if neither else 0.0)
        loss = both[np.argmax(fit)]
        return (gains - losses - units * difference) / np.sqrt(
            units * (2 * loss + difference * (1 - difference))
        )

    _, high = score_interval(0.0, units, 0.95, -1.0)
    assert score(high, 0, 0) == pytest.approx(-z, abs=0.01)
    low, top = score_interval(1.0, units, 0.95, -1.0)
    assert score(low, units, 0) == pytest.approx(z, abs=0.01)
    assert top == 1.0


def test_few_seeds_take_the_wider_interval_and_many_do_not():
    apart, together = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    assert rate_interval((0.4, 0.6), 0.5, apart, 50, 0.95, 0.0) == (0.0, 1.0)
    assert rate_interval((0.4, 0.6), 0.5, together, 50, 0.95, 0.0) == (0.4, 0.6)
    assert rate_interval((0.4, 0.6), 0.5, np.array([0.2, 0.8] * 3), 50, 0.95, 0.0) == (0.4, 0.6)
    assert rate_interval((-0.4, 0.6), 0.5, np.array([0.5]), 50, 0.95, -1.0) == (-0.4, 0.6)


def test_an_interval_without_width_widens_to_the_score_interval():
    assert rate_interval((0.0, 0.0), 0.0, np.zeros(1), 10, 0.95, 0.0) == score_interval(0, 10, 0.95, 0.0)
    assert rate_interval((0.0, 0.0), 0.0, np.zeros(1), 10, 0.95, -1.0) == score_interval(0, 10, 0.95, -1.0)


def test_the_cluster_bootstrap_of_a_ratio_by_hand_and_by_scipy():
    clusters = ["a", "a", "a", "b", "c", "c"]
    hits = np.array([1, 1, 0, 0, 1, 0])
    sums = ClusterBootstrap(clusters, {"hits": hits, "all": np.ones(6)}, Bootstrap(draws=20_000))
    assert sums.totals == {"hits": 3, "all": 6}
    assert sums.clusters("all") == 3
    assert sums.clusters("hits") == 2
    # By hand: three draws out of 2/3, 0/1 and 1/2 pool to aaa, aab = acc, aac, abb = bcc, abc = ccc, bbc, bbb.
    pooled = {2 / 3, 4 / 7, 5 / 8, 2 / 5, 3 / 6, 1 / 4, 0 / 3}
    assert set(np.round(sums.drawn["hits"] / sums.drawn["all"], 9)) == {round(rate, 9) for rate in pooled}
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 8, 60)
    wins = rng.binomial(sizes, rng.beta(2, 2, 60))
    ours = ClusterBootstrap(np.arange(60), {"wins": wins, "sizes": sizes}, Bootstrap(draws=20_000))
    theirs = scipy.stats.bootstrap(
        (wins, sizes),
        lambda x, y, axis: x.sum(axis=axis) / y.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=1,
    )
    assert ours.share("wins", "sizes")[1:] == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


def test_the_cluster_bootstrap_agrees_with_the_cluster_robust_standard_error():
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(80), 5)
    wrong = (rng.random(400) < np.repeat(rng.beta(1, 2, 80), 5)).astype(float)
    fit = sm.OLS(wrong, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    columns = {"wrong": wrong, "all": np.ones(400)}
    sums = ClusterBootstrap(clusters, columns, Bootstrap(draws=10_000))
    naive = wrong.std() / 20
    assert (sums.drawn["wrong"] / 400).std() == pytest.approx(fit.bse[0], rel=0.05)
    assert fit.bse[0] > 1.3 * naive


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12), st.integers(0, 5))
def test_a_share_lies_inside_its_interval_and_both_in_zero_to_one(rows, seed):
    hits, extra = np.array(rows).T
    sums = ClusterBootstrap(
        range(len(rows)), {"hits": hits, "all": hits + extra}, Bootstrap(draws=200, seed=seed)
    )
    estimate, low, high = sums.share("hits", "all")
    if (hits + extra).sum() == 0:
        assert np.isnan([estimate, low, high]).all()
    elif sums.clusters("all") < 6:
        assert np.isnan([low, high]).all()
    else:
        assert 0 <= low <= high <= 1
        assert high > low
