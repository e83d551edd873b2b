"""The primary family of a study: one level of each factor on safety, plain and attacked, under Holm."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from tunedrift.design.tunings import ORIGINAL, Tuning, parse_tuning
from tunedrift.drift.measures import SAFETY, WRAPPED, measure_name
from tunedrift.drift.rates import Counts, count, interval, values_of
from tunedrift.errors import UserError
from tunedrift.statistics.crossed import detectable, eased, paired_difference
from tunedrift.statistics.multiplicity import finding, holm
from tunedrift.tables.family import FAMILY
from tunedrift.tables.prompts import OWN, PLAIN

NUMBERS = ("estimate", "low", "high", "p", "detectable")


def family(
    prompts: pl.DataFrame,
    verdicts: pl.DataFrame,
    primary: Mapping[str, str],
    controls: Mapping[str, str],
    judge: str,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """The family table: of each model, the effect of each factor in `primary` (factor → variant) on SA by `judge`.

    The effect is SA of the variant less that of its matched control (`controls`), or of the untouched data: over the
    plain prompts of all harmful suites (`SA_g`), and over the same under all the study's attacks. It is the mean over the
    data sets that have both, with equal weight, over the seeds that all of them have. Holm's adjustment is over a model's
    rows. Raises `UserError` for a variant that was not tuned.
    """
    rows: list[dict] = []
    harmful = prompts.filter(pl.col("kind") == SAFETY.prompts, pl.col("attack") != OWN)
    for (model,), judged in sorted(verdicts.filter(judge=judge).partition_by("model", as_dict=True).items()):
        found = count(judged, harmful, SAFETY) if len(harmful) else None
        if found is None:
            continue
        own = [
            {"model": model, "judge": judge, **row}
            for row in _effects(found, primary, controls, 1 - confidence)
        ]
        adjusted = holm([row["p"] for row in own])
        rows += [
            row | {"p_holm": p, "word": finding(row["estimate"], p, row["seeds"], 1 - confidence)}
            for row, p in zip(own, map(float, adjusted), strict=True)
        ]
    return FAMILY.frame(rows).with_columns(pl.col(pl.Float64).fill_nan(None).round(12)).sort(FAMILY.key)


def _effects(
    found: Counts, primary: Mapping[str, str], controls: Mapping[str, str], alpha: float
) -> Iterator[dict]:
    places = {parse_tuning(name): index for index, name in enumerate(found.tunings)}
    plain = found.prompts["attack"].to_numpy() == PLAIN
    for attack, chosen in ((PLAIN, plain), (WRAPPED, ~plain)):
        if not chosen.any():
            continue
        pooled = found.pool(chosen)
        for factor, variant in primary.items():
            reference = controls.get(variant, ORIGINAL)
            seeds = {
                dataset: {place.seed for place in places if place[:2] == (dataset, variant)}
                & {place.seed for place in places if place[:2] == (dataset, reference)}
                for dataset in sorted({place.dataset for place in places if place.dataset})
            }
            datasets = [dataset for dataset, shared in seeds.items() if shared]
            if not datasets:
                raise UserError(
                    f"the primary family names {variant!r} of {factor}, which was tuned on no data set with a seed of "
                    f"its control {reference!r}: tune both alike, or name another level in `primary`."
                )
            shared = sorted(set.intersection(*(seeds[dataset] for dataset in datasets)), key=str)
            one, other = (
                [[places[Tuning(dataset, name, seed)] for seed in shared] for dataset in datasets]
                for name in (variant, reference)
            )
            yield {
                **{"factor": factor, "variant": variant, "reference": reference},
                **{
                    "measure": measure_name(SAFETY, attack, ""),
                    "datasets": len(datasets),
                    "seeds": len(shared),
                },
                **_effect(pooled, one, other, alpha),
            }


def _effect(counts: Counts, one: list[list[int]], other: list[list[int]], alpha: float) -> dict:
    """The mean over data sets of a paired difference; the columns of each data set are its seeds, in one order."""
    used = counts.counted[:, [column for columns in (*one, *other) for column in columns]].sum(axis=1) > 0
    if not used.any() or not one[0]:
        return {**dict.fromkeys(NUMBERS, np.nan), "prompts": int(used.sum())}
    first, second = (
        np.mean([values_of(counts, used, columns) for columns in side], axis=0) for side in (one, other)
    )
    found = paired_difference(first, second, step=1 / len(one), cautious=True)
    low, high = interval(found, alpha)
    return {
        **{"estimate": float(found.estimate), "low": low, "high": high, "p": float(found.p_value())},
        "detectable": float(detectable(eased(found.mean, 1 / len(one)), alpha)),
        "prompts": int(used.sum()),
    }
