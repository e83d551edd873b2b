"""Prediction-powered rates and differences: by hand, and beside the package of the method's authors."""

import sys
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import t

from tunedrift.statistics.bootstrap import t_interval
from tunedrift.statistics.prediction_powered import Answers, prediction_powered


def answers(judged, labels, drawable=None):
    """One answer to each prompt: lists by tuning of what the judge says and of labels, None where there is none."""
    judged = np.array(judged, float).T
    given = np.array([[np.nan if label is None else label for label in tuning] for tuning in labels]).T
    labelled = ~np.isnan(given)
    drawable = np.ones_like(judged) if drawable is None else np.array(drawable, float).T
    labels = np.where(labelled, given, 0.0)
    return Answers(judged, np.ones_like(judged), drawable, labelled.astype(float), labels, judged * labelled)


FIVE = answers([[1, 1, 0, 0, 1]], [[1, 0, 0, None, None]])
"""The judge passes 3 of 5; of the 3 that are labelled it passes 2, the labels 1."""


def test_a_rate_by_hand():
    # .6 by the judge, and -1/3 by what the labels say beyond it.
    assert prediction_powered(FIVE, [0], [], 0.95, power=1).estimate == pytest.approx(0.6 - 1 / 3)
    assert prediction_powered(FIVE, [0], [], 0.95, power=0).estimate == pytest.approx(1 / 3)
    # Per prompt (judged - .6 + 5/3 (beyond + 1/3 where labelled)) / 5.
    by_hand = [(0.4 + 5 / 9) / 5, (0.4 - 10 / 9) / 5, (-0.6 + 5 / 9) / 5, -0.6 / 5, 0.4 / 5]
    assert FIVE.influence(1)[:, 0] == pytest.approx(by_hand)


def test_the_interval_of_a_difference_by_hand():
    both = answers([[1, 1, 0, 0, 1], [1, 1, 1, 1, 0]], [[1, 0, 0, None, None], [1, 1, 1, None, None]])
    found = prediction_powered(both, [0], [1], 0.5, power=1)
    assert found.estimate == pytest.approx(0.6 - 1 / 3 - 0.8)
    # The second's labels say what the judge does: per prompt (judged - .8) / 5.
    errors = FIVE.influence(1)[:, 0] - (np.array([1, 1, 1, 1, 0]) - 0.8) / 5
    variance = 3 / 2 * (errors**2).sum() + 2 * 0.25 / 9
    assert found.low == pytest.approx(found.estimate - t.ppf(0.75, 2) * variance**0.5)
    assert found.high == pytest.approx(found.estimate + t.ppf(0.75, 2) * variance**0.5)


def test_an_answer_that_nobody_can_label_passes_for_nobody():
    # Two of six are empty: of the other four the judge passes two, and one of the two that are labelled is no pass.
    empty = [[1, 1, 1, 1, 0, 0]]
    found = answers([[1, 0, 1, 0, 0, 0]], [[0, 0, None, None, None, None]], empty)
    assert prediction_powered(found, [0], [], 0.95, power=1).estimate == pytest.approx(2 / 6 - 4 / 6 / 2)


def test_where_all_answers_are_labelled_the_judge_has_no_say():
    labels = [1, 0, 1, 1, 0, 0, 1, 0]
    for judged in ([1] * 8, [0, 1, 0, 0, 1, 1, 0, 1], labels):
        found = prediction_powered(answers([judged], [labels]), [0], [], 0.95)
        assert found.estimate == pytest.approx(0.5)
        assert found.low == pytest.approx(1 - found.high)


@pytest.mark.parametrize("rate", [0, 1])
def test_a_rate_of_0_or_1_has_an_interval_with_a_width(rate):
    found = prediction_powered(answers([[rate] * 40], [[rate] * 40]), [0], [], 0.95)
    assert found.estimate == rate
    assert 0.02 < found.high - found.low < 0.15


def test_labels_to_one_prompt_tell_nothing_of_the_spread():
    with pytest.raises(ValueError, match="two or more prompts"):
        prediction_powered(answers([[1, 0, 1]], [[1, None, None]]), [0], [], 0.95)


