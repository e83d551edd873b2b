"""Rows of other people's files: their fields as clean text, and the list of those left out."""

import csv
import io
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tunedrift.errors import UnusableError, UserError
from tunedrift.files import write_text

INVISIBLE = frozenset(
    map(
        chr,
        [
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *(0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
        ],
    )
)
"""Characters that show nothing though they count as letters or marks: fillers, joiners, variation selectors."""


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


def columns_of(rows: Iterable[Row]) -> dict[str, None]:
    """The columns that any of the rows has, in the order in which they occur."""
    return dict.fromkeys(column for row in rows for column in row.values)


def require(columns: Iterable[str], needed: Iterable[str], where: str) -> None:
    """Raise `UserError` naming the first needed column that `where` lacks, and those it has."""
    columns = list(columns)
    for column in needed:
        if column not in columns:
            has = ", ".join(repr(name[:40]) for name in columns) or "none"
            raise UserError(f"{where} has no column {column!r}; its columns are {has}.")


def blank(text: str) -> bool:
    """Whether a text shows nothing: white space, control, format (zero-width) and other invisible characters."""
    return all(
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs") or character in INVISIBLE
        for character in text
    )


def text_of(values: dict, column: str) -> str:
    """The stripped text in a column. Raises `UnusableError` where it is missing, null, blank or no text."""
    if column not in values:
        raise UnusableError(f"no field {column!r}")
    return clean(values[column], repr(column))


def unique_ids(rows: dict[tuple[str, str], dict], key: str) -> list[dict]:
    """Rows, each under its id and a digest of its content, with an id of their own under `key`.

    An id that stands for one content stays. Behind one that stands for several, such as a paper's number, comes
    the beginning of the digest, so that ids do not depend on the order of the rows.
    """
    contents = Counter(own_id for own_id, _ in rows)
    return [
        row if contents[own_id] == 1 else {**row, key: f"{own_id}#{content[:8]}"}
        for (own_id, content), row in rows.items()
    ]


def clean(value: object, what: str, *, answer: bool = False) -> str:
    """The text without white space around it; an answer keeps the indentation of its first line."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise UnusableError(f"{what} is null")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise UnusableError(f"{what} is not text")
    if blank(value):
        raise UnusableError(f"{what} is blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnusableError(f"{what} holds half a character") from error
    return re.sub(r"\A\s*\n", "", value).rstrip() if answer else value.strip()


def refuse_excess(
    rejects: list[Reject], total: int, max_rejected: float, name: str, what: str = "rows"
) -> None:
    """Raise `UserError` where no row, or less than a share 1 - `max_rejected` of them, is usable.

    `what` says what a total is of, where a row holds several of them.
    """
    if not total:
        raise UserError(f"{name} holds no rows. Give it a file that does, or take it out of the study.")
    if len(rejects) < total and len(rejects) <= max_rejected * total:
        return
    first = rejects[0]
    raise UserError(
        f"{name}: {len(rejects)} of {total} {what} are unusable, more than the share {max_rejected:g} allowed; "
        f"the first is row {first.row} of {first.file}: {first.reason}. Correct the rows, or raise max_rejected."
    )
