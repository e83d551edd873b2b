from itertools import combinations, permutations

import numpy as np
import pytest

from tunedrift.statistics.relabelling import relabelled_p


def signs(values):
    return np.sign(np.subtract.outer(values, values))


def brute(rewards, safeties):
    """The p over one relabelling for all datasets that share their variants, by the definition."""
    size = len(rewards[0])

    def concordant(labels):
        return sum(
            reward[labels[i], labels[j]] * safety[i, j]
            for reward, safety in zip(rewards, safeties, strict=True)
            for i, j in combinations(range(size), 2)
        )

    sums = [concordant(labels) for labels in permutations(range(size))]
    return np.mean(np.array(sums) >= sums[0])


def test_one_dataset_by_hand():
    # Of the six orders of three variants, three are at least as concordant: S of 3, 1, 1.
    assert relabelled_p(["abc"], [signs([1, 2, 3])], [signs([1, 3, 2])], 0) == pytest.approx(3 / 6)
    assert relabelled_p(["abc"], [signs([1, 2, 3])], [signs([1, 2, 3])], 0) == pytest.approx(1 / 6)


def test_the_same_variants_on_more_datasets_are_no_more_variants():
    reward, safety = signs([1, 2, 3, 4]), signs([1, 2, 4, 3])
    one = relabelled_p(["abcd"], [reward], [safety], 0)
    assert relabelled_p(["abcd"] * 4, [reward] * 4, [safety] * 4, 0) == one == pytest.approx(4 / 24)


def test_several_datasets_are_relabelled_together():
    random = np.random.default_rng(0)
    for _ in range(5):
        rewards, safeties = ([signs(random.integers(0, 4, 5)) for _ in range(3)] for _ in range(2))
        assert relabelled_p(["abcde"] * 3, rewards, safeties, 0) == pytest.approx(brute(rewards, safeties))


def test_variants_change_places_with_those_of_the_same_datasets_alone():
    # a, b were tuned on both datasets, c, d on the second: 2! * 2! relabellings.
    reward, safety = [signs([1, 2]), signs([1, 2, 3, 4])], [signs([1, 2]), signs([1, 2, 3, 4])]
    assert relabelled_p(["ab", "abcd"], reward, safety, 0) == pytest.approx(1 / 4)
    assert relabelled_p(["a", "b"], [np.zeros((1, 1))] * 2, [np.zeros((1, 1))] * 2, 0) == 1


def test_many_variants_are_relabelled_by_a_seeded_sample():
    values = np.arange(10)
    names = ["abcdefghij"] * 2
    p = relabelled_p(names, [signs(values)] * 2, [signs(values)] * 2, 0)
    assert p == pytest.approx(1 / 20_001)
    noise = signs(np.random.default_rng(1).permutation(10))
    found = [relabelled_p(names, [signs(values)] * 2, [noise] * 2, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0] == pytest.approx(found[2], abs=0.02)


def test_under_the_null_the_level_is_kept_with_four_datasets():
    random = np.random.default_rng(3)
    # The safety order of the variants is shared by the datasets, as that of a transform is; rewards know nothing of it.
    p = []
    for _ in range(400):
        order, reward = random.normal(size=(2, 5))
        rewards = [signs(reward + 0.3 * random.normal(size=5)) for _ in range(4)]
        safeties = [signs(order + 0.3 * random.normal(size=5)) for _ in range(4)]
        p.append(relabelled_p(["abcde"] * 4, rewards, safeties, 0))
    assert np.mean(np.array(p) <= 0.05) < 0.08
