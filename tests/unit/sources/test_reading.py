import gzip
import json

import polars as pl
import pytest

from tunedrift.errors import UserError
from tunedrift.sources.finding import find_files
from tunedrift.sources.reading import read_rows
from tunedrift.sources.rows import Reject, write_rejects

ROWS = [{"a": "one, two", "b": "é"}, {"a": "three\nfour", "b": ""}]


def write(path, kind):
    if kind == "json":
        path.write_text(json.dumps(ROWS), encoding="utf-8")
    elif kind == "jsonl":
        path.write_text(
            "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n", encoding="utf-8"
        )
    elif kind == "parquet":
        pl.DataFrame(ROWS).write_parquet(path)
    else:
        separator = "," if kind == "csv" else "\t"
        path.write_text(pl.DataFrame(ROWS).write_csv(separator=separator), encoding="utf-8-sig")


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "tsv", "parquet"])
def test_all_formats_give_the_same_rows(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    write(path, kind)
    rows = list(read_rows([str(path)]))
    assert [row.values for row in rows] == ROWS
    assert [(row.file, row.number) for row in rows] == [(path.name, 1), (path.name, 2)]


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_compressed_files(tmp_path, kind):
    write(tmp_path / f"rows.{kind}", kind)
    path = tmp_path / f"rows.{kind}.gz"
    path.write_bytes(gzip.compress((tmp_path / f"rows.{kind}").read_bytes()))
    assert [row.values for row in read_rows([str(path)])] == ROWS


def test_json_lines_under_the_name_json(tmp_path):
    write(tmp_path / "rows.jsonl", "jsonl")
    path = (tmp_path / "rows.jsonl").rename(tmp_path / "rows.json")
    assert [row.values for row in read_rows([str(path)])] == ROWS


def test_without_a_header_the_first_line_is_data(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("first\nsecond\n")
    assert [row.values for row in read_rows([str(path)], header=False)] == [{"1": "first"}, {"1": "second"}]


def test_a_pattern_reads_all_files_in_order_each_once(tmp_path):
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / name).write_text(json.dumps({"name": name}))
    rows = read_rows([str(tmp_path / "*.jsonl"), str(tmp_path / "a.jsonl")])
    assert [row.values["name"] for row in rows] == ["a.jsonl", "b.jsonl"]


def test_files_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / name for name in ("a/x.json", "b/x.json", "c/b/x.json", "y.json")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[{"a": 1}]')
    names = [row.file for row in read_rows(list(map(str, paths)))]
    assert names == ["a/x.json", f"{tmp_path.name}/b/x.json", "c/b/x.json", "y.json"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_in_a_csv_file(tmp_path, separator):
    path = tmp_path / "rows.csv"
    path.write_text(pl.DataFrame(ROWS).write_csv(separator=separator), encoding="utf-8")
    assert [row.values for row in read_rows([str(path)])] == ROWS


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ({"version": "1", "data": ROWS}, ROWS),
        ({"a": "one"}, [{"a": "one"}]),
        ({"messages": [{"role": "user"}]}, [{"messages": [{"role": "user"}]}]),
        ([ROWS[0], None], [ROWS[0], {}]),
        ([{"a": float("nan")}], [{"a": None}]),
    ],
)
def test_json_that_is_not_quite_a_list_of_rows(tmp_path, content, rows):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(content))
    assert [row.values for row in read_rows([str(path)])] == rows


def test_nan_in_parquet_is_null(tmp_path):
    pl.DataFrame({"a": [1.5, float("nan")], "b": ["x", "y"]}).write_parquet(tmp_path / "x.parquet")
    rows = [row.values for row in read_rows([str(tmp_path / "x.parquet")])]
    assert rows == [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}]


