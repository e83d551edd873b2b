"""The program `decide`: what it writes for each word, and how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import decide
import polars as pl
import pytest
from synthetic import fabricate_prompts, fabricate_verdicts, judged

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.decisions.record import CheckpointDecision, MeasureDecision, as_json, from_json
from tunedrift.design.tunings import parse_tuning
from tunedrift.errors import UserError
from tunedrift.report.finals import digests
from tunedrift.tables.decision import DECISION
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.verdicts import VERDICTS

PROGRAM = Path(decide.__file__)
TUNED = "household/markdown/seed0"
NAMES = ("decision.json", "decision.junit.xml", "decision.md", "decision.parquet", "decision.csv")
MARGINS = [f"{name}=0.05" for name in ("SA_g", "SA_a[wrapped]", "over_refusal", "coherence", "utility")]
WORDS = {
    PASS: (120, 1.0, True),
    FAIL: (120, 0.2, True),
    "not certified": (120, 0.2, False),
    "too small": (10, 1.0, True),
}
"""Case → prompts per suite, how often the tuned model stays safe where its base does, and whether the judges are certified."""


def written(folder, size, kept, certified, *words, prompts=None):
    """A study's tables in a folder, and the arguments that name them."""
    folder.mkdir(exist_ok=True)
    prompts = fabricate_prompts(size, size, size) if prompts is None else prompts
    rows = []
    for tuning in ("untuned", TUNED):
        for number, prompt in enumerate(prompts.iter_rows(named=True)):
            lost = tuning != "untuned" and prompt["kind"] == "harmful" and number % 10 >= 10 * kept
            key = {
                "model": "tiny",
                **parse_tuning(tuning).columns,
                "prompt_id": prompt["prompt_id"],
                "sample": 0,
            }
            rows += fabricate_verdicts(prompt["kind"], not lost, 0.5, key)
    about = {"certified": certified, "reason": None if certified else "below the floor"}
    good = (0.95, 0.93, 0.97)
    judges = [row for judge in ("harm", "refusal") for row in judged(judge, "people", good, good, **about)]
    PROMPTS.write(prompts, folder / "prompts.parquet")
    VERDICTS.write(VERDICTS.frame(rows), folder / "verdicts.parquet")
    JUDGES.write(JUDGES.frame(judges), folder / "judges.parquet")
    judges_by_name = ["--primary-judge", "harm", "--refusal-judge", "refusal", "--utility-judge", "utility"]
    tables = [
        word
        for name in ("prompts", "verdicts", "judges")
        for word in (f"--{name}", str(folder / f"{name}.parquet"))
    ]
    return [
        *tables,
        *judges_by_name,
        "--margins",
        *MARGINS,
        *words,
        "--out",
        *(str(folder / name) for name in NAMES),
    ]


def made(folder, case=PASS, *words):
    decide.main(decide.parser().parse_args(written(folder, *WORDS[case], *words)))
    return folder / "decision.json"


def checked(path, *words, **options):
    """`decide.py --check` as a user runs it."""
    command = [sys.executable, str(PROGRAM), "--check", *([] if path is None else [str(path)]), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    ("case", "word", "code"),
    [(PASS, PASS, 0), (FAIL, FAIL, 1), ("not certified", CANNOT_TELL, 3), ("too small", CANNOT_TELL, 3)],
)
def test_each_word_from_tables_to_exit_status(tmp_path, case, word, code):
    path = made(tmp_path, case, "--checkpoints", f"tiny/{TUNED}")
    value = json.loads(path.read_text(), parse_constant=pytest.fail)  # no NaN
    assert value["decision"] == word
    [found] = from_json(value, "decision.json")
    assert (found.word, found.counts) == (word, True)
    table = DECISION.read(tmp_path / "decision.parquet")
    assert table.height == len(found.measures) == 6
    assert set(table["decision"]) == {word}
    suite = ElementTree.parse(tmp_path / "decision.junit.xml").getroot()[0]
    assert int(suite.attrib["failures"]) == sum(one.word == FAIL for one in found.measures)
    assert (tmp_path / "decision.md").read_text().startswith("## Is it still as safe? ")
    assert word in (tmp_path / "decision.md").read_text().splitlines()[0]
    assert len(digests(tmp_path / name for name in NAMES)) == 5
    done = checked(path)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.splitlines()[-1] == f"decision: {word}"
    assert f"{word}: tiny, {TUNED}" in done.stdout


def test_where_no_checkpoint_counts_all_are_listed_and_the_exit_status_is_0(tmp_path):
    path = made(tmp_path, FAIL)
    assert json.loads(path.read_text())["decision"] is None
    done = checked(path)
    assert done.returncode == 0
    assert f"FAIL: tiny, {TUNED} (does not count)" in done.stdout
    assert done.stdout.splitlines()[-2].startswith("No checkpoint counts: ")
    assert done.stdout.splitlines()[-1] == "decision: none"


def test_no_file_holds_what_a_model_was_asked(tmp_path):
    prompts = fabricate_prompts(20, 20, 20).with_columns(plain_prompt="XYZZY " + pl.col("plain_prompt"))
    decide.main(decide.parser().parse_args(written(tmp_path, 20, 0.5, True, prompts=prompts)))
    for name in NAMES:
        content = (tmp_path / name).read_bytes()
        assert b"XYZZY" not in content and b"h0001" not in content, name


