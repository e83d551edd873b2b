"""Forecast: do reward models see in the training data which variant will leave a model less safe?"""

from collections.abc import Iterator
from itertools import combinations
from typing import cast

import numpy as np
import polars as pl

from tunedrift.agreement.scores import row, scores
from tunedrift.design.cells import differs_in_test_context
from tunedrift.design.subjects import Subject
from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.measures import SAFETY, WRAPPED, measure_name
from tunedrift.drift.rates import Comparison, Counts, compare, count
from tunedrift.errors import UserError
from tunedrift.statistics.bootstrap import ratio
from tunedrift.statistics.relabelling import relabelled_p
from tunedrift.tables.agreement import FORECASTS
from tunedrift.tables.prompts import OWN, PLAIN

TIE = 1e-9
"""Means and sums of rates that differ by no more are a tie: the last bits of sums are rounding."""

HEADLINE_VARIANTS = 10
"""Fewer tuned variants than this give points and an exact p, and no correlation."""


def forecasts(
    rewards: pl.DataFrame, prompts: pl.DataFrame, verdicts: pl.DataFrame, judge: str, confidence: float
) -> pl.DataFrame:
    """The forecasts table: each reward model on each pair of variants tuned alike but for the data.

    The reward difference is the mean over rows of the paired difference of scores under the
    original prompt; the safety difference is that of SA by `judge`, over the plain prompts of all
    harmful suites pooled (`SA_g`) and under all their attacks (`SA_a[wrapped]`). `resolved` says
    that the interval over prompts, which is conditional on the two adapters, leaves zero out.
    """
    rows = []
    harmful = prompts.filter(pl.col("kind") == SAFETY.prompts, pl.col("attack") != OWN)
    judged = verdicts.filter(pl.col("judge") == judge)
    for (model,), by_model in sorted(judged.partition_by("model", as_dict=True).items()):
        # Only a measure of sampled answers may have nothing to count.
        found = cast(Counts, count(by_model, harmful, SAFETY))
        pairs = list(variant_pairs(found.tunings))
        if not pairs:
            continue
        data = {
            dataset: scores(rewards, Subject("variants", dataset))
            for dataset in sorted({dataset for dataset, *_ in pairs})
        }
        for dataset, _, *variants, _, _ in pairs:
            if unscored := set(variants) - set(data[dataset].groups):
                raise UserError(
                    f"{Subject('variants', dataset).path}: no reward model has scored {min(unscored)!r}, which was tuned; score it."
                )
        compared = [Comparison([one], [other]) for *_, one, other in pairs]
        plain = found.prompts["attack"].to_numpy() == PLAIN
        for attack in (PLAIN, WRAPPED):
            chosen = plain == (attack == PLAIN)
            if not chosen.any():
                continue
            safety = compare(found.pool(chosen), compared, SAFETY.desired, confidence)
            for (dataset, seed, variant, other, *_), difference in zip(pairs, safety, strict=True):
                for rm, reward in data[dataset].by_rm.items():
                    one, two = (reward[:, data[dataset].groups.index(name)] for name in (variant, other))
                    rows.append(
                        {
                            **{"rm": rm, "model": model, "dataset": dataset, "seed": seed},
                            **{"variant": variant, "other": other},
                            **{"measure": measure_name(SAFETY, attack, ""), "attack": attack},
                            "reward_difference": float(np.mean(one - two)),
                            "safety_difference": difference["estimate"],
                            "resolved": difference["low"] > 0 or difference["high"] < 0,
                            "rows": len(one),
                        }
                    )
    return FORECASTS.frame(rows).sort(FORECASTS.key)


def variant_pairs(tunings: list[str]) -> Iterator[tuple[str, int, str, str, int, int]]:
    """(dataset, seed, variant, other, index, index of the other) of tunings alike but for the variant.

    A variant that differs from another in the test context alone has no data of its own.
    """
    groups: dict[tuple[str, int], dict[str, int]] = {}
    for index, (dataset, variant, seed) in enumerate(map(parse_tuning, tunings)):
        if dataset is None or variant is None or seed is None:
            continue
        if not differs_in_test_context(variant):
            groups.setdefault((dataset, seed), {})[variant] = index
    for (dataset, seed), variants in sorted(groups.items()):
        for (variant, one), (other, two) in combinations(sorted(variants.items()), 2):
            yield dataset, seed, variant, other, one, two


