"""Of which content of a suite or a label set a table was made: kept in its Parquet metadata, compared with what is there.

Names of prompts and answers come from people's files and stay when a text is edited, so that they alone do not tell an
answer or a verdict of another version. What surrounds a plain prompt (attacks, personas) is not compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tunedrift.errors import UserError
from tunedrift.hashing import digest


@dataclass(frozen=True)
class Part:
    """The parts of a table that have a version each: those with one value in the column `of`."""

    of: str
    what: str
    content: tuple[str, ...]


SUITES = Part("suite", "suite", ("prompt_id", "kind", "plain_prompt", "reference"))
"""Of a prompts table."""

LABEL_SETS = Part("label_set", "label set", ("answer_id", "prompt", "answer"))
"""Of a labels table."""


def contents(table: pl.DataFrame, part: Part) -> dict[str, str]:
    """`suite[harmful]` and the like → digest of the content, in whatever order its rows are."""
    found = {}
    for (name,), rows in table.group_by(part.of):
        distinct = rows.select(part.content).unique().sort(part.content[0], maintain_order=True)
        found[f"{part.of}[{name}]"] = digest(distinct.rows())
    return found


def check_contents(paths: Iterable[str | Path], table: pl.DataFrame, part: Part) -> None:
    """Raise `UserError` if a Parquet file at `paths` was made of another content than `table` has now.

    A file that says nothing of it, such as one made by hand, is taken as it is.
    """
    now = contents(table, part)
    for path in paths:
        if not Path(path).is_file():
            raise UserError(f"{path}: there is no such file.")
        before = pl.read_parquet_metadata(path)
        for key, content in sorted(now.items()):
            if before.get(key, content) != content:
                name = key.removeprefix(f"{part.of}[").removesuffix("]")
                raise UserError(
                    f"{path} was made of another version of the {part.what} {name!r} than is given beside it. Make it "
                    "again from this one, or give the one that it was made of."
                )
