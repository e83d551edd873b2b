"""Utility that is graded: a mean of scores with its contrasts, counted by hand; and judges that are for some suites."""

import polars as pl
import pytest

from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.contrasts import drift
from tunedrift.errors import UserError
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.verdicts import VERDICTS


def prompts(*suites, count=3):
    return PROMPTS.frame(
        [
            {
                **{"prompt_id": f"{suite}/{n}/plain", "suite": suite, "kind": "utility", "plain_id": str(n)},
                **{"attack": "plain", "stratum": "all", "category": "c", "messages": []},
                **{"plain_prompt": f"{suite} {n}", "reference": ["x"]},
            }
            for suite in suites
            for n in range(count)
        ]
    )


def verdicts(judge, suite, answers):
    """Verdicts of tuning → (label, score) of its answers."""
    return VERDICTS.frame(
        [
            {
                **{
                    "judge": judge,
                    "kind": "utility",
                    "model": "tiny",
                    **parse_tuning(tuning).columns,
                    "sample": 0,
                },
                **{"prompt_id": f"{suite}/{n}/plain", "label": label, "score": score, "truncated": False},
            }
            for tuning, said in answers.items()
            for n, (label, score) in enumerate(said)
        ]
    )


GRADES = {
    "untuned": [("graded", 0.5), ("graded", 1.0), ("empty", 0.0)],
    "d/original/seed0": [("graded", 0.2), ("graded", 0.4), ("graded", 0.3)],
}


def estimates(table, **where):
    found = table.filter(**where)
    return {(row["measure"], row["contrast"], row["variant"]): row for row in found.iter_rows(named=True)}


def test_scores_are_averaged_and_compared_pairwise():
    found = estimates(drift(prompts("qa"), verdicts("rouge", "qa", GRADES), {}, 0.95))
    assert {measure for measure, *_ in found} == {"rouge_l"}
    untuned, tuned = found["rouge_l", "rate", None], found["rouge_l", "rate", "original"]
    moved = found["rouge_l", "tuned - untuned", "original"]
    assert untuned["estimate"] == pytest.approx(0.5)
    assert tuned["estimate"] == pytest.approx(0.3)
    assert moved["estimate"] == pytest.approx(-0.2)
    assert -1 <= moved["low"] < -0.2 < moved["high"] <= 0.4
    assert (untuned["worst"], untuned["best"]) == (pytest.approx(0.5), pytest.approx(2.5 / 3))


def test_a_judge_that_grades_no_answer_right_gives_no_share_of_right_ones():
    right = {tuning: [("right", None), ("wrong", None), ("timed_out", None)] for tuning in GRADES}
    both = pl.concat([verdicts("rouge", "qa", GRADES), verdicts("tests", "qa", right)])
    table = drift(prompts("qa"), both, {}, 0.95)
    assert set(table.select("judge", "measure").unique().iter_rows()) == {
        ("rouge", "rouge_l"),
        ("tests", "utility"),
    }
    assert estimates(table, judge="tests")["utility", "rate", None]["estimate"] == pytest.approx(1 / 3)


def test_all_answers_empty_is_a_score_of_zero():
    empty = {tuning: [("empty", 0.0)] * 3 for tuning in GRADES}
    found = estimates(drift(prompts("qa"), verdicts("rouge", "qa", empty), {}, 0.95))
    assert [row["estimate"] for row in found.values()] == [0.0] * 3


def test_a_judge_for_some_suites_is_missed_on_no_other():
    asked, said = prompts("qa", "code"), verdicts("rouge", "qa", GRADES)
    with pytest.raises(UserError, match="'rouge' has no verdict on 6 answers"):
        drift(asked, said, {}, 0.95)
    table = drift(asked, said, {}, 0.95, judged_suites={"rouge": ["qa"]})
    assert table["suite"].unique().to_list() == ["qa"]
    with pytest.raises(UserError, match="no verdict"):
        drift(
            asked, said.filter(pl.col("prompt_id") != "qa/1/plain"), {}, 0.95, judged_suites={"rouge": ["qa"]}
        )
