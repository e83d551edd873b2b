"""How numbers and rows of the tables are put into words."""

from typing import Any

import polars as pl

Row = dict[str, Any]

SAFETY = r"^SA_(g|a\[.*\])$"
"""The measures of safety that are told: on plain prompts, under the study's attacks, and under each suite's own."""

POOLED = ("plain", "wrapped", "own")
"""The attacks that are told: none, all that wrap the prompts of a suite, and those that a suite brings along."""


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def between(row: Row) -> str:
    """`0.72 (0.65 to 0.79)`: an estimate with its interval."""
    value = number(row["estimate"])
    return value if row["low"] is None else f"{value} ({number(row['low'])} to {number(row['high'])})"


def named(rows: list[Row]) -> str:
    """`safe 0.21 (0.17 to 0.25), style …`: each reward model with its estimate."""
    return ", ".join(f"{row['rm']} {between(row)}" for row in rows)


def number(value: float) -> str:
    """Two decimals with a true minus sign; a value that rounds to zero has none."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def resolved(row: Row) -> bool:
    """Whether the interval of a difference leaves zero out."""
    return row["low"] is not None and (row["low"] > 0 or row["high"] < 0)


def pick(table: pl.DataFrame, **values: Any) -> list[Row]:
    """Rows whose columns hold the given values; None asks for null."""
    for column, value in values.items():
        table = table.filter(pl.col(column).is_null() if value is None else pl.col(column) == value)
    return table.to_dicts()
