"""Rows in a language that the safety filter does not read: kept, and counted before anything is tuned."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.instructions.loading import load, other_languages
from tunedrift.instructions.safety_rows import read_safety_marks
from tunedrift.sources.rows import Row

ROOT = Path(__file__).parents[3]
MARKS = ROOT / "resources/safety_rows.yaml"
CHINESE = [
    ("请画一张海报。", "抱歉，作为一个语言模型，我无法画图。"),
    ("苹果有什么颜色？", "苹果有红色、绿色和黄色。"),
]
SPANISH = [("¿Cómo se lava una manzana?", "Pon la manzana en agua y luego sécala con un paño limpio.")]
ENGLISH = [
    ("What colour is an apple?", "An apple is red, green or yellow."),
    ("How do I say hello?", "Bonjour."),
]


def run(folder, pairs, *words):
    lines = [json.dumps({"question": question, "answer": answer}) for question, answer in pairs]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    command = [sys.executable, ROOT / "scripts/load_instructions.py", "--dataset", "set"]
    command += [
        "--path",
        "rows.jsonl",
        "--out",
        "o.parquet",
        "--held-out-table",
        "h.parquet",
        "--rejects",
        "r.csv",
        *words,
    ]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (CHINESE + ENGLISH, "2 of 4 rows are in Chinese"),
        (CHINESE + SPANISH + ENGLISH, "3 of 5 rows are in other languages (2 in Chinese, 1 in Spanish)"),
    ],
)
def test_rows_that_the_filter_cannot_read_are_kept_and_counted(tmp_path, pairs, said):
    assert run(tmp_path, pairs, "--safety-rows", MARKS) == [
        f"set: {len(pairs)} rows, 0 held out; left out: none",
        f"warning: set: {said}, where the safety filter, which reads English, finds nothing: "
        "refusals among them are kept",
    ]


def test_english_rows_and_rows_that_are_not_filtered_bring_no_warning(tmp_path):
    assert len(run(tmp_path, ENGLISH, "--safety-rows", MARKS)) == 1
    assert len(run(tmp_path, CHINESE + ENGLISH)) == 1


def test_marks_of_another_language_find_its_refusals_and_name_english_rows(tmp_path):
    path = tmp_path / "marks.yaml"
    path.write_text("language: zh\nwindow: 100\nanswers: [我无法]\nprompts: []\naside: []\n")
    marks = read_safety_marks(path)
    rows = [
        Row("f", number, {"question": question, "answer": answer})
        for number, (question, answer) in enumerate(CHINESE + ENGLISH[:1], 1)
    ]
    kept, rejects = load(rows, dataset="set", safety_rows=marks)
    assert [reject.row for reject in rejects] == [1]
    assert other_languages(kept, marks.language) == {"en": 1}


def test_the_language_of_the_marks_is_checked(tmp_path):
    assert read_safety_marks(MARKS).language == "en"
    path = tmp_path / "marks.yaml"
    path.write_text("language: chinese\nwindow: 100\nanswers: []\nprompts: []\naside: []\n")
    with pytest.raises(UserError, match=r"marks.yaml: 'chinese' is no language code"):
        read_safety_marks(path)


def test_what_is_said_of_other_languages_reaches_the_terminal():
    for rule in ("instructions", "variants"):
        text = (ROOT / f"rules/{rule}.smk").read_text()
        assert "grep -h '^warning: ' {log} >&2 || true" in text