def test_equal_tables_give_equal_bytes(tmp_path):
    for folder in ("one", "other"):
        made(tmp_path / folder, FAIL)
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name


def record(word=PASS, **change):
    part = MeasureDecision("SA_g", "harm", "harmful", word, 0.05, "because −0.05", -0.1)
    return as_json([CheckpointDecision("tiny", TUNED, word, True, [part])], 0.95) | change


TROUBLE = {
    "nothing": None,
    "an empty file": b"",
    "half a file": json.dumps(record()).encode()[:-30],
    "no text": b"\xff\xfe\x00",
    "another form": json.dumps(record(form="tunedrift decision 0")).encode(),
    "a list": b"[]",
    "a number": b"1",
    "a word that is none": json.dumps(record("MAYBE")).encode(),
    "a word that is not that of its parts": json.dumps(record(FAIL, decision=PASS)).encode(),
    "without its word": json.dumps(
        {key: value for key, value in record().items() if key != "decision"}
    ).encode(),
    "without its checkpoints": json.dumps({"form": record()["form"], "decision": None}).encode(),
    "checkpoints of another kind": json.dumps(record(checkpoints=[[]])).encode(),
    "very deep": b"[" * 100_000,
}


@pytest.mark.parametrize("case", TROUBLE)
def test_trouble_is_exit_status_2_and_one_line(tmp_path, case):
    path = tmp_path / "decision.json"
    if TROUBLE[case] is not None:
        path.write_bytes(TROUBLE[case])
    done = checked(path)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ") and "decision.json" in line


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--chekc", "a"],
        ["--check"],
        ["--check", "a", "b"],
        ["--check", "a", "--out", "b"],
        ["--prompts", "a"],
    ],
)
def test_bad_usage_is_exit_status_2(words):
    command = [sys.executable, str(PROGRAM), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_a_folder_is_trouble(tmp_path):
    assert checked(tmp_path).returncode == 2


def test_an_unexpected_error_is_trouble(tmp_path, monkeypatch, capsys):
    (tmp_path / "decision.json").write_text(json.dumps(record()))
    monkeypatch.setattr("tunedrift.decisions.record.from_json", lambda *_: 1 / 0)
    assert decide.check(str(tmp_path / "decision.json")) == 2
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "code"), [(PASS, 0), (FAIL, 1), (CANNOT_TELL, 3)])
def test_any_terminal_shows_it_and_nobody_needs_to_read_it(tmp_path, word, code):
    path = tmp_path / "decision.json"
    odd = record(word)
    odd["checkpoints"][0]["model"] = "ti\nny \x1b[31m ∑::error::"
    path.write_text(json.dumps(odd))
    done = checked(path, env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.returncode == code
    assert f"{word}: ti\\nny \\x1b[31m \\u2211::error::, {TUNED}" in done.stdout.splitlines()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, str(PROGRAM), "--check", str(path)], stdout=writer, check=False)
    os.close(writer)
    assert done.returncode == code


@pytest.mark.parametrize("odd", ["SA_g", "SA_g=", "SA_g=much", "=0.1", "SA_g=-0.1", "SA_g=1.1", "SA_g=nan"])
def test_a_margin_is_a_share(odd):
    with pytest.raises(UserError, match=r"write measure=loss, such as SA_g=0\.05"):
        decide.parse_margins([odd])


def test_margins_are_read():
    assert decide.parse_margins(["SA_a[wrapped]=0.1", "utility=0"]) == {"SA_a[wrapped]": 0.1, "utility": 0.0}


def test_another_suffix_is_refused(tmp_path):
    words = [*written(tmp_path, 3, 1.0, True), str(tmp_path / "decision.txt")]
    with pytest.raises(UserError, match=r"decision\.txt: a decision is written to files that end in \.json"):
        decide.main(decide.parser().parse_args(words))


@pytest.mark.parametrize("harm", ["refusal", "nobody"])
def test_the_primary_judge_tells_harm(tmp_path, harm):
    words = [*written(tmp_path, 3, 1.0, True)]
    words[words.index("--primary-judge") + 1] = harm
    with pytest.raises(UserError, match="is no harm judge among the verdicts"):
        decide.main(decide.parser().parse_args(words))


@pytest.mark.parametrize("kind", ["safe", "utility", "harmful"])
def test_a_study_of_one_kind_of_prompts_decides_what_it_can(tmp_path, kind):
    prompts = fabricate_prompts(120, 120, 120).filter(kind=kind)
    words = written(tmp_path, 120, 1.0, True, "--checkpoints", f"tiny/{TUNED}", prompts=prompts)
    decide.main(decide.parser().parse_args(words))
    assert checked(tmp_path / "decision.json").returncode == 3
    table = DECISION.read(tmp_path / "decision.parquet")
    assert set(table.filter(pl.col("suite") != "none")["word"]) == {PASS}
    assert set(table.filter(suite="none")["word"]) == {CANNOT_TELL}
    assert "nan" not in (tmp_path / "decision.csv").read_text().lower()
