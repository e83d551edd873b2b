import polars as pl
import pytest

from tunedrift.errors import UserError
from tunedrift.tables.table import Table

TABLE = Table(
    name="cups",
    columns={"id": pl.String, "colour": pl.String, "size": pl.Int64},
    key=("id",),
    allowed={"colour": ("red", "blue")},
    nullable=frozenset({"size"}),
)
ROWS = [{"id": "b", "colour": "red", "size": 2}, {"id": "a", "colour": "blue"}]


def test_what_is_written_is_read_back_in_the_order_of_the_key(tmp_path):
    TABLE.write(TABLE.frame(ROWS), tmp_path / "cups.parquet")
    assert TABLE.read(tmp_path / "cups.parquet").rows() == [("a", "blue", None), ("b", "red", 2)]


def test_equal_rows_in_another_order_give_equal_bytes(tmp_path):
    told = {"torch": "2", "suite[a]": "x", "suite[b]": "y"}
    for name, rows, made_with in (("one", ROWS, told), ("two", ROWS[::-1], dict(reversed(told.items())))):
        TABLE.write(TABLE.frame(rows), tmp_path / f"{name}.parquet", made_with)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_csv_by_suffix(tmp_path):
    TABLE.write(TABLE.frame(ROWS), tmp_path / "cups.csv")
    assert (tmp_path / "cups.csv").read_text() == "id,colour,size\na,blue,\nb,red,2\n"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (TABLE.frame(ROWS).drop("size"), "lacks the column 'size'"),
        (TABLE.frame(ROWS).with_columns(extra=1), "'extra' is not a column"),
        (
            TABLE.frame(ROWS).with_columns(pl.col("size").cast(pl.Float64)),
            "column 'size' of the cups table is Float64",
        ),
        (TABLE.frame([{"id": "a", "colour": None}]), "row 0 of the cups table has no 'colour'"),
        (TABLE.frame([{"id": "a", "colour": "pink"}]), "'pink' is no 'colour' of the cups table"),
        (TABLE.frame([ROWS[0], ROWS[0]]), "has the row id='b' twice"),
    ],
)
def test_a_broken_declaration_is_named(frame, message):
    with pytest.raises(UserError, match=message):
        TABLE.check(frame, "here")


def test_nothing_is_left_behind_by_a_refused_write(tmp_path):
    with pytest.raises(UserError):
        TABLE.write(TABLE.frame([ROWS[0], ROWS[0]]), tmp_path / "cups.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_absent_or_damaged_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"none\.parquet: there is no such file"):
        TABLE.read(tmp_path / "none.parquet")
    TABLE.write(TABLE.frame(ROWS), tmp_path / "cups.parquet")
    whole = (tmp_path / "cups.parquet").read_bytes()
    (tmp_path / "cups.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        UserError, match=r"cups\.parquet cannot be read as Parquet .* Delete it and run the same command"
    ):
        TABLE.read(tmp_path / "cups.parquet")


def test_a_row_that_two_files_hold_is_an_error(tmp_path):
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    TABLE.write(TABLE.frame(ROWS[:1]), paths[0])
    TABLE.write(TABLE.frame(ROWS[1:]), paths[1])
    assert TABLE.read_all(paths)["id"].to_list() == [ROWS[0]["id"], *(row["id"] for row in ROWS[1:])]
    TABLE.write(TABLE.frame(ROWS), paths[1])
    with pytest.raises(UserError, match=r"one\.parquet and 1 more: the cups table has the row id='b' twice"):
        TABLE.read_all(paths)
