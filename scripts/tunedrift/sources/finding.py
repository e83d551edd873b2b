"""The files that a path or a pattern names."""

from pathlib import Path
from typing import Any

from tunedrift.errors import UserError


def find_files(patterns: list[str]) -> list[Path]:
    """The files at the given paths and those that the given glob patterns match, sorted, each once.

    Raises `UserError` where there is none.
    """
    found: set[Path] = set()
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file, or give a pattern such as {path}/*.jsonl.")
        matches = {path} if path.is_file() else _matching(path)
        if not matches:
            raise UserError(f"there is no file {pattern}. Correct the path or the pattern.")
        found |= matches
    return sorted(found)


def _matching(pattern: Path) -> set[Path]:
    # A folder that is there is meant by its name, brackets included.
    folder, parts = Path(pattern.anchor), list(pattern.relative_to(pattern.anchor).parts)
    while len(parts) > 1 and (folder / parts[0]).is_dir():
        folder /= parts.pop(0)
    try:
        return {path for path in folder.glob("/".join(parts)) if path.is_file()}
    except ValueError as error:
        raise UserError(f"{pattern} is no pattern ({error}): write ** between slashes.") from error


def files_named_by(entry: dict[str, Any]) -> list[str]:
    """The files that an entry's path or glob names, sorted; none where they come from the hub."""
    return list(map(str, find_files([entry["path"]]))) if "path" in entry else []