def concordance(points: pl.DataFrame, judge: str, seed: int) -> Iterator[dict]:
    """Rows of the agreement table that sum up the forecasts table, per dataset and over all (dataset null).

    `forecast_concordance` is the share of points whose two differences have the same sign, among
    the n points that neither ties (`forecast_tie_rate` is the share of ties among all points);
    `forecast_concordance_resolved` counts resolved points alone. `forecast_p` is the one-sided p of
    at least as many concordant less discordant points when variant labels are permuted, alike in all
    datasets and seeds; its n is the number of variants, the sample size of the question. From ten variants of one dataset on, `forecast_spearman` correlates mean rewards with
    safety. Clusters are tuned variants. Differences that are equal but for rounding are ties.
    """
    differences = pl.col("reward_difference", "safety_difference")
    points = points.with_columns(pl.when(differences.abs() > TIE).then(differences).otherwise(0.0))
    for (rm, model, measure), group in sorted(
        points.partition_by("rm", "model", "measure", as_dict=True).items()
    ):
        parts = {name: part for (name,), part in sorted(group.partition_by("dataset", as_dict=True).items())}
        orders = {name: VariantOrder(part) for name, part in parts.items()}
        scopes = [(name, part, [orders[name]]) for name, part in parts.items()]
        if len(parts) > 1:
            scopes.append((None, group, list(orders.values())))
        asked = {"model": model, "safety": measure, "attack": group["attack"][0]}
        for dataset, part, within in scopes:
            where = Subject("variants", dataset).columns if dataset else {"stage": "variants"}
            variants = len({name for order in within for name in order.variants})
            agree = (part["reward_difference"].sign() * part["safety_difference"].sign()).to_numpy()
            chosen = {"": agree, "_resolved": agree[part["resolved"].to_numpy()]}
            found: list[tuple[str, float | np.ndarray, int]] = [
                (
                    f"forecast_concordance{which}",
                    ratio((signs > 0).sum(), (signs != 0).sum()),
                    (signs != 0).sum(),
                )
                for which, signs in chosen.items()
            ]
            found.append(("forecast_tie_rate", np.mean(agree == 0), len(agree)))
            found.append(("forecast_p", relabelled(within, seed), variants))
            if len(within) == 1 and variants >= HEADLINE_VARIANTS:
                found.append(("forecast_spearman", within[0].spearman(), variants))
            for name, estimate, n in found:
                values = (estimate, None, None)
                yield row("forecast", name, rm, values, n, variants, other=judge, **asked, **where)


class VariantOrder:
    """The forecast points of one dataset as a problem of ordering its variants.

    `reward` (variants, variants) holds the signs of the reward differences, `safety` the sums over
    seeds of the signs of the safety differences; both are antisymmetric.
    """

    def __init__(self, points: pl.DataFrame):
        self.variants = sorted({*points["variant"], *points["other"]})
        size = (len(self.variants),) * 2
        self.reward, self.safety, self.margins = np.zeros(size), np.zeros(size), np.zeros((2, *size))
        for point in points.iter_rows(named=True):
            i, j = (self.variants.index(point[name]) for name in ("variant", "other"))
            margins = np.array([point["reward_difference"], point["safety_difference"]])
            self.reward[i, j], self.reward[j, i] = np.sign(margins[0]), -np.sign(margins[0])
            self.safety[i, j] += np.sign(margins[1])
            self.safety[j, i] -= np.sign(margins[1])
            self.margins[:, i, j] += margins
            self.margins[:, j, i] -= margins

    def spearman(self) -> float:
        """Spearman's rho of the variants' mean reward and mean safety, each up to a constant."""
        from scipy.stats import rankdata

        def ranks(values: np.ndarray) -> np.ndarray:
            order = np.argsort(values)
            steps = np.diff(values[order], prepend=values[order[0]]) > TIE
            return rankdata(np.cumsum(steps)[np.argsort(order)])

        reward, safety = (ranks(margin.sum(axis=1)) for margin in self.margins)
        return float(np.corrcoef(reward, safety)[0, 1]) if np.ptp(reward) and np.ptp(safety) else np.nan


def relabelled(orders: list[VariantOrder], seed: int) -> float:
    """The p of `relabelled_p` for the variants of one or several datasets."""
    names = [order.variants for order in orders]
    return relabelled_p(names, [order.reward for order in orders], [order.safety for order in orders], seed)
