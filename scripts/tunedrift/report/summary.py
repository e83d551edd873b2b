"""The findings of a study as Markdown sentences; every number and every verdict comes from the tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import polars as pl

from tunedrift.errors import UserError
from tunedrift.report.family_sentences import family_sentences
from tunedrift.report.fate_sentences import beside, fate_sentences, sign_sentences
from tunedrift.report.judge_sentences import (
    certificate,
    corrected_beside,
    effects_judge,
    headline_judge,
    worth_sentences,
)
from tunedrift.report.phrases import POOLED, SAFETY, Row, between, listed, named, number, pick
from tunedrift.tables.judges import JUDGES

MOST_PARTS = 4
"""Of more parts of a suite only the ends are told; the table has them all."""

NO_MARKS: Mapping[tuple[str, str], str] = {}

SMALL_WORLD = """\
> **What this can show.** {models} is a tiny model that the workflow trained by itself on a made-up world.
> It demonstrates the machinery; how far its safety falls is a property of that world and says nothing of
> language models at large. The preference set that ships is simulated: no person labelled it.
"""

DEFINITIONS = """\
- **SA_g**: answers that the judge `{judge}` calls safe / all answers, on plain harmful prompts.
- **SA_a[wrapped]**: the same on the same prompts under every attack of the suite.
{own}- **Fates**: an answer strays, or else refuses (fully or partly), or else is cut at the length limit, or else
  complies; an answer that a judge could not score is unscored. The shares of the six sum to 1.
- **stray rate**: answers that are empty, garbled, off topic or repeat themselves / all answers. A harm judge may
  call them safe, but a model that strays is not one that declines. So beside SA stand **SA among coherent
  answers**, safe and coherent / coherent (`SA_coherent`), and **safe and coherent of all**, safe and coherent /
  all answers (`SA_safe_and_coherent`). Where two of the three differences have opposite signs, or one is resolved and
  another is 0 or has no value, the sign depends on what straying answers count as, and is called neither safer nor
  less safe.
- **refusal rate**: full and partial refusals / all answers, by a refusal judge (`full_refusal_rate`: full ones
  alone); **P(refusal)** is the same over sampled answers. A refusal is one way to be safe, not the only one.
- **over-refusal**: full and partial refusals of safe look-alikes (`full_over_refusal`: full ones alone).
  **utility**: answers that are right, by the judge's rule: they hold the words of the reference, end in its number,
  match it, parse or pass their tests. **rouge_l**: the mean ROUGE-L (F1) with the reference. **held_out_loss**: nats
  per token of answers that were held out of the tuning, as they were read; less is better. A tuning that writes in
  another style has a higher one without knowing less.
- **corrected**: a rate or a difference put right for the judge's sensitivity and specificity on a label set, with an
  interval that carries the sampling error of both. It holds if the judge errs here as it does there, and alike on
  both sides of a difference. None is given where the two do not clearly sum to more than 1. Where people labelled a
  random part of the very answers (**by its own labels**), these correct it: prediction-powered inference, which holds
  however the judge errs.
- **certified**: the lower bounds of sensitivity and specificity both reach the floor that the study names, on answers
  that the judge was not fitted or tuned on; one without a verdict, also an unjudged one, counts as an error.
- **level − control**: a variant less its matched control, or less the untouched data where it has none; the
  same model, dataset, seed and prompts.
- Intervals (of 95 %, unless the study says otherwise) take prompts and seeds as crossed samples; with one seed they are
  conditional on its adapter. Of rates they are Wilson's at the effective number of answers, of differences the two
  rates' intervals joined with their correlation; those of reward models are over prompts: bootstrapped
  from 50 on, under that Korn and Graubard's (rates) or the jackknife's (correlations), and none where prompts are so few
  that no outcome would be rare (under 6) or all alike.
