"""Agreement of two scorings: rank correlations, and signs of differences."""

import hashlib
from collections.abc import Mapping

import numpy as np

from tunedrift.statistics.bootstrap import ratio


def pair_signs(scores: np.ndarray) -> np.ndarray:
    """Signs of `scores[:, i] - scores[:, j]` for all i < j: (rows, items) becomes (rows, pairs).

    0 is a tie, or a pair with a missing (NaN) score.
    """
    first, second = np.triu_indices(scores.shape[1], k=1)
    return np.nan_to_num(np.sign(scores[:, first] - scores[:, second])).astype(np.int8)


def kendall_tau_b(signs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each row, from two `pair_signs`: (rows,); NaN where either ties everything.

    Concordant less discordant pairs, over the geometric mean of the pairs that each side does not
    tie (Kendall, The treatment of ties in ranking problems, Biometrika 33, 1945).
    """
    untied = np.sqrt((signs != 0).sum(axis=1) * (others != 0).sum(axis=1, dtype=float))
    return ratio((signs * others).sum(axis=1, dtype=float), untied)


def spearman(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row, (rows, items) each: the correlation of mid-ranks (Spearman 1904)."""
    from scipy.stats import rankdata

    a, b = (rankdata(values, axis=1) for values in (scores, others))
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (a, b))
    return ratio((a * b).sum(axis=1), np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def order_by_hash(items: list[str], groups: list[str]) -> np.ndarray:
    """For each item, the groups in the order of a hash of (item, group): indices, (items, groups).

    The hash is the first eight bytes of the SHA-256 of item and group, joined by U+001F, in UTF-8.
    Read along these indices, the order within a pair tells nothing of the pair's content.
    """
    keys = [
        [hashlib.sha256(f"{item}\x1f{group}".encode()).digest()[:8] for group in groups] for item in items
    ]
    return np.argsort(np.array(keys, dtype="S8").reshape(len(items), len(groups)), axis=1, kind="stable")


def cohen_kappa(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Cohen's kappa of the counts `++`, `+-`, `-+`, `--`; NaN where chance alone agrees always.

    (observed - expected) / (1 - expected) agreement, expected from the margins (Cohen, A coefficient
    of agreement for nominal scales, 1960).
    """
    total = table["++"] + table["+-"] + table["-+"] + table["--"]
    observed = ratio(table["++"] + table["--"], total)
    one, other = ratio(table["++"] + table["+-"], total), ratio(table["++"] + table["-+"], total)
    expected = one * other + (1 - one) * (1 - other)
    return ratio(observed - expected, 1 - expected)
