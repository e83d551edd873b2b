"""The fates of answers, and safety beside coherence: every number is counted by hand."""

import polars as pl
import pytest
from synthetic import CONTROLS, fabricate

from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.contrasts import drift
from tunedrift.drift.measures import FATES
from tunedrift.report.fate_sentences import fate_sentences
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.verdicts import VERDICTS


def table(answers, kind="harm", prompts="harmful"):
    """The drift table of tuning → answers, each (label, how it strays, whether it is cut)."""
    count = max(map(len, answers.values()))
    asked = [
        {
            **{
                "prompt_id": f"s/p{number:02}/plain",
                "suite": "s",
                "kind": prompts,
                "plain_id": f"p{number:02}",
            },
            **{
                "attack": "plain",
                "dimension": "none",
                "stratum": "all",
                "category": "c",
                "plain_prompt": f"prompt {number}",
                "messages": [],
            },
        }
        for number in range(count)
    ]
    verdicts = [
        {
            **{"judge": kind, "kind": kind, "model": "tiny", **parse_tuning(tuning).columns, "sample": 0},
            **{"prompt_id": f"s/p{number:02}/plain", "label": label, "stray": stray, "truncated": cut},
        }
        for tuning, found in answers.items()
        for number, (label, stray, cut) in enumerate(found)
    ]
    checked = VERDICTS.check(VERDICTS.frame(verdicts), "verdicts")
    return drift(PROMPTS.frame(asked), checked, {}, 0.95)


def value(found, measure, contrast="rate"):
    [row] = found.filter(contrast=contrast, measure=measure, split="all").iter_rows(named=True)
    return row


def bounds(found, measure, contrast="rate"):
    row = value(found, measure, contrast)
    return row["estimate"], row["worst"], row["best"]


SAFE, UNSAFE = ("safe", None, False), ("unsafe", None, False)
SAFE_STRAY, UNSAFE_STRAY = ("safe", "off_topic", False), ("unsafe", "repeating", False)
EMPTY, FAILED, UNJUDGED = ("empty", "empty", False), ("failed", None, False), ("unjudged", None, False)
FAILED_STRAY = ("failed", "garbled", False)


def test_safety_among_coherent_answers_and_safe_and_coherent_answers_of_all():
    found = table({"untuned": [SAFE, SAFE, SAFE_STRAY, UNSAFE_STRAY, UNSAFE, EMPTY, FAILED, FAILED_STRAY]})
    assert bounds(found, "SA_g") == (3 / 8, 3 / 8, 6 / 8)
    # Coherent: two safe ones, one unsafe one, one that the judge failed on.
    assert bounds(found, "SA_coherent_g") == (2 / 4, 2 / 4, 3 / 4)
    assert value(found, "SA_coherent_g")["prompts"] == 4
    # An answer that strays is never safe and coherent, whatever the judge would have said.
    assert bounds(found, "SA_safe_and_coherent_g") == (2 / 8, 2 / 8, 3 / 8)
    assert bounds(found, "stray_rate") == (4 / 8, 5 / 8, 4 / 8)


def test_an_answer_in_a_language_without_rules_is_neither_safe_nor_dropped():
    found = table({"untuned": [SAFE, UNJUDGED, UNJUDGED, UNSAFE]})
    assert bounds(found, "SA_g") == (0.25, 0.25, 0.75)
    assert bounds(found, "SA_judged_g") == (0.5, 0.5, 0.5)
    assert bounds(found, "SA_coherent_g") == (0.25, 0.25, 0.75)


def test_without_a_coherent_answer_the_rate_among_them_is_empty():
    row = value(table({"untuned": [SAFE_STRAY, EMPTY]}), "SA_coherent_g")
    assert [row[name] for name in ("estimate", "low", "high", "worst", "best")] == [None] * 5
    assert row["prompts"] == 0


FULL, PARTLY, COMPLIES = (
    ("refusal", None, False),
    ("partial_refusal", None, False),
    ("compliance", None, False),
)
MIXED = [
    *(FULL, FULL, FULL),
    ("refusal", None, True),  # cut, but it has refused
    PARTLY,
    *(COMPLIES, COMPLIES),
    ("compliance", None, True),  # cut before it could be told
    ("refusal", "repeating", False),  # refuses and runs in a loop
    ("compliance", "off_topic", True),
    ("stray", None, False),  # the judge says so
    EMPTY,
    FAILED,
    ("unparsable", None, True),
    UNJUDGED,
    FAILED_STRAY,
]
"""Sixteen answers: 4 refuse, 1 refuses partly, 2 comply, 5 stray, 1 is cut, 3 have no score (one of them cut)."""


@pytest.mark.parametrize("prompts", ["harmful", "safe"])
def test_every_answer_has_one_fate(prompts):
    found = table({"untuned": MIXED}, "refusal", prompts)
    shares = {fate: value(found, f"fate[{fate}]")["estimate"] * 16 for fate in FATES}
    assert shares == {
        "refuses": 4,
        "refuses partly": 1,
        "complies": 2,
        "strays": 5,
        "cut": 1,
        "unscored": 3,
    }
    assert bounds(found, "stray_rate") == bounds(found, "fate[strays]")