- **Named** is an effect only where its p-value, adjusted by Holm's method for the primary effects of its model, is at most
  1 − the confidence. All other effects are exploratory: their intervals are not adjusted for how many there are.
- **Forecast**: pairs without a tie; p is the share of all relabellings of the variants that are at least as concordant.
"""

OWN_ATTACKS = """\
- **SA_a[…]** with a suite's name: the same on that suite, whose prompts are attacked already; no plain ones are paired
  with them.
"""


def summarize(
    drift: pl.DataFrame,
    agreement: pl.DataFrame,
    gates: list[Row],
    primary_judge: str,
    embedded: list[str],
    made_with: list[dict[str, str]],
    half: Sequence[str] = (),
    unread: Iterable[str] = (),
    judges: pl.DataFrame | None = None,
    family: pl.DataFrame | None = None,
    instruments: Iterable[str] = (),
    refusal_judge: str | None = None,
    fooled: Iterable[str] = (),
    marks: Mapping[tuple[str, str], str] = NO_MARKS,
    label_overlap: Iterable[str] = (),
    suites: Iterable[str] = (),
) -> str:
    """The summary of a study: Markdown from checked drift and agreement tables and the gates' figures.

    `made_with` holds the distinct sets of library versions behind the rows, `half` the number formats below
    float32 in which rows were computed, `unread` sentences about what was not read, `label_overlap` about training
    prompts in the label sets, `judges` what the judges are worth, `instruments` sentences about where the sign of a
    drift hangs on the judge, `refusal_judge` the one whose refusals are told where there are several, `fooled` sentences about transforms that flip a judge's verdict, and `marks` what is added
    of that to an effect (see `effect_sentences`). `suites` are the lines of the table of suites.
    """
    judges = JUDGES.frame([]) if judges is None else judges
    whole = by_one_refusal_judge(drift.filter(pl.col("split") == "all"), refusal_judge)
    safety = whole.filter(judge=primary_judge)
    parts = ["# What this study found\n"]
    if embedded:
        parts.append(SMALL_WORLD.format(models=listed([f"`{name}`" for name in embedded])))
    parts.append(seeds_sentence(drift))
    if len(made_with) > 1:
        parts.append(versions_sentence(made_with))
    if half:
        parts.append(precision_sentence(half))
    for heading, sentences in (
        ("What was not read", unread),
        ("Training prompts among the labelled answers", label_overlap),
    ):
        if said := list(sentences):
            parts += [f"\n## {heading}\n", *said]
    parts.append("\n## Does benign tuning weaken safety?\n")
    parts += model_sentences(whole, safety, drift, gates, judges, embedded)
    parts += instruments
    parts.append("\n## Which property of the data does it?\n")
    parts += effects_judge(judges, safety, embedded)
    if family is not None and len(family):
        parts.append("Declared before anything was run, and adjusted for one another by Holm's method:\n")
        parts += family_sentences(family, safety, marks)
        parts.append(
            "\nAll effects, data set by data set. Of so many, one interval in twenty misses by chance:\n"
        )
    parts += effect_sentences(safety, marks)
    if said := list(fooled):
        parts += ["\n## Does a transform fool a judge?\n", *said]
    parts.append("\n## Would a reward model have told us?\n")
    if agreement.is_empty():
        parts.append("No reward model is in this study.")
    parts += agreement_sentences(agreement, judges, embedded)
    parts.append("\n## What the judges are worth\n")
    parts += worth_sentences(judges, whole)
    if said := list(suites):
        parts += ["\n## What was asked\n", *said]
    parts.append("\n## Words\n")
    parts.append(DEFINITIONS.format(judge=primary_judge, own=OWN_ATTACKS if len(own_attacks(whole)) else ""))
    return "\n".join(part.rstrip("\n") if part.startswith("- ") else part for part in parts) + "\n"


def seeds_sentence(drift: pl.DataFrame) -> str:
    """Whom the intervals speak of."""
    seeds = cast(int | None, drift.filter(contrast="rate")["seeds"].max())
    if seeds == 1:
        return "One seed per variant: every number is conditional on its one adapter and does not speak of the variant."
    return (
        f"{seeds} seeds per variant; intervals of drifts and effects include the spread over seeds. Those of reward models "
        "(against one another, against people, detection) are over prompts alone: of these adapters."
    )


def versions_sentence(made_with: list[dict[str, str]]) -> str:
    """A warning that answers or scores come from different library versions."""
    said = "; ".join(", ".join(f"{name} {number}" for name, number in entry.items()) for entry in made_with)
    return (
        f"\n**The rows of this study were computed with different library versions** ({said}), so differences "
        "between them may be the libraries'. Delete the older tables and `work/store` to compute all alike."
    )


def by_one_refusal_judge(drift: pl.DataFrame, judge: str | None) -> pl.DataFrame:
    """The drift table without the refusals that other judges than this one see; as it is where none is named."""
    if judge is None:
        return drift
    of_refusals = drift.filter(measure="full_refusal_rate")["judge"].unique()
    others = of_refusals.filter(of_refusals != judge)
    return drift.filter(~pl.col("judge").is_in(others.implode()))


def precision_sentence(half: Sequence[str]) -> str:
    """What answers in lower precision can be relied on for."""
    return (
        f"\nAnswers or scores were computed in {listed(list(half))}. There a model's answer hangs on which others are made "
        "beside it: made again, a few in a hundred can come out otherwise (3 of 150 in a test), which no interval "
        "here knows of. Scores do not hang on their neighbours."
    )


def model_sentences(
    whole: pl.DataFrame,
    safety: pl.DataFrame,
    drift: pl.DataFrame,
    gates: list[Row],
    judges: pl.DataFrame,
    embedded: list[str],
) -> Iterator[str]:
    """Per model: the untuned rates, then how far each rate moved over all tunings."""
    own = own_attacks(safety)
    by_model = {gate["model"]: gate for gate in gates}
    for model in drift["model"].unique(maintain_order=True):
        if model not in by_model:
            raise UserError(
                f"the model {model!r} is in the drift table, but none of the gates is its; check its gate."
            )
        gate = by_model[model]
        yield (
            f"- **{model}**, untuned, refused {gate['refusal_rate']:.0%} of {gate['n']} gate prompts by the gate's "
            "patterns; these prompts are in no suite."
        )
        yield from fate_sentences(whole, model)
        for measure, table in (
            ("SA_g", safety),
            ("SA_a[wrapped]", safety.filter(pl.col("attack") == "wrapped")),
            *((measure, own) for measure in own["measure"].unique(maintain_order=True)),
            ("p_refusal", whole.filter(pl.col("attack") == "plain")),
            ("over_refusal", whole.filter(pl.col("attack") == "plain")),
            ("utility", whole),
            ("rouge_l", whole),
            ("held_out_loss", whole),
        ):
            for start in pick(table, contrast="rate", model=model, measure=measure, variant=None):
                same = {key: start[key] for key in ("model", "measure", "judge", "suite", "attack")}
                moved = pick(table, contrast="tuned - untuned", **same)
                if moved:
                    judged = headline_judge(judges, start, moved, model in embedded)
                    yield moved_sentence(start, moved, strays=beside(whole, start)) + judged
                    yield from sign_sentences(table, whole, moved)
        yield from part_sentences(drift, safety, model)


def own_attacks(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of safety on suites whose prompts are attacked already."""
    return table.filter(pl.col("measure").str.contains(SAFETY), attack="own")


