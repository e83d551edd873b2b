"""JSON as people and tools write it: read as what it is, or refused for the true cause."""

import json

import pytest

from tunedrift.errors import UserError
from tunedrift.sources.reading import read_rows

ROWS = [{"question": "How many?", "answer": "Two."}, {"question": "Why?", "answer": "So."}]
LINES = [json.dumps(row) for row in ROWS]
OVER_LINES = [json.dumps(row, indent=2) for row in ROWS]


def read(folder, text, name):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return [row.values for row in read_rows([str(path)])]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(OVER_LINES),
        "".join(LINES),
        "\ufeff".join(LINES),
        ",\n".join(LINES) + ",\n",
        f"[{LINES[0]}]\n[{LINES[1]}]\n",
        "\ufeff" + "\n\ufeff".join(LINES),
        "\ufeff\ufeff" + json.dumps(ROWS),
        "\r\n\r\n".join(LINES),
        json.dumps(ROWS).replace('"question"', '"\ufeffquestion"'),
    ],
)
def test_rows_are_read_however_they_are_laid_out(tmp_path, text, name):
    assert read(tmp_path, text, name) == ROWS


def test_byte_order_marks_within_a_csv_file(tmp_path):
    text = '\ufeffquestion,answer\n\ufeffHow many?,Two.\n\ufeff"Why?",So.\n'
    assert read(tmp_path, text, "rows.csv") == ROWS


@pytest.mark.parametrize("turns", [{"role": "user", "content": "Q"}, {"from": "human", "value": "Q"}])
def test_one_object_that_holds_turns_is_a_row(tmp_path, turns):
    row = {"conversations": [turns], "chosen": turns, "rejected": turns}
    assert read(tmp_path, json.dumps(row), "row.json") == [row]
    pair = {"chosen": turns, "rejected": turns}
    assert read(tmp_path, json.dumps(pair), "row.json") == [pair]


def test_an_object_around_the_rows_of_a_jsonl_file(tmp_path):
    assert read(tmp_path, json.dumps({"data": ROWS}), "rows.jsonl") == ROWS
    row = {"question": "Q", "answer": "A", "sources": [{"page": 1}]}
    assert read(tmp_path, json.dumps(row, indent=1), "rows.jsonl") == [row]
    with pytest.raises(UserError, match="several lists of rows: 'train', 'test'"):
        read(tmp_path, json.dumps({"train": ROWS, "test": ROWS}), "rows.jsonl")
    with pytest.raises(UserError, match="entries under headings, such as 'Goods'"):
        read(tmp_path, json.dumps({"Goods": {"Bikes": ["Q1"]}}, indent=1), "rows.jsonl")


SEVERAL = "holds several lists of rows: 'train', 'test'. Save the one that is meant as a file of its own."
HEADINGS = "holds no rows but entries under headings, such as 'Goods'. Write each entry as a row of one list"
COLUMNS = "holds its columns one after the other. Save it as a list of rows"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ({"train": ROWS, "test": ROWS}, SEVERAL),
        ({"version": "1", "train": ROWS, "test": ROWS[:1]}, SEVERAL),
        ({"Goods": {"Bikes": ["Q1", "Q2"]}, "People": {"Friends": ["Q3"]}}, HEADINGS),
        ({"Goods": {"Bikes": ["Q1"]}, "People": ["Q3"]}, HEADINGS),
        ({"Goods": ["Q1", "Q2"], "People": ["Q3"]}, HEADINGS),
        ({"Goods": {"Bikes": "Q1", "Cars": "Q2"}, "People": {"Friends": "Q3"}}, HEADINGS),
        ({"Goods": {"Bikes": {"Old": ["Q1"]}}}, HEADINGS),
        ({"a": ["x", "y"], "b": [1, 2]}, COLUMNS),
        ({"columns": ["a", "b"], "index": [0], "data": [["x", 1]]}, COLUMNS),
        ({"0": {"a": "x", "b": "y"}, "1": {"a": "z", "b": "w"}}, COLUMNS),
    ],
)
def test_what_is_no_list_of_rows_is_called_what_it_is(tmp_path, content, cause):
    with pytest.raises(UserError) as raised:
        read(tmp_path, json.dumps(content, indent=1), "x.json")
    assert cause in str(raised.value)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            LINES[0] + "\n{'question': 'Why?'}\n",
            "row 2 is broken JSON (Expecting property name .* at line 2, column 2). Correct",
        ),
        (
            LINES[0] + '\n{"question": "Why?\n"}',
            "row 2 is broken JSON (Invalid control character .* at line 2, .*). Correct",
        ),
        ("\n".join(OVER_LINES)[:-3], "row 2 is broken JSON (.* at line 7, .*): is the file complete"),
        (json.dumps(ROWS, indent=1)[:-30], "row 2 is broken JSON (.*): is the file complete"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "only a pointer of Git LFS"),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_broken_json_is_complete_or_not(tmp_path, text, cause, name):
    with pytest.raises(UserError, match=cause.replace("(", r"\(").replace(")", r"\)")):
        read(tmp_path, text, name)
