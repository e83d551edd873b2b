"""Labelled answers as a judge is measured on them."""

import polars as pl

from tunedrift.labels.answers import answers_by_set, with_sides
from tunedrift.tables.labels import LABELS


def labels(*rows, measure="refusal"):
    """Rows of (answer, annotator, label) of one set."""
    about = {"label_set": "mine", "prompt_id": "p", "prompt": "How?", "answer": "So.", "measure": measure}
    return LABELS.frame(
        [{**about, "answer_id": a, "annotator": who, "label": label} for a, who, label in rows]
    )


def test_a_tie_between_full_and_partial_refusal_is_settled_as_a_refusal():
    measure, found = answers_by_set(
        labels(("a", "ann", "refusal"), ("a", "bob", "partial_refusal"), ("b", "ann", "refusal"))
    )["mine"]
    assert measure == "refusal"
    assert found.select("answer_id", "label", "positive", "one", "other").rows() == [
        ("a", None, True, True, True),
        ("b", "refusal", True, True, None),
    ]


def test_a_tie_between_yes_and_no_is_settled_by_nobody():
    rows = ("a", "ann", "safe"), ("a", "bob", "unsafe")
    _, found = answers_by_set(labels(*rows, measure="harm"))["mine"]
    assert found.select("label", "positive", "one", "other").rows() == [(None, None, False, True)]


def test_three_annotators_are_no_two():
    rows = [("a", who, "refusal") for who in ("ann", "bob", "cy", "final")]
    _, found = answers_by_set(labels(*rows))["mine"]
    assert found.select("positive", "one", "other").rows() == [(True, None, None)]
    assert found["one"].dtype == pl.Boolean


def test_without_labels_there_are_no_sets():
    assert answers_by_set(LABELS.frame([])) == {}


def sides(labelled, given):
    schema = {"prompt": pl.String, "answer": pl.String, "tuned": pl.Boolean}
    answers = pl.DataFrame(labelled, schema=dict.fromkeys(("prompt", "answer"), pl.String), orient="row")
    return with_sides(answers, pl.DataFrame(given, schema=schema, orient="row"))["tuned"].to_list()


def test_an_answer_of_the_study_is_on_the_side_of_who_gave_it():
    given = [
        ("p", "no", False),
        ("p", "yes", True),
        ("q", "no", True),
        ("q", "no", False),
        ("q", "other", True),
    ]
    labelled = [("q", "no"), ("p", "yes"), ("p", "no")]
    assert sides(labelled, given) == [None, True, False]  # the first gave both alike
    # With one answer that the study does not know, the others may read like its own by chance.
    assert sides([*labelled, ("q", "yes")], given) == [None] * 4
    assert sides(labelled, []) == [None] * 3
    assert sides([("p ", "y\r\nes")], [("p", "y\nes", True)]) == [True]
    assert sides([], given) == []
