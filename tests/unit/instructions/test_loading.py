import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.instructions.loading import hold_out, load, split
from tunedrift.sources.reading import read_rows
from tunedrift.sources.rows import Row
from tunedrift.tables.instructions import INSTRUCTIONS

SCRIPT = Path(__file__).parents[3] / "scripts" / "load_instructions.py"


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


def chats_of(*records, file="f", **settings):
    source = [Row(file, number, values) for number, values in enumerate(records, 1)]
    return load(source, dataset="set", **settings)


def test_a_layout_is_chosen_by_the_columns_of_the_first_rows():
    sparse = {"instruction": "Q", "response": "A"}
    kept, _ = chats_of(sparse, {**sparse, "context": "C"})
    assert [row["messages"][0]["content"] for row in kept] == ["Q", "Q\n\nC"]
    kept, rejects = chats_of({"id": 1}, sparse, max_rejected=0.5)
    assert [row["source_row"] for row in kept] == [2]
    assert rejects[0].reason == "no field 'instruction'"


def test_columns_that_are_not_read_are_told_in_one_line():
    told = []
    row = {"id": 1, "question": "Q", "answer": "A", "category": "x", "system": "S", "": 0}
    chats_of(row, {**row, "id": 2, "source": "book"}, log=told.append)
    assert told == ["set: not read: id, category, '', source"]
    chats_of({"question": "Q", "answer": "A"}, log=told.append)
    assert len(told) == 1


def test_a_row_without_columns_is_left_out():
    kept, rejects = chats_of({}, {"question": "Q", "answer": "A"}, max_rejected=0.5)
    assert len(kept) == 1
    assert [(reject.row, reject.reason) for reject in rejects] == [(1, "the row is empty")]


def test_one_id_may_stand_for_many_rows():
    questions = [{"id": 7, "question": f"Q{number}", "answer": "A"} for number in range(4)]
    kept, rejects = chats_of(*questions, {**questions[0], "id": 8}, max_rejected=0)
    assert [row["source_row"] for row in kept] == [1, 2, 3, 4]
    assert len({row["row_id"] for row in kept}) == 4
    assert [reject.reason for reject in rejects] == ["the same as row 1 of f"]


def test_a_mapped_column_may_stand_in_some_rows_alone():
    mapping = {"prompt": "ask", "answer": "say", "context": "more"}
    source = [Row("f", number, {"ask": f"Q{number}", "say": "A"}) for number in range(1, 150)]
    last = [Row("f", 150, {"ask": "Q", "say": "A", "more": "C"}), Row("g", 1, {"ask": "R", "say": "A"})]
    kept, _ = load([*source, *last], dataset="set", mapping=mapping)
    assert [row["messages"][0]["content"] for row in kept[-3:]] == ["Q149", "Q\n\nC", "R"]
    with pytest.raises(UserError, match="set has no column 'more'; its columns are 'ask', 'say'"):
        load(source, dataset="set", mapping=mapping)


def test_a_layout_is_chosen_by_rows_that_are_not_empty():
    kept, rejects = chats_of(*[{}] * 120, {"question": "Q", "answer": "A"}, max_rejected=1)
    assert (len(kept), len(rejects)) == (1, 120)


def test_fields_of_turns_that_are_not_read_are_told():
    told = []
    turns = [
        {"role": "user", "content": "Q", "weight": 1, "name": "Ann"},
        {"role": "assistant", "content": "A", "weight": 1, "reasoning_content": "Hm.", "refusal": None},
    ]
    chats_of({"messages": turns, "source": "log"}, {"messages": turns}, log=told.append)
    assert told == ["set: not read: source, messages.weight, messages.name, messages.reasoning_content"]
    chats_of(
        {"messages": [{**turns[0], "weight": 0, "name": ""}, turns[1] | {"reasoning_content": ""}]},
        log=told.append,
    )
    assert len(told) == 1


def test_files_of_one_name_have_layouts_and_rejects_of_their_own(tmp_path):
    questions = [{"question": "Q", "answer": "A"}, {"question": "", "answer": "A"}]
    alpaca = [{"instruction": "R", "output": "B"}, {"instruction": "R", "output": ""}]
    for folder, content in (("d1", questions), ("d2", alpaca)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text(json.dumps(content))
    kept, rejects = load(read_rows([f"{tmp_path}/*/x.json"]), dataset="set", max_rejected=0.5)
    assert [row["source_file"] for row in kept] == ["d1/x.json", "d2/x.json"]
    assert [reject.file for reject in rejects] == ["d1/x.json", "d2/x.json"]


def test_a_chat_of_more_than_50000_characters_is_unusable():
    kept, rejects = chats_of(
        {"question": "Q", "answer": "a" * 49_999}, {"question": "Q", "answer": "a" * 50_000}, max_rejected=0.5
    )
    assert len(kept) == 1
    assert "50,001 characters, more than max_characters, 50,000" in rejects[0].reason


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
