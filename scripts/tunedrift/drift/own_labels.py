"""What a rate is by labels of a random part of the very answers that it counts: beside each raw rate and difference."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tunedrift.drift.measures import Measure
from tunedrift.drift.rates import Comparison, Counts
from tunedrift.statistics.prediction_powered import LEAST_LABELLED, Answers, prediction_powered


def usable_labels(
    labelled: pl.DataFrame | None, judges: pl.DataFrame | None, judge: str, model: str, simulated: bool
) -> dict[str, pl.DataFrame]:
    """Label set → the labels of this model's answers by which this judge's rates can be corrected, the best set first.

    `labelled` has the columns label_set, measure, model, tuning, prompt_id, sample and positive (0 to 1). A set counts
    if `judges` (tables/judges) has this judge on it and it was not fitted on it: on what it has seen it errs less
    than on the rest. Labels by people come before simulated ones, which count where `simulated` (for embedded
    models); then more come before fewer.
    """
    if labelled is None or judges is None:
        return {}
    of_judge = judges.filter(
        pl.col("model").is_null(),
        pl.col("language").is_null(),
        pl.col("measure") == pl.col("kind"),
        judge=judge,
    )
    fits = of_judge.group_by("label_set").agg(
        people=(pl.col("labels") == "people").all(), fitted=(pl.col("reason") == "fitted on it").any()
    )
    fits = fits.filter(~pl.col("fitted").fill_null(False), pl.col("people") | simulated)
    own = labelled.filter(model=model).join(fits, on="label_set")
    order = (
        own.group_by("label_set", "people")
        .len()
        .sort("people", "len", "label_set", descending=[True, True, False])
    )
    return {name: own.filter(label_set=name) for name in order["label_set"]}


@dataclass(frozen=True)
class OwnLabels:
    """A label set's labels of the answers that a measure counts: arrays of (prompts, tunings), as in `Answers`."""

    label_set: str
    drawable: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray
    judged_too: np.ndarray


def own_labels(
    label_set: str, labels: pl.DataFrame, verdicts: pl.DataFrame, measure: Measure, counts: Counts
) -> OwnLabels:
    """The labels of the answers in `counts`, of one judge's `verdicts` on one model.

    What holds no word is no answer to label, and is neither safe nor a refusal: the judge calls it `empty`.
    """
    passes, positive = pl.col("label").is_in(measure.hits), pl.col("positive")
    answers = (
        verdicts.filter(pl.col("sample") > 0 if measure.sampled else pl.col("sample") == 0)
        .join(
            labels.select("tuning", "prompt_id", "sample", "positive"),
            on=["tuning", "prompt_id", "sample"],
            how="left",
        )
        .with_columns(drawable=pl.col("label") != "empty")
        .with_columns(drawn=pl.col("drawable") & positive.is_not_null())
        .group_by("tuning", "prompt_id")
        .agg(
            drawable=pl.col("drawable").mean(),
            labelled=pl.col("drawn").sum(),
            labels=(1 - positive if measure.judge == "harm" else positive).filter("drawn").sum(),
            judged_too=passes.filter("drawn").sum(),
        )
    )
    grid = pl.DataFrame({"tuning": counts.tunings}).join(counts.prompts.select("prompt_id"), how="cross")
    answers = grid.join(answers, on=["tuning", "prompt_id"], how="left", maintain_order="left")
    shape = len(counts.tunings), len(counts.prompts)
    arrays = (
        answers[column].cast(pl.Float64).to_numpy().reshape(shape).T
        for column in ("drawable", "labelled", "labels", "judged_too")
    )
    return OwnLabels(label_set, *arrays)


def powered(
    sets: list[OwnLabels], counts: Counts, chosen: np.ndarray, compared: list[Comparison], confidence: float
) -> list[dict]:
    """The columns of the correction beside each row of `compare` over the chosen prompts (a mask); empty where none holds.

    The first set counts that has labels to enough prompts of each tuning that is compared.
    """
    found: list[dict] = [{} for _ in compared]
    for own in sets:
        sums = (counts.hits, counts.counted, own.drawable, own.labelled, own.labels, own.judged_too)
        answers = Answers(*counts.by_plain_prompt(chosen, *sums))
        for place, (ones, others) in enumerate(compared):
            used = answers.of(sorted({*ones, *others}))
            if found[place] or used.labelled_prompts() < LEAST_LABELLED:
                continue
            rate = prediction_powered(answers, ones, others, confidence)
            found[place] = {
                **{"corrected": rate.estimate, "corrected_low": rate.low, "corrected_high": rate.high},
                **{"correction": "prediction_powered", "errors_of": own.label_set},
                "labelled": int(used.labelled.sum()),
            }
    return found
