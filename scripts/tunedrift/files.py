"""Digests of files and whole-file writes: an interrupted program never leaves half a file."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tunedrift.errors import UserError


def sha256(*paths: Path) -> str:
    """Hex SHA-256 over the names and bytes of `paths`, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def write_text(path: str | Path, text: str) -> None:
    """Write `text` under a temporary name and rename it to `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def place(finished: Path, target: Path) -> None:
    """Copy a finished file to where it belongs, also across file systems; `target` is whole or not there."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.copyfile(finished, draft)
    draft.replace(target)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path, remedy: str = "Delete it and run the same command again.") -> Any:
    """The JSON value in `path`; `UserError` if it is absent or damaged, with what to do about damage."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}). {remedy}") from error
