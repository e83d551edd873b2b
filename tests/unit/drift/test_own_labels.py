"""Rates corrected by labels of a random part of the study's own answers, from verdicts to the drift table."""

import measure_drift
import numpy as np
import polars as pl
import pytest
from synthetic import judged

from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.contrasts import drift
from tunedrift.errors import UserError
from tunedrift.statistics.prediction_powered import Answers, prediction_powered
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.labels import LABELS
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.verdicts import VERDICTS

TUNED = "d/original/seed0"
SURE = (0.9, 0.85, 0.94)


def asked(count=100, kind="harmful"):
    rows = []
    for number in range(count):
        name, plain = f"p{number:03}", f"prompt {number}"
        about = {"prompt_id": name, "suite": "suite", "kind": kind, "plain_id": name, "attack": "plain"}
        about |= {"dimension": "none"}
        messages = [{"role": "user", "content": plain}]
        rows.append({**about, "stratum": "all", "category": "c", "messages": messages, "plain_prompt": plain})
    return PROMPTS.frame(rows)


def said(labels, judge="harm", model="tiny", sample=0):
    """Verdicts from tuning → labels, in the order of the prompts."""
    rows = []
    for tuning, given in labels.items():
        own = {
            "judge": judge,
            "kind": judge,
            "model": model,
            **parse_tuning(tuning).columns,
            "sample": sample,
        }
        rows += [
            {**own, "prompt_id": f"p{number:03}", "label": label, "truncated": False}
            for number, label in enumerate(given)
        ]
    return VERDICTS.frame(rows)


def labelled(positive, label_set="own", measure="harm", model="tiny", sample=0):
    """Labels from tuning → (number of the prompt → positive)."""
    rows = [
        {
            **{"label_set": label_set, "measure": measure, "model": model, "tuning": tuning},
            **{"prompt_id": f"p{number:03}", "sample": sample, "positive": float(value)},
        }
        for tuning, given in positive.items()
        for number, value in given.items()
    ]
    return pl.DataFrame(rows)


def known(label_set="own", judge="harm", **about):
    return JUDGES.frame(judged(judge, label_set, SURE, SURE, **about))


def row(table, measure="SA_g", contrast="rate", tuned=False, **where):
    variant = pl.col("variant").is_not_null() if tuned or contrast != "rate" else pl.col("variant").is_null()
    [found] = table.filter(variant, measure=measure, contrast=contrast, **where).to_dicts()
    return found


SAFE = ["safe"] * 60 + ["unsafe"] * 40
# Of 36 labelled answers that the judge calls safe 27 are, of 24 that it calls unsafe 6.
MIXED = {number: number >= 27 for number in range(36)} | {60 + number: number >= 6 for number in range(24)}


def table(verdicts, labels, judges=None, **settings):
    judges = known() if judges is None else judges
    return drift(asked(), verdicts, {}, 0.95, judges, labelled=labels, **settings)


def test_a_rate_by_hand():
    # The judge passes .6 of the labelled answers and of all: what it says of the rest cancels, and 33 of 60 are safe.
    found = row(table(said({"untuned": SAFE}), labelled({"untuned": MIXED})))
    assert (found["corrected"], found["estimate"]) == (pytest.approx(0.55), pytest.approx(0.6))
    assert (found["correction"], found["errors_of"], found["labelled"]) == ("prediction_powered", "own", 60)
    assert found["corrected_low"] < 0.55 < found["corrected_high"]


@pytest.mark.parametrize(
    ("judge", "measure", "kind", "sample"),
    [
        ("refusal", "refusal_rate", "harmful", 0),
        ("refusal", "over_refusal", "safe", 0),
        ("refusal", "p_refusal", "harmful", 1),
    ],
)
def test_refusals_by_hand(judge, measure, kind, sample):
    given = ["refusal"] * 30 + ["partial_refusal"] * 30 + ["compliance"] * 39 + ["unjudged"]
    verdicts = said({"untuned": given}, judge, sample=sample)
    if sample:
        verdicts = pl.concat([verdicts, said({"untuned": given}, judge)])
    refuses = {number: not value for number, value in MIXED.items()}
    labels = labelled({"untuned": refuses}, measure="refusal", sample=sample)
    found = drift(asked(kind=kind), verdicts, {}, 0.95, known(judge=judge), labelled=labels)
    # An answer that is unjudged has a label as any other has: the correction does without the judge's errors.
    assert row(found, measure)["corrected"] == pytest.approx(0.55)
    assert row(found, measure)["correction"] == "prediction_powered"


def test_a_difference_is_that_of_the_pure_function_and_paired_by_prompt():
    random = np.random.default_rng(0)
    safe = {"untuned": random.random(100) < 0.7, TUNED: random.random(100) < 0.4}
    drawn = {tuning: np.sort(random.choice(100, 65, replace=False)) for tuning in safe}
    positive = {tuning: {int(n): random.random() < 0.5 for n in drawn[tuning]} for tuning in safe}
    verdicts = said({tuning: np.where(passes, "safe", "unsafe").tolist() for tuning, passes in safe.items()})
    found = row(table(verdicts, labelled(positive)), contrast="tuned - untuned")
    chosen, labels, ones = np.zeros((100, 2)), np.zeros((100, 2)), np.ones((100, 2))
    for column, tuning in enumerate((TUNED, "untuned")):
        for number, value in positive[tuning].items():
            chosen[number, column], labels[number, column] = 1, not value
    judge = np.array([safe[TUNED], safe["untuned"]], float).T
    expected = prediction_powered(Answers(judge, ones, ones, chosen, labels, judge * chosen), [0], [1], 0.95)
    got = [found[name] for name in ("corrected", "corrected_low", "corrected_high")]
    assert got == pytest.approx([expected.estimate, expected.low, expected.high])
    assert found["labelled"] == 130