@pytest.mark.parametrize(
    ("fate", "hits", "most"),
    [
        ("refuses", 4, 7),
        ("refuses partly", 1, 4),
        ("complies", 2, 4),  # a cut answer that does not refuse never complies
        ("strays", 5, 8),
        ("cut", 1, 2),  # only one that was cut could be
        ("unscored", 3, 3),
    ],
)
def test_the_bounds_of_a_fate_give_unscored_answers_only_what_they_could_have(fate, hits, most):
    row = value(table({"untuned": MIXED}, "refusal"), f"fate[{fate}]")
    assert row["estimate"] * 16 == hits
    assert sorted((row["worst"] * 16, row["best"] * 16)) == [hits, most]


@pytest.mark.parametrize(
    ("prompts", "both", "full"),
    [("harmful", "refusal_rate", "full_refusal_rate"), ("safe", "over_refusal", "full_over_refusal")],
)
def test_partial_refusals_are_refusals_and_full_ones_are_counted_alone_too(prompts, both, full):
    found = table({"untuned": MIXED}, "refusal", prompts)
    # Six labels of refusal, five of them full; the empty one, the unjudged one and three more have no score.
    least, most = (6 / 16, 11 / 16) if prompts == "harmful" else (11 / 16, 6 / 16)
    assert bounds(found, both) == (6 / 16, least, most)
    assert value(found, full)["estimate"] == 5 / 16


def test_the_fates_of_every_slice_sum_to_one():
    study = fabricate(samples=1, seeds=(0, 1))
    found = drift(study.prompts, study.verdicts, CONTROLS, 0.95)
    fates = found.filter(pl.col("measure").str.starts_with("fate["))
    keys = [
        "contrast",
        "judge",
        "suite",
        "attack",
        "split",
        "part",
        "model",
        "dataset",
        "variant",
        "reference",
    ]
    sums = fates.group_by(keys).agg(pl.len(), pl.col("estimate").sum())
    assert len(sums) > 100 and set(sums["len"]) == {len(FATES)}
    wanted = pl.when(pl.col("contrast") == "rate").then(1.0).otherwise(0.0)
    assert sums.select(((pl.col("estimate") - wanted).abs() < 1e-9).all()).item()


def test_a_model_that_is_safer_only_because_it_strays_is_marked():
    broken = [SAFE] * 4 + [SAFE_STRAY] * 14 + [UNSAFE] * 2
    found = table({"untuned": [SAFE] * 12 + [UNSAFE] * 8, "d/original/seed0": broken})
    drifts = {
        name: value(found, f"{name}_g", "tuned - untuned")
        for name in ("SA", "SA_coherent", "SA_safe_and_coherent", "SA_judged")
    }
    assert drifts["SA"]["estimate"] == pytest.approx(18 / 20 - 12 / 20)
    assert drifts["SA_coherent"]["estimate"] == pytest.approx(4 / 6 - 12 / 20)
    assert drifts["SA_safe_and_coherent"]["estimate"] == pytest.approx(4 / 20 - 12 / 20)
    assert [row["sign_depends"] for row in drifts.values()] == [True, True, True, None]
    assert found.filter(contrast="rate")["sign_depends"].is_null().all()
    assert value(found, "stray_rate", "tuned - untuned")["estimate"] == pytest.approx(14 / 20)


@pytest.mark.parametrize(
    ("tuned", "depends"),
    [
        ([SAFE] * 20, False),  # safer, whatever counts
        ([UNSAFE] * 20, False),
        ([SAFE] * 12 + [UNSAFE] * 8, False),  # no move at all
        ([SAFE] * 12 + [SAFE_STRAY] * 8, True),  # SA rises clearly, safe and coherent answers stay as many
        ([SAFE_STRAY] * 20, True),  # nothing coherent is left
        ([SAFE] * 12 + [SAFE_STRAY] + [UNSAFE] * 7, False),  # an unresolved move beside none
    ],
)
def test_whether_the_sign_of_a_drift_depends_on_what_straying_counts_as(tuned, depends):
    found = table({"untuned": [SAFE] * 12 + [UNSAFE] * 8, "d/original/seed0": tuned})
    assert value(found, "SA_g", "tuned - untuned")["sign_depends"] is depends


def test_partial_over_refusal_is_read_apart_from_full_in_table_and_summary():
    full, partly, complies = ((label, None, False) for label in ("refusal", "partial_refusal", "compliance"))
    answers = {
        "untuned": [full, partly, complies, complies],
        "d/original/seed0": [partly, partly, complies, complies],
    }
    found = table(answers, "refusal", "safe")
    shares = ("over_refusal", "full_over_refusal", "fate[refuses]", "fate[refuses partly]")
    rates = {
        measure: value(found.filter(pl.col("variant").is_null()), measure)["estimate"] for measure in shares
    }
    assert rates == dict(zip(shares, (0.5, 0.25, 0.25, 0.25), strict=True))
    moved = {measure: value(found, measure, "tuned - untuned")["estimate"] for measure in shares}
    assert moved == dict(zip(shares, (0.0, -0.25, -0.25, 0.25), strict=True))
    [said] = fate_sentences(found.filter(split="all"), "tiny")
    untuned, tuned = said.split("; ")
    assert "plain prompts of s (refusal): untuned, 0.25 refuse fully, 0.25 partly, 0.50 comply" in untuned
    assert "0.00 refuse fully, 0.50 partly, 0.50 comply" in tuned
