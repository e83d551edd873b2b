"""Final results: what nothing later reads is read back once, so that damage is noticed."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.tables.agreement import AGREEMENT, FORECASTS
from tunedrift.tables.decision import DECISION
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.family import FAMILY
from tunedrift.tables.invariance import INVARIANCE
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.lm_eval import LM_EVAL
from tunedrift.tables.overlap import MATCHES, OVERLAP
from tunedrift.tables.profiles import PROFILES

FINAL = (
    AGREEMENT,
    FORECASTS,
    DECISION,
    DRIFT,
    FAMILY,
    INVARIANCE,
    JUDGES,
    LM_EVAL,
    MATCHES,
    OVERLAP,
    PROFILES,
)
TABLES = {table.name: table for table in FINAL}
"""The final tables by name, which is their file's."""

ENDS = {
    **{".svg": b"</svg>", ".png": b"IEND\xaeB`\x82", ".md": b"\n"},
    **{".json": b"\n}", ".xml": b"</testsuites>"},
}
"""What the last bytes of a whole file hold."""


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Folder and name of each final file → its SHA-256, once it has been read back.

    A table is checked against its declaration, its CSV twin by the number of rows, any other file by its end.
    Raises `UserError` for one that is damaged.
    """
    found = {}
    for path in sorted(paths):
        if path.suffix == ".parquet":
            TABLES[path.stem].read(path)
        elif path.suffix == ".csv":
            _check_csv(path)
        elif not path.read_bytes().rstrip(b"\r\n ").endswith(ENDS[path.suffix].rstrip()):
            raise UserError(_damaged(path, "it breaks off"))
        found[f"{path.parent.name}/{path.name}"] = files.sha256(path)
    return found


def _check_csv(path: Path) -> None:
    twin = TABLES[path.stem].read(path.with_suffix(".parquet"))
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise UserError(_damaged(path, str(error))) from error
    if not path.read_bytes().endswith(b"\n"):  # a last row that lacks columns counts as a row
        raise UserError(_damaged(path, "its last row breaks off"))
    if frame.columns != twin.columns or frame.height != twin.height:
        raise UserError(_damaged(path, f"{frame.height} rows instead of {twin.height}, or other columns"))


def _damaged(path: Path, how: str) -> str:
    return f"{path} is damaged ({how}). Delete it and run the same command again."
