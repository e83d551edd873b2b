"""Rows of other people's files: their fields as clean text, and the list of those left out."""

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tunedrift.errors import UnusableError, UserError
from tunedrift.files import write_text


@dataclass(frozen=True)
class Row:
    """One row of a file: the file's name, the row's number from 1, and its values by column.

    Where files share a name, as much of the folders stands before it as tells them apart.
    """

    file: str
    number: int
    values: dict[str, object]


@dataclass(frozen=True)
class Reject:
    """A row that is left out, and why."""

    file: str
    row: int
    reason: str


def write_rejects(rejects: list[Reject], path: str | Path) -> None:
    """Write the rejected rows as CSV with the columns file, row and reason, sorted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "row", "reason"))
    writer.writerows(sorted((reject.file, reject.row, reject.reason) for reject in rejects))
    write_text(path, text.getvalue())


def require(columns: Iterable[str], needed: Iterable[str], where: str) -> None:
    """Raise `UserError` naming the first needed column that `where` lacks, and those it has."""
    columns = list(columns)
    for column in needed:
        if column not in columns:
            has = ", ".join(repr(name[:40]) for name in columns) or "none"
            raise UserError(f"{where} has no column {column!r}; its columns are {has}.")


def text_of(values: dict, column: str) -> str:
    """The stripped text in a column. Raises `UnusableError` where it is missing, null, blank or no text."""
    if column not in values:
        raise UnusableError(f"no field {column!r}")
    return clean(values[column], repr(column))


def clean(value: object, what: str, *, answer: bool = False) -> str:
    """The text without white space around it; an answer keeps the indentation of its first line."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise UnusableError(f"{what} is null")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise UnusableError(f"{what} is not text")
    if not value.strip():
        raise UnusableError(f"{what} is blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnusableError(f"{what} holds half a character") from error
    return re.sub(r"\A\s*\n", "", value).rstrip() if answer else value.strip()


def refuse_excess(rejects: list[Reject], total: int, max_rejected: float, name: str) -> None:
    """Raise `UserError` where no row, or less than a share 1 - `max_rejected` of them, is usable."""
    if not total:
        raise UserError(f"{name} holds no rows. Give it a file that does, or take it out of the study.")
    if len(rejects) < total and len(rejects) <= max_rejected * total:
        return
    first = rejects[0]
    raise UserError(
        f"{name}: {len(rejects)} of {total} rows are unusable, more than the share {max_rejected:g} allowed; "
        f"the first is row {first.row} of {first.file}: {first.reason}. Correct the rows, or raise max_rejected."
    )
