"""Versions of the libraries that rows are computed with: part of a row's key, and recorded beside it."""

import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

MODEL_LIBRARIES = ("torch", "transformers", "tokenizers", "peft")
"""The libraries whose versions can change an answer or a score."""


def versions(*names: str) -> dict[str, str]:
    """Library name → installed version, `MODEL_LIBRARIES` if none is named; `python` is the interpreter's own."""
    return {
        name: platform.python_version() if name == "python" else version(name)
        for name in names or MODEL_LIBRARIES
    }


def made_with(tables: Iterable[str | Path]) -> list[dict[str, str]]:
    """The distinct sets of library versions that the rows of these Parquet tables were computed with."""
    import polars as pl

    found = set()
    for table in tables:
        metadata = pl.read_parquet_metadata(table)
        found.add(
            json.dumps({name: metadata[name] for name in MODEL_LIBRARIES if name in metadata}, sort_keys=True)
        )
    return [json.loads(text) for text in sorted(found)]


def precisions(tables: Iterable[str | Path]) -> list[str]:
    """The number formats below float32 in which the rows of these Parquet tables were computed, sorted."""
    import polars as pl

    found = {pl.read_parquet_metadata(table).get("precision", "float32") for table in tables}
    return sorted(found - {"float32"})
