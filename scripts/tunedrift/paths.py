"""Where the workflow's own programs and resources lie, from whatever folder it is run.

A study's relative paths are looked for in the working directory first, then in the workflow's own folder: what
ships is found by the same words everywhere, and a file of one's own takes its place.
"""

import os
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
"""The folder of the Snakefile."""


def own(path: str | Path) -> str:
    """The path, from the working directory, of a file that ships with the workflow."""
    return os.path.relpath(HOME / path)


def located(path: str) -> str:
    """A path or glob pattern of a study, found in the working directory or else below the workflow.

    Unchanged where neither holds anything: whoever opens it says so.
    """
    for base in (Path(), HOME):
        if (base / path).exists() or any(_matches(base / path)):
            return path if base == Path() else own(path)
    return path


def _matches(pattern: Path) -> list[Path]:
    try:
        return list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except ValueError:  # ** within a name
        return []
