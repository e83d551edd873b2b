"""Reads rows from JSON, JSON Lines, CSV, TSV and Parquet files, and mappings from YAML files."""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.sources.finding import find_files
from tunedrift.sources.json_files import json_lines, json_rows
from tunedrift.sources.rows import Row

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
LONGEST_FIELD = 2**27
MARK = "\ufeff"
"""A byte-order mark. Files that were joined have some inside, and so have columns read from a file with one."""


def read_rows(
    patterns: list[str],
    *,
    header: bool = True,
    in_object: Callable[[dict], list | None] = lambda content: None,
) -> Iterator[Row]:
    """The rows of all files that the paths or glob patterns name, in the order of the files.

    Format by suffix (.json, .jsonl, .csv, .tsv, .parquet, each but the last also with .gz), text as
    UTF-8 with or without byte-order marks. `header=False` reads a CSV or TSV file's first line as
    data and names its columns "1", "2", …; one with ";" or tabs between its columns is read too. A null
    in a list of rows is a row without columns. `in_object` gives the rows in a JSON object that it knows how to
    read, None for any other.

    Raises `UserError` naming the file and, where there is one, the row.
    """
    paths = find_files(patterns)
    names = _names(paths)
    for path in paths:
        suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        if suffix == ".parquet" and path.suffix != ".gz":
            rows: Iterable[object] = _parquet(path)
        elif suffix == ".json":
            rows = json_rows(path, _text(path), in_object)
        elif suffix == ".jsonl":
            rows = json_lines(path, _text(path))
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
            fields = {str(name).lstrip(MARK): value for name, value in (values or {}).items()}
            yield Row(names[path], number, fields)
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
        text = re.sub(f"(?m)^{MARK}+", "", raw.decode())
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(f"{path}: line {line} is not UTF-8: save the file with that encoding.") from error
    if "\0" in text:
        raise UserError(f"{path} is not UTF-8 but perhaps UTF-16: save the file as UTF-8.")
    if text.startswith("version https://git-lfs"):
        raise UserError(f"{path} is only a pointer of Git LFS to the file. Fetch it with `git lfs pull`.")
    if not text.strip():
        raise UserError(f"{path} is empty. Put rows into it, or take it out of the study.")
    return text


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
