"""What all tables share: declared columns, checked on write and on read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tunedrift.errors import UserError

MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
"""A chat: turns in order, each with a role (system, user or assistant) and its content."""


@dataclass(frozen=True)
class Table:
    """A table's declaration: columns with types, the sort key, and what a cell may hold.

    `key` names columns that identify a row; files are sorted by them, so that equal content gives
    equal bytes. `allowed` restricts a string column to the given values; `nullable` names the
    columns that may hold nulls (no other may).
    """

    name: str
    columns: dict[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nullable: frozenset[str] = frozenset()

    def frame(self, rows: list[dict]) -> pl.DataFrame:
        """A frame of this table from row mappings; an absent nullable column becomes null."""
        return pl.DataFrame(rows, schema=self.columns)

    def check(self, frame: pl.DataFrame, where: str) -> pl.DataFrame:
        """`frame` with its columns in declared order and its rows sorted by the key.

        Raises `UserError` naming `where` and the first column or row that breaks the declaration.
        """
        if missing := [column for column in self.columns if column not in frame.columns]:
            raise UserError(f"{where}: the {self.name} table lacks the column {missing[0]!r}.")
        if extra := [column for column in frame.columns if column not in self.columns]:
            raise UserError(f"{where}: {extra[0]!r} is not a column of the {self.name} table.")
        for column, dtype in self.columns.items():
            if frame.schema[column] != dtype:
                raise UserError(
                    f"{where}: column {column!r} of the {self.name} table is {frame.schema[column]}, not {dtype}."
                )
            if column not in self.nullable and frame[column].null_count():
                place = frame[column].is_null().arg_max()
                raise UserError(f"{where}: row {place} of the {self.name} table has no {column!r}.")
        for column, values in self.allowed.items():
            odd = frame[column].drop_nulls().filter(~frame[column].drop_nulls().is_in(values))
            if len(odd):
                raise UserError(
                    f"{where}: {odd[0]!r} is no {column!r} of the {self.name} table (allowed: {', '.join(values)})."
                )
        twice = frame.select(self.key).is_duplicated()
        if twice.any():
            row = frame.row(twice.arg_max(), named=True)
            key = ", ".join(f"{column}={row[column]!r}" for column in self.key)
            raise UserError(f"{where}: the {self.name} table has the row {key} twice.")
        return frame.select(*self.columns).sort(*self.key)

    def read(self, path: str | Path) -> pl.DataFrame:
        """Read and check one Parquet file of this table."""
        try:
            frame = pl.read_parquet(path)
        except FileNotFoundError as error:
            raise UserError(f"{path}: there is no such file.") from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise UserError(
                f"{path} cannot be read as Parquet ({error}). Delete it and run the same command again."
            ) from error
        return self.check(frame, str(path))

    def read_all(self, paths: Iterable[str | Path]) -> pl.DataFrame:
        """The rows of several files of this table, in the order of the files.

        Raises `UserError` where two files hold the same row: counted twice, or averaged, it would be wrong.
        """
        paths = list(paths)
        frame = pl.concat([self.read(path) for path in paths])
        self.check(frame, f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0]))
        return frame

    def write(self, frame: pl.DataFrame, path: str | Path, made_with: dict[str, str] | None = None) -> None:
        """Check and write, under a temporary name first; a `.csv` suffix writes CSV.

        `made_with` (library → version, and of which content: see `contents`) is kept in a Parquet file's metadata.
        """
        path = Path(path)
        frame = self.check(frame, str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.part")
        if path.suffix == ".csv":
            frame.write_csv(draft, float_precision=6)
        else:
            metadata = dict(sorted((made_with or {}).items()))
            frame.write_parquet(draft, compression="zstd", statistics=False, metadata=metadata)
        draft.replace(path)
