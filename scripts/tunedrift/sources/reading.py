"""Reads rows from JSON, JSON Lines, CSV, TSV and Parquet files, and mappings from YAML files."""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.sources.finding import find_files
from tunedrift.sources.rows import Row

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
LONGEST_FIELD = 2**27
DECODER = json.JSONDecoder(parse_constant=lambda _: None)  # NaN is how pandas writes a null
BROKEN = (ValueError, RecursionError)


def read_rows(patterns: list[str], *, header: bool = True) -> Iterator[Row]:
    """The rows of all files that the paths or glob patterns name, in the order of the files.

    Format by suffix (.json, .jsonl, .csv, .tsv, .parquet, each but the last also with .gz), text as
    UTF-8 with or without a byte-order mark. `header=False` reads a CSV or TSV file's first line as
    data and names its columns "1", "2", …; one with ";" or tabs between its columns is read too. A null
    in a list of rows is a row without columns.

    Raises `UserError` naming the file and, where there is one, the row.
    """
    paths = find_files(patterns)
    names = _names(paths)
    for path in paths:
        suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        if suffix == ".parquet" and path.suffix != ".gz":
            rows: Iterable[object] = _parquet(path)
        elif suffix == ".json":
            rows = _json(path, _text(path))
        elif suffix == ".jsonl":
            rows = _json_lines(path, _text(path))
        elif suffix in (".csv", ".tsv"):
            rows = _csv(path, _text(path), "," if suffix == ".csv" else "\t", header)
        else:
            raise UserError(
                f"{path}: the suffix must be one of {', '.join(SUFFIXES)} (.gz after it is fine)."
            )
        number = 0
        for number, values in enumerate(rows, start=1):
            if values is not None and not isinstance(values, dict):
                raise UserError(
                    f"{path}: row {number} is not an object with named fields. Write each row as one, such as "
                    '{"instruction": …, "output": …}.'
                )
            yield Row(names[path], number, values or {})
        if not number:
            raise UserError(f"{path} holds no rows. Put rows into it, or take it out of the study.")


def _names(paths: list[Path]) -> dict[Path, str]:
    """Path → the shortest end of it that no other path has."""
    names: dict[Path, str] = {}
    length = 1
    while len(names) < len(paths):
        ends = {path: path.parts[-length:] for path in paths if path not in names}
        count = Counter(ends.values())
        names |= {path: "/".join(end) for path, end in ends.items() if count[end] == 1}
        length += 1
    return names


def _text(path: Path) -> str:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}): is it complete?") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(f"{path}: line {line} is not UTF-8: save the file with that encoding.") from error
    if not text.strip():
        raise UserError(f"{path} is empty. Put rows into it, or take it out of the study.")
    return text


def _json(path: Path, text: str) -> list:
    try:
        content = DECODER.decode(text)
    except BROKEN as error:
        # JSON Lines under the name .json is common.
        if getattr(error, "msg", "") == "Extra data" and text.lstrip().startswith("{"):
            return list(_json_lines(path, text))
        raise UserError(f"{path}: row {_complete_rows(text) + 1} {_fault(error, line=True)}") from error
    if isinstance(content, dict):
        return _unwrapped(path, content)
    if not isinstance(content, list):
        raise UserError(f"{path} must hold a list of objects, one per row.")
    return content


def _unwrapped(path: Path, content: dict) -> list:
    """The rows in an object that holds them under some key, or the object itself as the only row."""
    lists = [value for value in content.values() if isinstance(value, list)]
    if any(_are_turns(value) for value in lists):
        return [content]
    rows = [value for value in lists if any(isinstance(row, dict) for row in value)]
    if len(rows) == 1:
        return rows[0]
    # One list per column, or one object from row number to value, as pandas writes by default.
    if any(all(isinstance(value, kind) for value in content.values()) for kind in (list, dict)):
        if not any(content.values()):
            return []
        raise UserError(
            f"{path} holds its columns one after the other. Save it as a list of rows; in pandas, "
            "to_json(path, orient='records')."
        )
    return [content]


def _are_turns(value: list) -> bool:
    return any(isinstance(turn, dict) and not {"role", "from"}.isdisjoint(turn) for turn in value)


def _fault(error: ValueError | RecursionError, *, line: bool = False) -> str:
    """What is wrong with a row whose JSON cannot be read, and what to do."""
    if isinstance(error, RecursionError):
        return "is nested too deeply to be read. Flatten it."
    if not isinstance(error, json.JSONDecodeError):
        return "holds a number with too many digits to be read. Write it as text."
    where = f" at line {error.lineno}" if line else ""
    return f"is broken JSON ({error.msg}{where}): is the file complete?"


def _complete_rows(text: str) -> int:
    """How many elements of a broken JSON list can be read."""
    position, rows = text.find("[") + 1, 0
    while 0 < position < len(text):
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            _, position = DECODER.raw_decode(text, position)
        except BROKEN:
            break
        rows += 1
    return rows


def _json_lines(path: Path, text: str) -> Iterator[object]:
    # Not splitlines(): it also splits at characters that may stand inside a JSON string.
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            yield DECODER.decode(line)
        except BROKEN as error:
            raise UserError(f"{path}: row {number} {_fault(error)}") from error


def _csv(path: Path, text: str, delimiter: str, header: bool) -> Iterator[dict]:
    csv.field_size_limit(LONGEST_FIELD)
    first = text.lstrip().split("\n", 1)[0]
    if header and delimiter == "," and "," not in first:  # as spreadsheets save it in some countries
        delimiter = next((other for other in (";", "\t") if other in first), delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names, number = None, 0
    try:
        for fields in reader:
            if not fields:
                continue
            if names is None:
                names = fields if header else [str(place) for place in range(1, len(fields) + 1)]
                if len(set(names)) < len(names):
                    raise UserError(f"{path} names a column twice in its header: {', '.join(names)}.")
                if header:
                    continue
            number += 1
            if len(fields) != len(names):
                raise UserError(
                    f"{path}: row {number} has {len(fields)} fields, not {len(names)}: is a field with a comma quoted?"
                )
            yield dict(zip(names, fields, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}: row {number + 1} is broken ({error}): is the file complete?") from error


def _parquet(path: Path) -> Iterator[dict]:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{path} cannot be read as Parquet ({error}): is it complete?") from error
    return frame.with_columns(pl.selectors.float().fill_nan(None)).iter_rows(named=True)