def moved_sentence(start: Row, moved: list[Row], strays: str = "") -> str:
    """How one rate moved over all tunings of a model; `strays` says how the stray rate did."""
    least, most = (choose(moved, key=lambda row: row["estimate"]) for choose in (min, max))
    mean = sum(row["estimate"] for row in moved) / len(moved)
    return (
        f"  - {start['measure']} ({start['judge']}, {start['suite']}) starts at {between(start)}. Over {len(moved)} "
        f"tunings it moves by {number(mean)} on average, from {number(least['estimate'])} ({least['dataset']}/{least['variant']}) "
        f"to {number(most['estimate'])} ({most['dataset']}/{most['variant']}){strays}."
    )


def part_sentences(drift: pl.DataFrame, safety: pl.DataFrame, model: str) -> Iterator[str]:
    """Where safety moved most and least, for suites that are split: by stratum, category, language, and dimension of attacks."""
    moves = drift.filter(
        pl.col("split") != "all",
        pl.col("measure").str.contains(SAFETY),
        pl.col("attack").is_in(POOLED),
        contrast="tuned - untuned",
        judge=safety["judge"].first(),
        model=model,
    )
    for (suite, split, measure), found in moves.group_by("suite", "split", "measure", maintain_order=True):
        means = found.group_by("part", maintain_order=True).agg(
            pl.col("estimate").mean(), pl.col("prompts").min()
        )
        rows = means.drop_nulls().sort("estimate", "part").to_dicts()
        if len(rows) > 1:
            shown = rows if len(rows) <= MOST_PARTS else [rows[0], rows[-1]]
            said = listed(
                [f"{number(row['estimate'])} on {row['part']} ({row['prompts']} prompts)" for row in shown]
            )
            those = "is" if shown is rows else f"of {len(rows)} lies between"
            yield f"  - By {split} of {suite}, the mean move of {measure} {those} {said}."


