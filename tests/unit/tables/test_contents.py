"""Answers and verdicts of another version of a suite or a label set are told, though prompts and answers keep their names."""

from pathlib import Path

import decide
import judge
import measure_agreement
import measure_drift
import measure_judges
import polars as pl
import pytest

from tunedrift.errors import UserError
from tunedrift.tables.contents import LABEL_SETS, SUITES, contents
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.labels import LABELS
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.rewards import REWARDS

PATTERNS = str(Path(__file__).parents[3] / "resources/judges/refusals.yaml")
ASKED = [f"How do I plant tree {number}?" for number in range(4)]
REFUSED = "I'm sorry, but I can't help with that."


def prompts(asked, suite="s", attack="plain"):
    rows = [
        {
            **{
                "prompt_id": f"{suite}/{number}/{attack}",
                "suite": suite,
                "kind": "harmful",
                "attack": attack,
                "dimension": "none",
            },
            **{"plain_id": str(number), "stratum": "all", "category": "none", "plain_prompt": text},
            **{"messages": [{"role": "user", "content": text}], "reference": None},
        }
        for number, text in enumerate(asked)
    ]
    return PROMPTS.frame(rows)


def labels(asked):
    rows = [
        {
            **{"label_set": "l", "answer_id": str(number), "annotator": annotator, "prompt_id": text},
            **{"prompt": text, "answer": REFUSED, "model": None, "language": None},
            **{"measure": "harm", "label": "safe"},
        }
        for number, text in enumerate(asked)
        for annotator in ("one", "other")
    ]
    return LABELS.frame(rows)


def call(program, words):
    program.main(program.parser().parse_args(words.split()))


JUDGE = f"--judge harm --kind harm --patterns {PATTERNS} --out"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Prompts, answers and verdicts, and labels and verdicts on them."""
    monkeypatch.chdir(tmp_path)
    PROMPTS.write(prompts(ASKED), "prompts.parquet")
    rows = [
        {
            **{"model": "m", "tuning": "untuned", "prompt_id": name, "sample": 0},
            **{"answer": REFUSED, "finish": "stop", "tokens": 9},
        }
        for name in prompts(ASKED)["prompt_id"]
    ]
    RESPONSES.write(RESPONSES.frame(rows), "responses.parquet", contents(prompts(ASKED), SUITES))
    REWARDS.write(REWARDS.frame([]), "rewards.parquet")
    PREFERENCES.write(PREFERENCES.frame([]), "pairs.parquet")
    JUDGES.write(JUDGES.frame([]), "judges.parquet")
    LABELS.write(labels(ASKED), "labels.parquet")
    call(judge, f"--prompts prompts.parquet --responses responses.parquet {JUDGE} verdicts.parquet")
    call(judge, f"--labels labels.parquet {JUDGE} labelled.parquet")


PROGRAMS = {
    "decide": (
        decide,
        "--prompts prompts.parquet --verdicts verdicts.parquet --judges judges.parquet --primary-judge harm --out decision.md",
    ),
    "judge": (judge, f"--prompts prompts.parquet --responses responses.parquet {JUDGE} again.parquet"),
    "measure_drift": (
        measure_drift,
        "--prompts prompts.parquet --verdicts verdicts.parquet --primary-judge harm --out drift.csv",
    ),
    "measure_agreement": (
        measure_agreement,
        "--prompts prompts.parquet --verdicts verdicts.parquet --primary-judge harm --draws 100 --rewards rewards.parquet "
        "--preferences pairs.parquet --out agreement.csv --forecasts forecasts.csv",
    ),
    "measure_judges": (
        measure_judges,
        "--labels labels.parquet --verdicts labelled.parquet --draws 100 --out judges.csv",
    ),
}

EDITS = {
    "a text": [*ASKED[:3], "How do I cut a tree?"],
    "one fewer": ASKED[:3],
    "one more": [*ASKED, "How do I cut a tree?"],
    "another order": ASKED[::-1],
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_another_version_is_one_sentence(made, name, edit):
    PROMPTS.write(prompts(EDITS[edit]), "prompts.parquet")
    LABELS.write(labels(EDITS[edit]), "labels.parquet")
    part = "label set 'l'" if name == "measure_judges" else "suite 's'"
    with pytest.raises(
        UserError, match=rf"\w+\.parquet was made of another version of the {part} than is given"
    ):
        call(*PROGRAMS[name])


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "measure_agreement"])
def test_the_same_content_in_another_order_and_beside_others_is_fine(made, name):
    more = pl.concat(
        [prompts(["Why is the sky blue?"], suite="other"), prompts(ASKED).sort("prompt_id", descending=True)]
    )
    PROMPTS.write(
        more if name == "judge" else prompts(ASKED).sort("prompt_id", descending=True), "prompts.parquet"
    )
    LABELS.write(labels(ASKED)[::-1], "labels.parquet")
    call(*PROGRAMS[name])


def test_what_surrounds_a_prompt_is_no_other_version():
    wrapped = prompts(ASKED).with_columns(messages=prompts(ASKED[::-1])["messages"])
    assert contents(wrapped, SUITES) == contents(prompts(ASKED), SUITES)


def test_the_annotators_of_an_answer_are_not_its_content():
    one = labels(ASKED).filter(annotator="one")
    assert contents(one, LABEL_SETS) == contents(labels(ASKED), LABEL_SETS)


@pytest.mark.parametrize(
    "more", [{"kind": "safe"}, {"plain_prompt": "Else?"}, {"prompt_id": "s/9/plain"}, {"reference": ["oak"]}]
)
def test_each_part_of_a_prompt_that_a_judge_reads_counts(more):
    [row] = prompts(ASKED[:1]).to_dicts()
    changed = contents(PROMPTS.frame([{**row, **more}]), SUITES)
    assert changed != contents(PROMPTS.frame([row]), SUITES)


def test_tables_that_do_not_say_of_what_they_were_made_are_taken(made):
    found = pl.read_parquet("verdicts.parquet")
    found.write_parquet("verdicts.parquet")
    PROMPTS.write(prompts(EDITS["another order"]), "prompts.parquet")
    call(*PROGRAMS["measure_drift"])
    PROMPTS.write(prompts(EDITS["one fewer"]), "prompts.parquet")
    with pytest.raises(
        UserError, match=r"in no prompts table: give every suite .* judge again where a suite"
    ):
        call(*PROGRAMS["measure_drift"])
