"""What is told of a suite whose prompts are attacked already."""

import polars as pl
import pytest
from synthetic import CONTROLS, fabricate, judged

from tunedrift.drift.contrasts import drift
from tunedrift.report import summary
from tunedrift.tables.agreement import AGREEMENT
from tunedrift.tables.judges import JUDGES

GATES = [{"model": "tiny", "refusal_rate": 0.9, "n": 60, "threshold": 0.8}]


@pytest.fixture(scope="module")
def study():
    return fabricate(
        datasets=("household",), variants={"original": 0.0, "markdown": -1.0, "length": 0.0}, utility=2
    )


def told(study, alone=False):
    """The drift table and summary of the study and a suite `brought` that is attacked already, or of that `alone`."""
    role = pl.col("prompt_id").str.contains("^harmful/.*/role$")
    renamed = pl.col("prompt_id").str.replace("harmful", "brought").str.replace("role", "own")
    prompts = study.prompts.filter(role).with_columns(
        prompt_id=renamed, suite=pl.lit("brought"), attack=pl.lit("own"), dimension=pl.lit("own")
    )
    verdicts = study.verdicts.filter(role).with_columns(prompt_id=renamed)
    if not alone:
        prompts, verdicts = pl.concat([study.prompts, prompts]), pl.concat([study.verdicts, verdicts])
    table = drift(prompts, verdicts, CONTROLS, 0.95)
    judges = JUDGES.frame(judged("harm", "a", (0.9, 0.85, 0.95), (0.9, 0.85, 0.95)))
    text = summary.summarize(
        table, AGREEMENT.frame([]), GATES, "harm", [], [{"torch": "2.13.0"}], judges=judges
    )
    return table, text


@pytest.mark.parametrize("alone", [False, True])
def test_its_safety_effects_fates_and_parts_are_told(study, alone):
    table, text = told(study, alone)
    lines = text.splitlines()
    whole = table.filter(measure="SA_a[brought]", judge="harm", split="all")
    rate = whole.filter(pl.col("variant").is_null(), contrast="rate").row(0, named=True)
    start = f"  - SA_a[brought] (harm, brought) starts at {summary.between(rate)}. Over 3 tunings it moves by"
    moved = [line for line in lines if line.startswith(start)]
    assert len(moved) == 1 and "`harm` is certified: sensitivity 0.90" in moved[0]
    effect = whole.filter(contrast="level - control", variant="markdown").row(0, named=True)
    start = f"- tiny, **markdown − length**, SA_a[brought], brought: household {summary.between(effect)}"
    assert [line for line in lines if line.startswith(start)]
    assert [
        line
        for line in lines
        if line.startswith("  - Fates of the answers to already attacked prompts of brought")
    ]
    assert [
        line
        for line in lines
        if line.startswith("  - By stratum of brought, the mean move of SA_a[brought] is")
    ]
    assert "- `harm`: on a" in text
    assert [line for line in lines if line.startswith("- **SA_a[…]** with a suite's name")]


def test_a_study_without_such_a_suite_says_nothing_of_it(study):
    table = drift(study.prompts, study.verdicts, CONTROLS, 0.95)
    text = summary.summarize(table, AGREEMENT.frame([]), GATES, "harm", [], [{"torch": "2.13.0"}])
    assert "SA_a[…]" not in text and "already attacked" not in text


def test_what_the_study_tells_of_its_other_suites_stays(study):
    table = drift(study.prompts, study.verdicts, CONTROLS, 0.95)
    without = set(summary.part_sentences(table, table.filter(judge="harm"), "tiny"))
    more = told(study)[0]
    assert without < set(summary.part_sentences(more, more.filter(judge="harm"), "tiny"))
