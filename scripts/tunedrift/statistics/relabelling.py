"""Permutation test of two orderings of variants that were made and tuned on several datasets."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product
from math import factorial, prod

import numpy as np

MOST_EXACT = 40_320
"""Up to so many relabellings (8!) all are counted; beyond, some are drawn."""

DRAWN = 20_000


def relabelled_p(
    variants: Sequence[Sequence[str]], reward: Sequence[np.ndarray], safety: Sequence[np.ndarray], seed: int
) -> float:
    """The share of relabellings of the variants that are at least as concordant as the given labels, one-sided.

    Per dataset: the names of its variants, the signs of their reward differences and the (sums of) signs of their
    safety differences, both (variants, variants) and antisymmetric. A variant is one transform, whatever it is applied
    to, so one relabelling serves all datasets: relabelled apart, four datasets would count as four times the variants.
    Variants change places only with those that were tuned on the same datasets. All relabellings are counted where they
    are few; else a seeded sample beside the given labels, which count as one (Phipson and Smyth, Statistical
    Applications in Genetics and Molecular Biology 9, 2010).
    """
    names = sorted({name for part in variants for name in part})
    places = {name: [name in part for part in variants] for name in names}
    classes: dict[tuple[bool, ...], list[int]] = {}
    for index, name in enumerate(names):
        classes.setdefault(tuple(places[name]), []).append(index)
    labels = _labels(list(classes.values()), len(names), seed)
    concordant = np.zeros(len(labels))
    for part, rewards, safeties in zip(variants, reward, safety, strict=True):
        where = [names.index(name) for name in part]
        within = np.full(len(names), -1)
        within[where] = np.arange(len(part))
        moved = within[labels[:, where]]
        for one, other in combinations(range(len(part)), 2):
            concordant += rewards[moved[:, one], moved[:, other]] * safeties[one, other]
    return float(np.mean(np.rint(concordant) >= np.rint(concordant[0])))


def _labels(classes: list[list[int]], variants: int, seed: int) -> np.ndarray:
    """(relabellings, variants), the given labels first: every class of exchangeable variants permuted within itself."""
    if prod(factorial(len(members)) for members in classes) <= MOST_EXACT:
        return np.array(list(_all(classes, variants)))
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(variants), (DRAWN + 1, 1))
    for members in classes:
        labels[1:, members] = random.permuted(labels[1:, members], axis=1)
    return labels


def _all(classes: list[list[int]], variants: int) -> Iterator[np.ndarray]:
    for orders in product(*(permutations(members) for members in classes)):
        labels = np.arange(variants)
        for members, order in zip(classes, orders, strict=True):
            labels[members] = order
        yield labels
