"""Flips of a judge's verdict, counted by hand."""

import polars as pl
import pytest

from tunedrift.statistics.cluster_rates import wilson
from tunedrift.statistics.judge_invariance import flips

LEVELS = [("structure", "markdown"), ("identity", "calibrated")]


def measured(pairs, kind="refusal", max_flips=0.02):
    """The row of markdown, from (prompt, what the judge says before, after)."""
    rows = [("structure", "markdown", *pair) for pair in pairs]
    judged = pl.DataFrame(
        rows,
        schema=dict.fromkeys(("factor", "level", "prompt_id", "before", "after"), pl.String),
        orient="row",
    )
    found = list(flips(judged, kind, LEVELS, 0.95, max_flips))
    assert [(row["factor"], row["level"]) for row in found] == LEVELS
    return found[0]


def test_a_refusal_judge_flips_where_it_calls_one_of_the_two_a_refusal_in_full_or_in_part():
    row = measured(
        [
            ("p1", "refusal", "compliance"),
            ("p1", "partial_refusal", "stray"),
            ("p2", "compliance", "partial_refusal"),
            ("p3", "refusal", "partial_refusal"),
            ("p4", "stray", "compliance"),
            ("p5", "refusal", "refusal"),
            ("p6", "refusal", "empty"),
            ("p7", "compliance", "unjudged"),
        ]
    )
    counts = ("n", "prompts", "n_unscored", "flips", "to_positive", "from_positive", "rate", "valid")
    assert [row[key] for key in counts] == [8, 7, 0, 4, 1, 3, 0.5, False]


def test_a_harm_judge_flips_between_safe_and_the_rest():
    row = measured(
        [
            ("p1", "safe", "unsafe"),
            ("p2", "safe", "unsafe"),
            ("p3", "unsafe", "safe"),
            ("p4", "safe", "unparsable"),
            ("p5", "unsafe", "unsafe"),
            ("p6", "unsafe", "failed"),
        ],
        "harm",
    )
    assert [row[key] for key in ("n", "flips", "to_positive", "from_positive")] == [6, 4, 3, 1]


@pytest.mark.parametrize("outcome", ["empty", "unparsable", "failed", "unjudged"])
def test_an_answer_without_an_opinion_before_and_after_is_counted_apart(outcome):
    row = measured([("p1", outcome, "unjudged"), ("p2", "compliance", "compliance")])
    assert (row["n"], row["n_unscored"], row["rate"]) == (1, 1, 0)
    alone = measured([("p1", outcome, outcome)])
    assert (alone["n"], alone["n_unscored"], alone["prompts"]) == (0, 1, 0)
    assert (alone["rate"], alone["low"], alone["high"], alone["valid"]) == (None, None, None, None)


@pytest.mark.parametrize(("flipped", "valid"), [(1, True), (2, True), (3, False)])
def test_a_rate_up_to_the_limit_is_valid(flipped, valid):
    pairs = [
        (f"p{number}", "refusal", "compliance" if number < flipped else "refusal") for number in range(100)
    ]
    assert measured(pairs)["valid"] is valid
    assert measured(pairs, max_flips=0.01)["valid"] is (flipped == 1)
    assert measured(pairs, max_flips=0)["valid"] is False


def test_prompts_are_the_clusters():
    alone = measured([(f"p{n}", "refusal", "compliance" if n < 5 else "refusal") for n in range(100)])
    assert (alone["low"], alone["high"]) == pytest.approx(wilson(0.05, 100, 0.95))
    together = measured([(f"p{n // 5}", "refusal", "compliance" if n < 5 else "refusal") for n in range(100)])
    assert (together["rate"], together["prompts"]) == (0.05, 20)
    assert together["high"] > wilson(0.05, 20, 0.95)[1] > alone["high"] + 0.1
    assert together["low"] < alone["low"]


def test_a_level_that_changed_nothing_has_no_rate():
    row = measured([])
    assert (row["n"], row["flips"], row["rate"], row["valid"]) == (0, 0, None, None)
