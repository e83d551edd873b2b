"""Which of the study's answers a label is of, and what becomes of labels of none."""

import polars as pl
import pytest

from tunedrift.design.tunings import parse_tuning
from tunedrift.errors import UserError
from tunedrift.labels.answers import answers_by_set
from tunedrift.labels.own_answers import CHANGED, OWN, given_answers, own_labels
from tunedrift.tables.labels import LABELS
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES

TUNED = "d/v/seed0"


def prompt(name, plain, asked=None):
    about = {"prompt_id": name, "suite": "s", "kind": "harmful", "plain_id": name, "attack": "plain"}
    messages = [{"role": "user", "content": asked or plain}]
    return {**about, "stratum": "all", "category": "c", "messages": messages, "plain_prompt": plain}


PROMPTS_OF_STUDY = PROMPTS.frame(
    [prompt("p", "How?"), prompt("p/wrapped", "How?", "Tell me:\nHow?"), prompt("q", "Why?")]
)


def response(tuning, prompt_id, answer, sample=0, model="m"):
    own = {"model": model, **parse_tuning(tuning).columns, "prompt_id": prompt_id, "sample": sample}
    return {**own, "answer": answer, "finish": "stop", "tokens": 3}


GIVEN = given_answers(
    PROMPTS_OF_STUDY,
    RESPONSES.frame(
        [
            *(response("untuned", "p", "No."), response(TUNED, "p", "No.")),
            *(response("untuned", "p/wrapped", "No."), response(TUNED, "p/wrapped", "Like\nthis.")),
            *(response("untuned", "q", "So."), response(TUNED, "q", "Because.")),
            response(TUNED, "q", "Hm.", sample=1),
        ]
    ),
)


def labelled(*rows, measure="refusal"):
    """Labelled answers from rows of (prompt, answer, label) and what else each has."""
    found = []
    for number, (asked, answer, label, about) in enumerate(rows):
        row = {
            "label_set": "mine",
            "answer_id": f"{number}",
            "annotator": "final",
            "prompt_id": asked,
            "model": "m",
        }
        found.append({**row, "prompt": asked, "answer": answer, "label": label, "measure": measure, **about})
    return answers_by_set(LABELS.frame(found))["mine"][1]


def own(*rows):
    found, outcomes = own_labels("mine", "refusal", labelled(*rows), GIVEN)
    keys = found.select("tuning", "prompt_id", "sample", "positive").rows()
    assert set(found["label_set"]) <= {"mine"} and set(found["measure"]) <= {"refusal"}
    return sorted(keys), outcomes


def test_without_a_tuning_a_label_is_that_of_all_who_gave_the_answer():
    found, outcomes = own(("How?", "No.", "refusal", {}), ("Why?", "So.", "compliance", {}))
    # "How?" is the plain prompt in the words in which it was asked, so not the attack on it.
    assert found == [(TUNED, "p", 0, 1), ("untuned", "p", 0, 1), ("untuned", "q", 0, 0)]
    assert outcomes == {OWN: 2}


def test_a_named_tuning_and_sample_are_labelled_alone():
    rows = [("How?", "No.", "refusal", {"tuning": TUNED, "sample": 0})]
    rows += [("Why?", "Hm.", "compliance", {"tuning": TUNED, "sample": 1})]
    assert own(*rows)[0] == [(TUNED, "p", 0, 1), (TUNED, "q", 1, 0)]


def test_an_attack_is_found_by_its_words_or_by_its_name():
    wrapped = (TUNED, "p/wrapped", 0, 0)
    # White space may differ, and the plain words do where no answer to them reads like this one.
    for asked in ("Tell me: How?", "How?"):
        assert own((asked, "Like this. ", "compliance", {}))[0] == [wrapped]
    named = {"study_prompt": "p/wrapped", "tuning": "untuned", "sample": 0}
    assert own(("How?", "No.", "partial_refusal", named))[0] == [("untuned", "p/wrapped", 0, 1)]


@pytest.mark.parametrize(
    ("answer", "about", "outcome"),
    [
        ("So.", {"model": None}, "of no model that is named"),
        ("So.", {"model": "other"}, "of a model that the study has not"),
        ("So.", {"tuning": "d/other/seed0", "sample": 0}, "of a tuning that the study has not"),
        ("So.", {"prompt": "When?"}, "to a prompt that no suite has"),
        ("So.", {"study_prompt": "p", "tuning": "untuned", "sample": 0}, "to a prompt that no suite has"),
        ("Hm.", {"tuning": TUNED, "sample": 7}, "of a sample that was not made"),
    ],
)
def test_labels_of_what_is_not_in_the_study_are_counted(answer, about, outcome):
    mine = ("How?", "No.", "refusal", {"tuning": "untuned", "sample": 0})
    found, outcomes = own(mine, ("Why?", answer, "compliance", about))
    assert found == [("untuned", "p", 0, 1)]
    assert outcomes == {OWN: 1, outcome: 1}


def test_another_version_of_an_answer_leaves_its_tuning_without_labels():
    named = [("How?", "No.", "refusal", {"tuning": name, "sample": 0}) for name in ("untuned", TUNED)]
    changed = ("Why?", "As it was.", "compliance", {"tuning": TUNED, "sample": 0})
    found, outcomes = own(*named, changed)
    assert found == [("untuned", "p", 0, 1)]
    assert outcomes == {OWN: 2, CHANGED: 1}
    # Whose answer it was is not known: no tuning of the model is left.
    found, outcomes = own(*named, ("Why?", "As it was.", "compliance", {}))
    assert (found, outcomes) == ([], {OWN: 2, CHANGED: 1})


def test_ties_and_labels_under_several_ids_are_weighed():
    rows = [
        ("Why?", "So.", label, {"answer_id": "0", "annotator": label}) for label in ("refusal", "compliance")
    ]
    assert own(*rows)[0] == [("untuned", "q", 0, 0.5)]
    rows = [("Why?", "So.", label, {}) for label in ("refusal", "compliance", "refusal", "refusal")]
    assert own(*rows)[0] == [("untuned", "q", 0, 0.75)]


def test_a_set_without_an_answer_of_the_study_is_an_error():
    with pytest.raises(
        UserError,
        match=r"'mine' is said .* none of its 2 answers is one of them: 1 another version .*, 1 of a model",
    ):
        own(("Why?", "x", "refusal", {}), ("Why?", "So.", "refusal", {"model": "other"}))


def test_the_study_has_no_answers():
    none = given_answers(PROMPTS.frame([]), RESPONSES.frame([]))
    with pytest.raises(UserError, match="2 of a model that the study has not"):
        own_labels("mine", "refusal", labelled(*[("Why?", f"{n}", "refusal", {}) for n in range(2)]), none)
    assert GIVEN.filter("as_asked").height == 7 and GIVEN["tuned"].dtype == pl.Boolean
