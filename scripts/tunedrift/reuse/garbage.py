"""Removing from the store what no existing table was made from, beside processes that are at work in it."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.reuse.key_locks import LOCK, alone

KEY = re.compile("[^/]+/[0-9a-f]{32}")


class Note(NamedTuple):
    """That an output was made from a key, and when that was written down."""

    output: Path
    key: str
    written: int


def collect_garbage(root: Path, dry_run: bool = False) -> tuple[list[str], int]:
    """Remove the keys that no existing output was made from and that no process uses.

    Of each output only the latest note counts. A process holds the lock of its key until the note of its output is
    written, so the notes are read once more when a key is locked. Returns the removed keys and the bytes they held.
    Raises `UserError` if there is no store.
    """
    if not root.is_dir():
        raise UserError(f"there is no store {root}. Name its folder with --store.")
    notes: dict[Path, Note] = {}
    read_notes(root, notes)
    gone = {note.key for note in notes.values() if not note.output.exists() and KEY.fullmatch(note.key)}
    removed, freed = [], 0
    for key in sorted({*keys(root), *gone}):
        folder = root / key
        if key not in gone and key in used_keys(notes):
            continue
        with alone(folder, look=dry_run) as free:
            if not free:
                continue
            read_notes(root, notes)
            if not dry_run:
                for path, note in notes.items():
                    if note.key == key and not note.output.exists():
                        path.unlink(missing_ok=True)
            if folder.exists() and key not in used_keys(notes):
                removed.append(key)
                freed += size(folder)
                if not dry_run:
                    remove(folder)
    return removed, freed


def keys(root: Path) -> list[str]:
    """The keys that have a folder in the store."""
    names = (path.relative_to(root).as_posix() for path in root.glob("*/*") if path.is_dir())
    return [name for name in names if KEY.fullmatch(name)]


def read_notes(root: Path, notes: dict[Path, Note]) -> None:
    """Bring `notes`, by their files, up to what the store holds now; what has not changed is not read again."""
    there = {}
    for path in sorted((root / "uses").glob("*.json")):
        with suppress(FileNotFoundError):
            written = path.stat().st_mtime_ns
            known = notes.get(path)
            there[path] = known if known and known.written == written else read_note(root, path, written)
    notes.clear()
    notes.update(there)


def read_note(root: Path, path: Path, written: int) -> Note:
    """One note. Raises `FileNotFoundError` if it was removed meanwhile, `UserError` if it is damaged."""
    try:
        note = files.read_json(path)
    except UserError:
        path.stat()
        raise
    store = root.resolve()
    if "from_store" in note:
        return Note(store / note["from_store"], note["key"], written)
    # An earlier form, by the path from the working folder, in which the store is work/store.
    named = Path(note["output"])
    places = [store.parent.parent / named, Path.cwd() / named]
    return Note(next((place for place in places if place.exists()), places[0]), note["key"], written)


def used_keys(notes: dict[Path, Note]) -> set[str]:
    """The keys that existing outputs were last made from."""
    latest: dict[Path, Note] = {}
    for note in notes.values():
        other = latest.get(note.output, note)
        latest[note.output] = max(note, other, key=lambda note: (note.written, note.key))
    return {note.key for output, note in latest.items() if output.exists()}


def size(folder: Path) -> int:
    """The bytes of the files in a folder."""
    total = 0
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            total += path.stat().st_size
    return total


def remove(folder: Path) -> None:
    """Remove a key's folder, its lock last: until then whoever opens the key waits."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir(), key=lambda path: path.name == LOCK):
            if not path.is_dir():
                path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody has opened the key anew, or put a folder there
        folder.rmdir()
