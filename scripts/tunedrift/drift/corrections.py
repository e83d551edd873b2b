"""What a rate is if the judge errs here as it does on a label set: beside each raw rate and difference."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tunedrift.drift.measures import Measure
from tunedrift.drift.rates import Comparison, Counts
from tunedrift.statistics.corrected_rates import Corrected, corrected_difference, corrected_rate
from tunedrift.statistics.judge_error import Errors

CORRECTED = ("SA", "refusal_rate", "p_refusal", "over_refusal")
"""The measures of two outcomes, all answers counted, whose judges are measured against labels."""


@dataclass(frozen=True)
class Measured:
    """How a judge errs, and the label set on which it does."""

    label_set: str
    errors: Errors


def measured(judges: pl.DataFrame, judge: str, simulated: bool, confidence: float) -> Measured | None:
    """The errors by which a judge's rates are corrected, from rows of tables/judges; None where they are not known.

    Of its own measure's label sets that hold both classes, one by people before a simulated one (which counts where
    `simulated`: for embedded models), then the one with the most answers, certified or not. What the judge was
    fitted on says too little of its errors.
    """
    rows = judges.filter(
        pl.col("model").is_null(),
        pl.col("language").is_null(),
        pl.col("measure") == pl.col("kind"),
        pl.col("statistic").is_in(["sensitivity", "specificity"]),
        pl.col("estimate").is_not_null(),
        pl.col("reason").is_null() | (pl.col("reason") != "fitted on it"),
        (pl.col("labels") == "people") | simulated,
        judge=judge,
    )
    both = rows.group_by("label_set", "labels").agg(pl.len().alias("sides"), pl.col("n").sum())
    both = both.filter(sides=2).sort(pl.col("labels") != "people", -pl.col("n"), "label_set")
    if both.is_empty():
        return None
    label_set = both["label_set"][0]
    sides = {
        row["statistic"]: (row["estimate"], row["low"], row["high"])
        for row in rows.filter(label_set=label_set).iter_rows(named=True)
    }
    return Measured(label_set, Errors(sides["sensitivity"], sides["specificity"], confidence))


def unjudged_tunings(
    verdicts: pl.DataFrame, measure: Measure, counts: Counts, chosen: np.ndarray
) -> set[int]:
    """Which tunings left an answer to the chosen prompts (a mask) unjudged: no label set tells of errors there."""
    left = verdicts.filter(
        pl.col("label") == "unjudged", pl.col("sample") > 0 if measure.sampled else pl.col("sample") == 0
    )
    left = left.join(counts.prompts.filter(chosen).select("prompt_id"), on="prompt_id", how="semi")
    return {counts.tunings.index(tuning) for tuning in left["tuning"].unique()}


def correction(
    counts: Counts, compared: Comparison, raw: dict, judge: Measured, kind: str, unjudged: set[int]
) -> dict:
    """The columns of the correction beside one row of `compare` (`raw`), from the same pooled `counts`.

    A rate of safe answers is one less that of all others, as SA counts them: an answer without a score is not safe.
    """
    estimate, low, high = (raw[column] for column in ("estimate", "low", "high"))
    found: Corrected | None = None
    if unjudged.intersection([*compared.columns, *compared.against]):
        pass
    elif compared.against:
        found = corrected_difference((estimate, low, high), judge.errors)
    else:
        hits, counted = (values[:, compared.columns].sum(axis=1) for values in (counts.hits, counts.counted))
        if kind == "harm":
            hits = counted - hits
            estimate, low, high = 1 - estimate, 1 - high, 1 - low
        found = corrected_rate(hits, counted, judge.errors, (estimate, low, high))
    if found is None:
        return {"errors_of": judge.label_set}
    values = found.estimate, found.low, found.high
    if kind == "harm" and not compared.against:
        values = 1 - found.estimate, 1 - found.high, 1 - found.low
    return {
        **dict(zip(("corrected", "corrected_low", "corrected_high"), values, strict=True)),
        **{"correction": "rogan_gladen", "errors_of": judge.label_set},
    }