def damaged():
    packed = bytearray(gzip.compress(json.dumps([{"a": str(n * n)} for n in range(5000)]).encode()))
    packed[400:460] = bytes(byte ^ 0x5A for byte in packed[400:460])
    return bytes(packed)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json.gz", damaged(), "cannot be read .*: is it complete"),
        ("x.json", b"[" * 100_000, "row 1 is nested too deeply to be read. Flatten it."),
        ("x.jsonl", b'{"a": 1}\n' + b"[" * 100_000, "row 2 is nested too deeply"),
        ("x.json", b'[{"a": 1}, {"a": ' + b"1" * 5000 + b"}]", "row 2 holds a number with too many digits"),
        ("x.jsonl", b'{"a": 1}\n{"a": ' + b"1" * 5000 + b"}", "row 2 holds a number with too many digits"),
        ("x.json", b'{"a": ["x", "y"], "b": [1, 2]}', "holds its columns one after the other. Save it as"),
        ("x.json", b'{"a": {"0": "x"}, "b": {"0": "y"}}', "in pandas, to_json"),
        ("x.json", b'{"data": []}', "holds no rows. Put rows into it, or take it out of the study"),
        ("x.json", b'[{"a": 1}, {"a": ', "row 2 is broken JSON"),
        ("x.json", b'"text"', "must hold a list"),
        ("x.json", b"[]", "holds no rows"),
        ("x.json", b"[1]", "row 1 is not an object"),
        ("x.jsonl", b'{"a": 1}\n{"a": "b', "row 2 is broken JSON"),
        ("x.jsonl", b" \n", "is empty. Put rows into it, or take it out"),
        ("x.jsonl", b'{"a": "b"}\n{"a": "\xe9"}', "line 2 is not UTF-8"),
        ("x.jsonl.gz", b"no gzip", "is it complete"),
        ("x.csv", b"a,b\n1,2,3\n", "row 1 has 3 fields, not 2"),
        ("x.csv", b'a,b\n1,"2\n', "row 1 is broken"),
        ("x.csv", b"a,a\n1,2\n", "names a column twice"),
        ("x.csv", b"a,b\n", "holds no rows"),
        ("x.parquet", b"PAR1", "cannot be read as Parquet"),
        ("x.txt", b"text", "the suffix must be one of"),
    ],
)
def test_a_broken_file_is_named_with_its_row(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        list(read_rows([str(path)]))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("x_*.json", ["x_1.json", "x_2.json"]),
        ("d*/x.json", ["d[1]/x.json", "d2/x.json"]),
        ("**/x.json", ["d[1]/x.json", "d2/e/x.json", "d2/x.json"]),
        ("d[1]/*.json", ["d[1]/x.json"]),
        ("x[1].json", ["x[1].json"]),
        ("../in/d2/*/x.json", ["d2/e/x.json"]),
    ],
)
def test_patterns(tmp_path, monkeypatch, pattern, found):
    folder = tmp_path / "in"
    for name in ("x_1.json", "x_2.json", "x[1].json", "d[1]/x.json", "d2/x.json", "d2/e/x.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("[{}]")
    monkeypatch.chdir(folder)
    assert sorted(path.resolve() for path in find_files([pattern])) == sorted(folder / name for name in found)
    assert {path.resolve() for path in find_files([str(folder / pattern)])} == {folder / n for n in found}


def test_a_pattern_that_is_none(tmp_path):
    with pytest.raises(UserError, match=r"is no pattern .*: write \*\* between slashes"):
        find_files([str(tmp_path / "**.json")])


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match=r"there is no file .*none\*\.csv"):
        list(read_rows([str(tmp_path / "none*.csv")]))
    with pytest.raises(UserError, match="is a folder"):
        list(read_rows([str(tmp_path)]))


def test_rejects_are_sorted_and_quoted(tmp_path):
    write_rejects(
        [Reject("b", 1, "x"), Reject("a", 10, 'is "odd", so'), Reject("a", 2, "y")], tmp_path / "r.csv"
    )
    lines = (tmp_path / "r.csv").read_text().splitlines()
    assert lines == ["file,row,reason", "a,2,y", 'a,10,"is ""odd"", so"', "b,1,x"]