def effect_sentences(safety: pl.DataFrame, marks: Mapping[tuple[str, str], str] = NO_MARKS) -> Iterator[str]:
    """Per level, control and suite: the difference in each dataset beside that of the stray rate; its interval says no more.

    Where the sign of a difference depends on what straying answers count as, that is said. `marks` holds what else is to
    be said of a (variant, reference).
    """
    table = safety.filter(
        pl.col("measure").str.contains(SAFETY), pl.col("attack").is_in(POOLED), contrast="level - control"
    )
    keys = ("model", "variant", "reference", "measure", "suite")
    for (model, variant, reference, measure, suite), found in table.group_by(keys, maintain_order=True):
        rows = found.to_dicts()
        said = ", ".join(
            f"{row['dataset']} {between(row)}{corrected_beside(row)}{beside(safety, row)}" for row in rows
        )
        if open_signs := [row["dataset"] for row in rows if row["sign_depends"]]:
            said += f"; in {listed(open_signs)} the sign depends on what straying answers count as"
        said += marks.get((variant, reference), "")
        yield f"- {model}, **{variant} − {reference}**, {measure}, {suite}: {said}."


def agreement_sentences(agreement: pl.DataFrame, judges: pl.DataFrame, embedded: list[str]) -> Iterator[str]:
    """Agreement with one another, with people (or a simulation of them), and with what tuning did by a judge's verdicts."""
    for measure, what in (
        ("kendall_tau_b", "Kendall's tau-b within prompt"),
        ("sign_agreement", "agreement on the sign of a pair"),
    ):
        for (subject,), found in agreement.filter(question="rm_rm", measure=measure).group_by(
            "subject", maintain_order=True
        ):
            rows = [row for row in found.to_dicts() if row["estimate"] is not None]
            if rows:
                said = ", ".join(
                    f"{row['rm']}–{row['other']} {between(row)} over {row['clusters']} {units(row)}"
                    for row in rows
                )
                yield f"- **RM × RM**, {subject}, {what}: {said}."
    errors = agreement.filter(question="rm_people", measure="error_rate")
    rules = {"longer wins", "shorter wins", "random", "refusal keyword"}
    for (subject, labels), found in errors.group_by("subject", "labels", maintain_order=True):
        models = [row for row in found.to_dicts() if row["rm"] not in rules]
        others = [row for row in found.to_dicts() if row["rm"] in rules]
        verdict = chance_sentences(models)
        whose = "people" if labels == "people" else "simulated labels"
        prompts = max(row["clusters"] for row in found.to_dicts())
        yield (
            f"- **RM × {whose}**, {subject}, {prompts} prompts: error rates {named(models)}; rules that read no meaning: {named(others)}. "
            + verdict
        )
    by_verdicts = agreement.filter(pl.col("question").is_in(["detection", "forecast"]))
    for model, judge in by_verdicts.select("model", "other").unique(maintain_order=True).iter_rows():
        yield (
            f"- **Detection and forecasts** on {model} rest on its judge of safety: "
            f"{certificate(judges, judge, model in embedded)}."
        )
    for row in agreement.filter(question="detection", measure="detection_accuracy").to_dicts():
        if row["estimate"] is None:
            yield f"- **Detection**, {row['rm']}: no two tunings of {row['model']} answered one prompt with different verdicts."
        else:
            yield (
                f"- **Detection**, {row['rm']} on {row['model']}: scores the safe answer above the unsafe one in "
                f"{between(row)} of {row['n']} pairs over {row['clusters']} prompts{too_few(row)}; a coin does in one half. "
                "Exploratory: nothing more is said of it."
            )
    forecasts = agreement.filter(question="forecast")
    for (_, _, _), found in forecasts.group_by("rm", "model", "safety", maintain_order=True):
        # Over all datasets where there are several, else the one.
        overall = found.filter(pl.col("dataset").is_null()) if found["dataset"].null_count() else found
        yield forecast_sentence(pick(overall, measure="forecast_concordance")[0], overall)


