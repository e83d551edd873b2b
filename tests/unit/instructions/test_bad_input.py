"""Bad instruction data: one sentence with file, row and remedy, before anything is tuned."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROW = {"instruction": "Q", "input": "", "output": "A"}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def row(number, **changes):
    return {**ROW, "instruction": f"Q{number}", **changes}


CASES = {
    "an empty file": ("x.jsonl", b"", "x.jsonl is empty"),
    "a file of blank lines": ("x.jsonl", b"\n \n", "x.jsonl is empty"),
    "an empty list": ("x.json", b"[]", "x.json holds no rows"),
    "a header alone": ("x.csv", b"instruction,input,output\n", "x.csv holds no rows"),
    "truncated JSON": ("x.json", json.dumps([row(1), row(2)]).encode()[:-9], "row 2 is broken JSON"),
    "truncated JSON Lines": ("x.jsonl", lines(row(1), row(2))[:-9], "row 2 is broken JSON"),
    "mixed encodings": (
        "x.jsonl",
        lines(row(1)) + '{"instruction": "Q", "input": "", "output": "é"}'.encode("latin-1"),
        "line 2 is not UTF-8: save the file with that encoding",
    ),
    "a missing column": (
        "x.jsonl",
        lines({"instruction": "Q", "input": ""}),
        "map its columns to prompt and answer",
    ),
    "a column missing in one row": (
        "x.jsonl",
        lines(row(1), {"instruction": "Q", "input": ""}),
        "row 2 of x.jsonl: no field 'output'. Correct the rows, or raise max_rejected",
    ),
    "a null": ("x.jsonl", lines(row(1), row(2, output=None)), "row 2 of x.jsonl: 'output' is null. Correct"),
    "an answer of 10 MB": (
        "x.jsonl",
        lines(row(1), row(2, output="word " * 2_000_000)),
        "row 2 of x.jsonl: the chat has 10,000,001 characters, more than max_characters",
    ),
    "refusals alone": (
        "x.jsonl",
        lines(row(1, output="I'm sorry, but I can't help with that.")),
        "all usable rows are refusals or safety data, the first of them row 1 of x.jsonl. Choose other data",
    ),
}


def load(folder, *words, **environment):
    out = ["--out", "o.parquet", "--held-out-table", "h.parquet", "--rejects", "r.csv"]
    marks = ["--safety-rows", ROOT / "resources/safety_rows.yaml"]
    command = [
        sys.executable,
        ROOT / "scripts/load_instructions.py",
        "--dataset",
        "set",
        *words,
        *marks,
        *out,
    ]
    import os

    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def one_sentence(done, sentence):
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


@pytest.mark.parametrize("case", CASES)
def test_a_file(tmp_path, case):
    name, content, sentence = CASES[case]
    (tmp_path / name).write_bytes(content)
    one_sentence(load(tmp_path, "--path", name), sentence)
    assert not (tmp_path / "o.parquet").exists()


def test_an_offline_machine(tmp_path):
    done = load(
        tmp_path,
        *("--hub", "someone/data", "--revision", "abc", "--file", "data/*.jsonl"),
        HF_HUB_OFFLINE="1",
        HF_HOME=str(tmp_path),
    )
    one_sentence(done, "someone/data@abc is not in the hub's cache and the hub cannot be reached")
    assert (
        "`hf download someone/data --repo-type dataset --revision abc --include 'data/*.jsonl'`"
        in done.stderr
    )


def test_a_name_that_is_no_hub_id(tmp_path):
    done = load(tmp_path, "--hub", "a b/c/d", "--revision", "abc", "--file", "x.jsonl")
    one_sentence(done, "'a b/c/d' is no hub id: write owner/name")
