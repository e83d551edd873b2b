import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.loading import hold_out, load, split
from tunedrift.reading import Row
from tunedrift.tables.instructions import INSTRUCTIONS

SCRIPT = Path(__file__).parents[2] / "scripts" / "load.py"


def rows(*answers):
    return [
        Row("f", number, {"question": f"Q{answer}", "answer": answer})
        for number, answer in enumerate(answers, 1)
    ]


def run(*words):
    command = [sys.executable, str(SCRIPT), "--dataset", "set", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_row_ids_depend_on_content_alone():
    one, _ = load(rows("a", "b", "c"), dataset="set")
    other, _ = load(rows("c", "a", "b"), dataset="set")
    ids = {row["messages"][1]["content"]: row["row_id"] for row in one}
    assert ids == {row["messages"][1]["content"]: row["row_id"] for row in other}
    assert len(set(ids.values())) == 3


def test_repeats_are_left_out_but_are_not_unusable():
    kept, rejects = load(rows("a", "a", "a"), dataset="set", max_rejected=0.0)
    assert [row["source_row"] for row in kept] == [1]
    assert [(reject.row, reject.reason) for reject in rejects] == [
        (n, "the same as row 1 of f") for n in (2, 3)
    ]


def asked(*prompts):
    data = [{"question": prompt, "answer": f"A{n}"} for n, prompt in enumerate(prompts)]
    return [Row("f", number, values) for number, values in enumerate(data, 1)]


def test_what_a_repeat_is_can_be_set():
    source = asked("Q", "Q", "R")
    assert len(load(source, dataset="set")[0]) == 3
    kept, rejects = load(source, dataset="set", repeats="prompts")
    assert [row["source_row"] for row in kept] == [1, 3]
    assert rejects[0].reason == "the same prompt as row 1 of f"
    all_rows, rejects = load(rows("a", "a", "a"), dataset="set", repeats="none")
    assert not rejects
    assert len({row["row_id"] for row in all_rows}) == 3


def test_training_and_held_out_rows_share_no_prompt():
    loaded, _ = load(asked(*[f"Q{n // 3}" for n in range(60)]), dataset="set")
    train, held_out = hold_out(loaded, 10, 0, "set")
    assert len(train) + len(held_out) == 60
    assert 10 <= len(held_out) <= 12
    prompts = [{row["messages"][0]["content"] for row in side} for side in (train, held_out)]
    assert not prompts[0] & prompts[1]
    assert [row["row_id"] for row in hold_out(loaded[::-1], 10, 0, "set")[1]] != []
    assert {row["row_id"] for row in hold_out(loaded[::-1], 10, 0, "set")[1]} == {
        row["row_id"] for row in held_out
    }
    with pytest.raises(UserError, match="leaves none to train on"):
        hold_out(loaded, 60, 0, "set")


def test_what_is_held_out_does_not_depend_on_how_many_are_trained_on():
    loaded, _ = load(asked(*map(str, range(50))), dataset="set")
    few, many = (split(loaded, n=n, held_out=8, seed=1, dataset="set") for n in (5, 30))
    assert few[1] == many[1]
    assert {row["row_id"] for row in few[0]} < {row["row_id"] for row in many[0]}


def test_too_many_unusable_rows_stop_the_study():
    kept, rejects = load(rows("a", "b", "c", ""), dataset="set", max_rejected=0.25)
    assert len(kept) == 3
    assert rejects[0].reason == "'answer' is blank"
    with pytest.raises(UserError, match=r"1 of 4 rows are unusable.*row 4 of f: 'answer' is blank"):
        load(rows("a", "b", "c", ""), dataset="set", max_rejected=0.2)
    with pytest.raises(UserError, match="1 of 1 rows"):
        load(rows(""), dataset="set", max_rejected=1.0)
    with pytest.raises(UserError, match="holds no rows"):
        load([], dataset="set")


def test_the_program_writes_tables_that_do_not_depend_on_order(tmp_path):
    data = [{"instruction": f"Q{n}", "input": "", "output": f"A{n}"} for n in range(30)]
    tables = []
    for name, order in (("x", data), ("y", data[::-1])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(order))
        out = tmp_path / f"{name}.parquet"
        done = run(
            "--path",
            path,
            "--n",
            10,
            "--seed",
            3,
            "--out",
            out,
            "--held-out-table",
            tmp_path / "h.parquet",
            "--rejects",
            tmp_path / f"{name}.csv",
        )
        assert done.returncode == 0, done.stderr
        tables.append(INSTRUCTIONS.read(out)["row_id"].to_list())
    assert tables[0] == tables[1]
    assert len(tables[0]) == 10


def test_the_program_ends_with_one_sentence(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('[{"question": "Q", "answer": "A"}')
    done = run(
        "--path",
        path,
        "--out",
        tmp_path / "x.parquet",
        "--held-out-table",
        tmp_path / "h.parquet",
        "--rejects",
        tmp_path / "x.csv",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    path.write_text('[{"question": "Q", "answer": "A"}]')
    done = run(
        "--path",
        path,
        "--n",
        2,
        "--out",
        tmp_path / "x.parquet",
        "--held-out-table",
        tmp_path / "h.parquet",
        "--rejects",
        tmp_path / "x.csv",
    )
    assert "has 1 usable rows, fewer than the 2 asked for" in done.stderr