def units(row: Row) -> str:
    """What the clusters of a row of the agreement table are called."""
    return "rows" if row["stage"] == "variants" else "prompts"


def too_few(row: Row) -> str:
    """What is said in place of an interval that there is none of."""
    return ", too few for an interval" if row["low"] is None else ""


def chance_sentences(models: list[Row]) -> str:
    """Which reward models of a preference set err less or more often than a coin, by p-values adjusted for one another."""
    sides: dict[str, list[str]] = {"few": [], "open": [], "better": [], "worse": []}
    for row in models:
        side = "few" if row["p_holm"] is None else row["word"] or "open"
        sides[side].append(row["rm"])
    said = []
    if sides["better"]:
        said.append(f"Better than chance: {listed(sides['better'])}.")
    if sides["open"]:
        said.append(f"Not told from chance: {listed(sides['open'])}.")
    if sides["worse"]:
        said.append(
            f"Worse than chance: {listed(sides['worse'])}; check `sign`, and which side is the safer one."
        )
    if sides["few"]:
        said.append(f"Too few prompts to tell from chance: {listed(sides['few'])}.")
    if len(sides["few"]) < len(models):
        said.append(f"By Holm's method over {len(models)} reward model{'s' * (len(models) > 1)}.")
    return " ".join(said)


def forecast_sentence(row: Row, forecasts: pl.DataFrame) -> str:
    """One reward model's concordance over all and over resolved pairs of variants."""
    clear = pick(forecasts, measure="forecast_concordance_resolved")
    chance = pick(forecasts, measure="forecast_p")
    text = f"- **Forecast** of {row['safety']} by {row['rm']}: "
    text += (
        f"the sign is right in {between(row)} of {row['n']} untied pairs of variants"
        if row["n"]
        else "no pair to compare"
    )
    if clear and clear[0]["n"]:
        text += f", {number(clear[0]['estimate'])} of the {clear[0]['n']} resolved pairs"
    if chance and chance[0]["estimate"] is not None:
        p = chance[0]["estimate"]
        shown = "< 0.001" if p < 0.001 else f"= {p:.3f}"
        text += f" (permutation p {shown}, {chance[0]['n']} tuned variants)"
    return text + "."
