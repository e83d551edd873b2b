"""What the judges are worth, in words: beside every headline, and each by itself."""

import re
from collections.abc import Iterable, Iterator

import polars as pl

from tunedrift.errors import UserError
from tunedrift.report.phrases import SAFETY, Row, between, listed, number, resolved

JUDGED = rf"{SAFETY}|^(refusal_rate|p_refusal|over_refusal)$"
"""The headlines that hang on a judge of refusal or harm."""

ERRORS = ("sensitivity", "specificity")

UNKNOWN = "no label set: nothing is known of the judge's errors"


def label_sets(judges: pl.DataFrame, judge: str) -> list[Row]:
    """What a judge is worth on each label set of its measure, most answers first: the row of each statistic by name."""
    found = judges.filter(
        pl.col("model").is_null(),
        pl.col("language").is_null(),
        pl.col("measure") == pl.col("kind"),
        judge=judge,
    )
    sets = []
    for (name,), rows in found.group_by("label_set", maintain_order=True):
        by_statistic = {row["statistic"]: row for row in rows.iter_rows(named=True)}
        about = {key: rows[key][0] for key in ("labels", "certified", "reason", "n_unjudged", "n_shared")}
        sets.append({"label_set": name, **about, **by_statistic})
    return sorted(sets, key=lambda found: (-found["kappa"]["n"], found["label_set"]))


def behind(judges: pl.DataFrame, judge: str, label_set: str) -> Row:
    """What a judge is worth on the label set by whose errors its rates were corrected."""
    for found in label_sets(judges, judge):
        if found["label_set"] == label_set:
            return found
    raise UserError(
        f"the drift table corrects {judge!r} by its errors on {label_set!r}, of which the judges table has no row: "
        "measure the drift with the same judges table."
    )


def errors_in_words(found: Row, statistics: Iterable[str] = ERRORS) -> str:
    """`sensitivity 0.89 (0.80 to 0.94), specificity 0.56 (0.48 to 0.64)`, and where nothing is counted, that."""
    return ", ".join(
        f"{name} {'unknown' if found[name]['estimate'] is None else between(found[name])}"
        for name in statistics
    )


def set_in_words(found: Row, also: str | None = None) -> str:
    """The label set's name, whether its labels are simulated, which answers are not counted, and `also`."""
    simulated = "simulated labels" if found["labels"] == "simulated" else None
    shared = unjudged = None
    if found["n_shared"] and found["reason"] != "fitted on it":
        shared = f"without {found['n_shared']} answers on which it was fitted or tuned"
    if found["n_unjudged"]:
        unjudged = f"without {found['n_unjudged']} unjudged answers, which count as errors of a certificate"
    about = "; ".join(filter(None, (simulated, shared, unjudged, also)))
    return found["label_set"] + (f" ({about})" if about else "")


def certificate(judges: pl.DataFrame, judge: str, embedded: bool, errors_of: str | None = None) -> str:
    """Whether a judge is certified for a model, and its errors on `errors_of` or else on its largest label set.

    A set certifies by itself, so one may and another may not. Simulated labels certify for `embedded` models only.
    """
    every = label_sets(judges, judge)
    sets = [found for found in every if embedded or found["labels"] == "people"]
    if not every:
        return f"`{judge}` is not certified: {UNKNOWN}"
    if not sets:
        named = listed([found["label_set"] for found in every])
        return f"`{judge}` is not certified: its only labels are simulated ({named}), which tell of embedded models alone"
    shown = next((found for found in sets if found["label_set"] == errors_of), sets[0])
    errors = errors_in_words(shown)
    by = [found["label_set"] for found in sets if found["certified"]]
    against = [f"{found['label_set']} ({found['reason']})" for found in sets if not found["certified"]]
    if by and against:
        certified = f"certified by {listed(by)}, but not by {listed(against)}"
        return f"`{judge}` is {certified}: {errors} on {set_in_words(shown)}"
    certified = "certified" if by else "not certified"
    return f"`{judge}` is {certified}: {errors} on {set_in_words(shown, shown['reason'])}"


def unfit(judges: pl.DataFrame, rate: Row) -> bool:
    """Whether no true rate gives the raw one, by the errors that it is corrected with.

    Of what a judge calls positive, the share lies between 1 - specificity and sensitivity whatever is true: a rate
    clearly outside (its interval clear of the bounds' intervals) says that the judge errs otherwise here. A rate that
    labels of its own answers correct rests on no such errors.
    """
    if rate["errors_of"] is None or rate["low"] is None or rate["correction"] == "prediction_powered":
        return False
    found = behind(judges, rate["judge"], rate["errors_of"])
    low, high = rate["low"], rate["high"]
    if rate["measure"].startswith("SA"):
        low, high = 1 - high, 1 - low
    return bool(high < 1 - found["specificity"]["high"] or low > found["sensitivity"]["high"])


