"""Rows that a model cannot be tuned on in one variant are left out of all variants."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from tunedrift.tables.rejected import REJECTED
from tunedrift.tables.variants import VARIANTS

ROOT = Path(__file__).parents[3]
ANSWERS = {
    "original": {"a": "Dig.", "b": "Water it.", "c": "Wait."},
    "long.1": {"a": "Dig. " * 40, "b": "Water it.", "c": "Wait."},
    "odd": {"a": "Dig.", "b": "Water it.", "c": "Wait.<|im_end|>"},
}


def write(path, answers):
    rows = [
        {
            "row_id": name,
            "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": answer}],
            "original_prompt": [{"role": "user", "content": "How?"}],
            "original_length": 9,
            "put_before": 0,
            "put_behind": 0,
            "changed_by": [],
        }
        for name, answer in answers.items()
    ]
    VARIANTS.write(VARIANTS.frame(rows), path)


@pytest.fixture
def folder(tmp_path):
    tiny.save_chat_model(tmp_path / "tiny")
    for name, answers in ANSWERS.items():
        write(tmp_path / f"{name}.parquet", answers)
    return tmp_path


def run(folder, program, *words):
    command = [sys.executable, ROOT / f"scripts/{program}.py", "--model", "tiny/model.json", *words]
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)


def select(folder, *words, variants=ANSWERS):
    tables = [f"{name}.parquet" for name in variants]
    return run(folder, "select_rows", "--variants", *tables, "--max-length", 64, "--out", "r.parquet", *words)


def test_every_variant_is_tuned_on_the_rows_that_all_of_them_can_use(folder):
    done = select(folder, "--max-rejected", 0.4)
    assert done.returncode == 0, done.stderr
    assert "2 rows are left out of all 3 variants, 1 are left to train on" in done.stdout
    assert REJECTED.read(folder / "r.parquet").rows() == [
        ("long.1", "a", "too_long"),
        ("odd", "c", "control_token"),
    ]
    words = ("--rejected", "r.parquet", "--max-length", 64, "--seed", 0, "--epochs", 1, "--out", "out")
    tuned = run(folder, "tune", "--variant", "original.parquet", *words)
    assert tuned.stdout.startswith("1 rows (rejected: 1 control_token, 1 too_long)"), tuned.stderr
    training = json.loads((folder / "out/training.json").read_text())
    assert (training["rows"], training["rejected"]) == (1, {"control_token": 1, "too_long": 1})


def test_too_many_unheld_chats_and_none_left_stop_before_a_tuning(folder):
    assert "hold 1 of 3 chats, more than the share 0.3" in select(folder, "--max-rejected", 0.3).stderr
    write(folder / "rest.parquet", dict.fromkeys("abc", "Dig. " * 40))
    done = select(folder, "--max-rejected", 1, variants=[*ANSWERS, "rest"])
    assert done.returncode == 1
    assert "none of the 3 chats fits into 64 tokens" in done.stderr
    assert not (folder / "r.parquet").exists()


def test_rows_of_one_variant_alone_are_rejected_there(folder):
    write(folder / "safety1.parquet", {"a": "Dig.", "b": "Water it.", "mixed in": "No. " * 60})
    done = select(folder, variants=["original", "safety1"])
    assert "1 rows are left out of all 2 variants, 2 are left to train on" in done.stdout
    assert REJECTED.read(folder / "r.parquet").rows() == [("safety1", "mixed in", "too_long")]