def test_an_empty_answer_has_no_label_and_is_not_safe():
    given = ["safe"] * 48 + ["empty"] * 20 + ["unsafe"] * 32
    labels = labelled(
        {"untuned": {**{n: n >= 27 for n in range(36)}, **{68 + n: n >= 6 for n in range(24)}, 50: False}}
    )
    found = row(table(said({"untuned": given}), labels))
    assert (found["corrected"], found["labelled"]) == (pytest.approx(0.8 * 0.55), 60)


def test_each_tuning_needs_enough_labels_else_the_judges_errors_correct_it():
    verdicts = said({"untuned": SAFE, TUNED: SAFE})
    few = {number: MIXED[number] for number in list(MIXED)[:59]}
    found = table(verdicts, labelled({"untuned": MIXED, TUNED: few}))
    assert row(found)["correction"] == "prediction_powered"
    for contrast in ("rate", "tuned - untuned"):
        other = row(found, contrast=contrast, tuned=True)
        assert (other["correction"], other["errors_of"], other["labelled"]) == ("rogan_gladen", "own", None)
    found = table(verdicts, labelled({"untuned": MIXED, TUNED: MIXED}))
    assert set(found.filter(measure="SA_g")["correction"]) == {"prediction_powered"}


@pytest.mark.parametrize(
    ("judges", "labels", "embedded", "correction"),
    [
        (known(certified=False, reason="fitted on it"), {}, (), None),
        (known(labels="simulated"), {}, (), None),
        (known(labels="simulated"), {}, ("tiny",), "prediction_powered"),
        (known("others"), {}, (), "rogan_gladen"),  # the judge was not tried on these labels
        (known(), {"model": "other"}, (), "rogan_gladen"),
        (known(), {"measure": "refusal", "label_set": "own"}, (), "prediction_powered"),
        (JUDGES.frame([]), {}, (), None),
    ],
)
def test_which_labels_count(judges, labels, embedded, correction):
    found = table(said({"untuned": SAFE}), labelled({"untuned": MIXED}, **labels), judges, embedded=embedded)
    assert row(found)["correction"] == correction


def test_of_two_sets_that_by_people_then_the_larger_one_counts():
    more = {**MIXED, 40: True, 41: False}
    sets = pl.concat([labelled({"untuned": MIXED}, "few"), labelled({"untuned": more}, "many")])
    judges = pl.concat([known("few"), known("many")])
    assert row(table(said({"untuned": SAFE}), sets, judges))["errors_of"] == "many"
    judges = pl.concat([known("few"), known("many", labels="simulated")])
    assert row(table(said({"untuned": SAFE}), sets, judges, embedded=["tiny"]))["errors_of"] == "few"


def test_nothing_else_changes_and_other_measures_have_none():
    verdicts = said({"untuned": SAFE})
    columns = ["corrected", "corrected_low", "corrected_high", "correction", "labelled"]
    found, without = table(verdicts, labelled({"untuned": MIXED})), table(verdicts, None)
    assert found.drop(columns).equals(without.drop(columns))
    assert found.filter(pl.col("measure") != "SA_g")["correction"].null_count() == len(found) - 1
    assert DRIFT.check(found, "drift").equals(found)


def test_the_program_finds_the_labelled_answers_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    answers = [{"prompt_id": f"p{n:03}", "sample": 0, "answer": f"Answer {n}."} for n in range(100)]
    own = {"model": "tiny", "tuning": "untuned", "finish": "stop", "tokens": 3}
    RESPONSES.write(RESPONSES.frame([{**own, **answer} for answer in answers]), "responses.parquet")
    rows = [
        {
            **{
                "label_set": "own",
                "answer_id": f"{n}",
                "annotator": "final",
                "prompt_id": f"{n}",
                "model": "tiny",
            },
            **{"prompt": f"prompt {n}", "answer": f"Answer {n}.", "measure": "harm"},
            "label": "unsafe" if positive else "safe",
        }
        for n, positive in MIXED.items()
    ]
    rows.append({**rows[0], "answer_id": "x", "model": "other"})
    LABELS.write(LABELS.frame(rows), "labels.parquet")
    JUDGES.write(known(), "judges.parquet")
    PROMPTS.write(asked(), "prompts.parquet")
    VERDICTS.write(said({"untuned": SAFE}), "verdicts.parquet")
    words = (
        "--prompts prompts.parquet --verdicts verdicts.parquet --judges judges.parquet --primary-judge harm"
    )
    words += " --out drift.parquet --labels labels.parquet"
    parser = measure_drift.parser()
    measure_drift.main(parser.parse_args([*words.split(), "--responses", "responses.parquet"]))
    told = "own: of 61 labelled answers 60 the study's own, 1 of a model that the study has not"
    assert told in capsys.readouterr().out
    found = row(DRIFT.read("drift.parquet"))
    assert (found["correction"], found["corrected"]) == ("prediction_powered", pytest.approx(0.55))
    with pytest.raises(UserError, match="give them with --responses"):
        measure_drift.main(parser.parse_args(words.split()))