def seeded(random, shares, prompts=100, labelled=50):
    rows = [random.random(prompts) < share for share in (0.5, *shares)]
    labels = [[bool(value) if at < labelled else None for at, value in enumerate(row)] for row in rows]
    return answers(rows, labels)


def test_few_seeds_bring_students_interval_over_them():
    found = seeded(np.random.default_rng(0), (0.2, 0.8))
    low, high = t_interval(found.rates(1)[1:], 0.95)
    one = prediction_powered(found, [1, 2], [], 0.95, power=1)
    assert (one.low, one.high) == (max(0, low), min(1, high))


def test_more_seeds_bring_their_variance():
    random = np.random.default_rng(0)
    widths = []
    for shares in ([0.5] * 6, [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]):
        found = prediction_powered(seeded(random, shares), [1, 2, 3, 4, 5, 6], [0] * 6, 0.95)
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_answers_to_one_prompt_count_together():
    random = np.random.default_rng(0)
    truth, right = random.random(400) < 0.4, random.random(400) < 0.85
    alone = answers(
        [np.where(truth, right, ~right)], [[bool(x) if at < 200 else None for at, x in enumerate(truth)]]
    )
    four = Answers(*(4 * getattr(alone, name) for name in Answers.__annotations__))
    one, other = (prediction_powered(each, [0], [], 0.95, power=0.7) for each in (alone, four))
    assert one.estimate == pytest.approx(other.estimate)
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.02)


@pytest.fixture
def ppi_py(monkeypatch):
    """ppi-python without numba, which it takes for speed alone."""
    numba = ModuleType("numba")
    numba.njit = lambda function=None, **_: function or (lambda other: other)
    monkeypatch.setitem(sys.modules, "numba", numba)
    import ppi_py

    yield ppi_py
    for name in [name for name in sys.modules if name.split(".")[0] == "ppi_py"]:
        del sys.modules[name]


@pytest.mark.parametrize("power", [1.0, None])
@pytest.mark.parametrize("sides", [1, 2])
def test_it_is_the_mean_of_ppi_python(ppi_py, power, sides):
    random = np.random.default_rng(0)
    truth = np.array([random.random(7500) < rate for rate in (0.4, 0.6)[:sides]])
    judged = np.where(random.random(truth.shape) < 0.85, truth, ~truth).astype(float)
    labels = [[float(x) if at < 1500 else None for at, x in enumerate(row)] for row in truth]
    # The power of ppi-python is of the mean over the 6000 others, ours of that over all 7500.
    mine = None if power is None else power * 7500 / 6000
    found = prediction_powered(answers(judged, labels), [0], [1][: sides - 1], 0.95, power=mine)
    signs = np.array([1, -1])[:sides, None]
    y, f = (signs * truth).sum(axis=0).astype(float), (signs * judged).sum(axis=0)
    interval = ppi_py.ppi_mean_ci(y[:1500], f[:1500], f[1500:], 0.05, lam=power)
    low, high = (float(np.ravel(bound)[0]) for bound in interval)
    assert found.estimate == pytest.approx((low + high) / 2, abs=5e-4)
    assert found.high - found.low == pytest.approx(high - low, rel=0.01)


def test_a_rate_has_wilsons_interval_at_the_size_of_its_variance():
    random = np.random.default_rng(3)
    truth = random.random(300) < 0.9
    found = prediction_powered(answers([truth], [[bool(x) for x in truth]]), [0], [], 0.95)
    p, z, quantile = truth.mean(), NormalDist().inv_cdf(0.975), t.ppf(0.975, 299)
    size = 300 * 299 / 300 * (z / quantile) ** 2
    middle, reach = p + z**2 / (2 * size), z * (p * (1 - p) / size + z**2 / (4 * size**2)) ** 0.5
    expected = [(middle + side * reach) / (1 + z**2 / size) for side in (-1, 1)]
    assert [found.low, found.high] == pytest.approx(expected, abs=3e-3)
