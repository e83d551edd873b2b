"""Removing from the store what no existing table was made from."""

from pathlib import Path

from tunedrift import files


def collect_garbage(root: Path, dry_run: bool = False) -> tuple[list[str], int]:
    """Remove the keys that no existing output was made from.

    Of each output only the latest note counts. Returns the removed keys and the bytes they held.
    """
    notes: dict[str, tuple[float, str]] = {}
    for path in sorted((root / "uses").glob("*.json")):
        note = files.read_json(path)
        if Path(note["output"]).exists():
            entry = (path.stat().st_mtime, note["key"])
            notes[note["output"]] = max(notes.get(note["output"], entry), entry)
        elif not dry_run:
            path.unlink()
    used = {key for _, key in notes.values()}
    removed, freed = [], 0
    for folder in sorted(path.parent for path in root.glob("*/*/key.json")):
        key = folder.relative_to(root).as_posix()
        if key not in used:
            removed.append(key)
            for path in folder.iterdir():
                freed += path.stat().st_size
                if not dry_run:
                    path.unlink()
            if not dry_run:
                folder.rmdir()
    return removed, freed