def headline_judge(judges: pl.DataFrame, start: Row, moved: list[Row], embedded: bool) -> str:
    """Behind a headline: is its judge certified, and what are the rate and its moves if corrected for the judge's errors.

    `start` is the untuned rate, `moved` its differences over all tunings; empty for a measure that no such judge gives.
    """
    if not re.search(JUDGED, start["measure"]):
        return ""
    said = f" {certificate(judges, start['judge'], embedded, start['errors_of'])}."
    rows = [row for row in (start, *moved) if row["corrected"] is not None]
    if not rows:
        said += " No rate is corrected for its errors"
        if start["errors_of"] is not None:
            said += ": sensitivity + specificity is not clearly above 1, or answers are unjudged"
        return said + "."
    for source in dict.fromkeys((row["correction"], row["errors_of"]) for row in rows):
        of_source = [row for row in rows if (row["correction"], row["errors_of"]) == source]
        starts = f"starts at {corrected(start)}" if any(row is start for row in of_source) else None
        known = [row["corrected"] for row in of_source if row is not start]
        some = "" if len(known) == len(moved) else f" over the {len(known)} tunings that have one"
        moves = None
        if known:
            moves = (
                f"moves by {number(sum(known) / len(known))} on average{some}, from {number(min(known))} to "
                f"{number(max(known))}"
            )
        said += (
            f" {correction_in_words(of_source)}, the corrected {start['measure']} "
            f"{' and '.join(filter(None, (starts, moves)))}."
        )
    if unfit(judges, start):
        said += " But no true rate gives the raw one by these errors: it errs otherwise here."
    return said


def correction_in_words(rows: list[Row]) -> str:
    """On what rows corrected in one way by one label set rest."""
    first = rows[0]
    if first["correction"] == "rogan_gladen":
        return f"If the judge errs here as on {first['errors_of']}"
    numbers = sorted({row["labelled"] for row in rows})
    counted = " to ".join(str(end) for end in dict.fromkeys((numbers[0], numbers[-1])))
    return (
        f"By the labels of {counted} of these very answers, drawn at random ({first['errors_of']}; prediction-powered, "
        "whatever the judge's errors)"
    )


def corrected(row: Row) -> str:
    """`0.43 (0.31 to 0.55)`: a corrected rate or difference with its interval."""
    names = (("estimate", "corrected"), ("low", "corrected_low"), ("high", "corrected_high"))
    return between({name: row[column] for name, column in names})


def corrected_beside(row: Row) -> str:
    """The corrected difference behind the raw one; empty where there is none."""
    if row["corrected"] is None:
        return ""
    by = " by its own labels" if row["correction"] == "prediction_powered" else ""
    return f", corrected{by} {corrected(row)}"


def sides_in_words(found: Row) -> str:
    """How the judge's errors differ between tuned and untuned answers, where the labelled answers are the study's own."""
    tested = {name: found[f"{name}_difference"] for name in ERRORS if f"{name}_difference" in found}
    if not tested:
        return ""
    said = listed([f"{name} by {between(row)}" for name, row in tested.items()])
    otherwise = any(map(resolved, tested.values()))
    verdict = (
        "so it errs otherwise there and corrected differences do not hold" if otherwise else "not resolved"
    )
    return f"; from untuned to tuned answers it moves in {said}, {verdict}"


def effects_judge(judges: pl.DataFrame, safety: pl.DataFrame, embedded: list[str]) -> Iterator[str]:
    """Before the effects of the levels: how far the judge of safety may be trusted, per model."""
    found = safety.filter(pl.col("measure").str.contains(SAFETY))
    for (model,), rows in found.group_by("model", maintain_order=True):
        effects, rates = rows.filter(contrast="level - control"), rows.filter(contrast="rate").to_dicts()
        if effects.is_empty():
            continue
        errors_of: str | None = effects["errors_of"].to_list()[0]
        said = f"- {model}: {certificate(judges, effects['judge'][0], model in embedded, errors_of)}."
        by_labels = effects.filter(correction="prediction_powered")
        by_errors = effects.filter(correction="rogan_gladen")
        if len(by_labels):
            named = listed(by_labels["errors_of"].unique().sort().to_list())
            said += (
                f" Corrected differences by their own labels rest on answers of either side that people drew at random "
                f"and labelled ({named}), whatever the judge's errors"
            )
            said += f" ({len(by_labels)} of {len(effects)})." if len(by_labels) < len(effects) else "."
        if len(by_errors):
            named = by_errors["errors_of"].unique().item()
            which = "The other corrected" if len(by_labels) else "Corrected"
            said += f" {which} differences hold if it errs here as on {named}, and alike on both sides"
            if against := sum(unfit(judges, rate) for rate in rates):
                said += (
                    f"; {against} of {len(rates)} raw rates are ones that no true rate gives by these errors"
                )
            said += sides_in_words(behind(judges, effects["judge"][0], named)) + "."
        yield said


def worth_sentences(judges: pl.DataFrame, drift: pl.DataFrame) -> Iterator[str]:
    """What each judge of refusal or harm is worth, a sentence per label set: its errors, and is it certified or why not."""
    for judge in drift.filter(pl.col("measure").str.contains(JUDGED))["judge"].unique().sort():
        said = []
        for found in label_sets(judges, judge):
            certified = "certified" if found["certified"] else f"not certified ({found['reason']})"
            if found["certified"] and found["labels"] == "simulated":
                certified += " for embedded models alone"
            said.append(
                f"on {set_in_words(found)}, {found['kappa']['n']} answers to {found['kappa']['prompts']} prompts: "
                f"{errors_in_words(found, ('kappa', 'sensitivity', 'specificity'))}; {certified}"
                + sides_in_words(found)
            )
        yield f"- `{judge}`: {'; '.join(said) if said else UNKNOWN}."
