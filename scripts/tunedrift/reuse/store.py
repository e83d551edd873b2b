"""Reuse by content, row by row: what has been computed once is not computed again.

A store holds, per key, rows that some process has computed. A key is the digest of everything a
row's value depends on beside its own text: for an answer model, adapter, decoding, device (of a
processor the threads too), code and library versions, for a verdict patterns, threshold and code. Each process appends to a shard of its
own, so there is nothing to wait for and nothing that a shared file system could get wrong; a killed
process loses at most the row it was writing. Where two processes computed a row at once and differ,
the value in the shard that was begun first is taken, by every process from then on, and the log says
so. The folder is safe to delete at any time, and its garbage safe to collect: a process goes on, and
computes afresh what it does not find.
"""

import json
import os
import socket
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tunedrift import files
from tunedrift.hashing import text_key
from tunedrift.reuse.key_locks import claim, holds, insist, share


class Store:
    """The rows of one key, as a mapping that grows: `row in store`, `store[row]`, `store[row] = value`.

    `root` is the store's folder, or None to reuse nothing. `stage` names the kind of row.
    `ingredients` is what the values depend on, as a JSON mapping.
    """

    def __init__(self, root: str | Path | None, stage: str, ingredients: dict[str, Any]):
        self.key = f"{stage}/{text_key(json.dumps(ingredients, sort_keys=True))}"
        self.computed = 0
        self._ingredients = ingredients
        self._root = Path(root).absolute() if root else None
        self._lock: IO[bytes] | None = None  # held until this object or its process ends
        self._claim: IO[bytes] | None = None
        self._shard: IO[str] | None = None
        self._rows: dict[str, Any] = {}
        if self._root:
            insist(self._enter)
            self._rows = self._known_rows(self._root / self.key)

    def _enter(self) -> Path:
        """Hold the key in use and have its folder; raises `FileNotFoundError` if that is removed meanwhile."""
        assert self._root
        folder = self._root / self.key
        if self._lock is None or not holds(self._lock, folder):
            self._lock = share(folder)
        if not (folder / "key.json").exists():
            files.write_json(folder / "key.json", self._ingredients)
        return folder

    def claim(self, *, wait: bool) -> bool:
        """Be the one process that computes the rows of this key, as long as this object lives; what another computed is known.

        Where another is at work on them, `wait` for its end, else return False. Nobody has to claim a key to write to
        it: it spares two processes the same work.
        """
        if self._root:
            folder = self._root / self.key
            try:
                self._claim = insist(lambda: claim(self._enter(), wait))
            except BlockingIOError:
                return False
            self._rows = {**self._rows, **self._known_rows(folder)}
        return True

    def release(self) -> None:
        """Leave the key to others."""
        for held in (self._claim, self._lock, self._shard):
            if held:
                held.close()
        self._claim = self._lock = self._shard = None

    def _known_rows(self, folder: Path) -> dict[str, Any]:
        known: dict[str, Any] = {}
        differing = set()
        with suppress(FileNotFoundError):  # somebody deletes the store
            for shard in sorted(folder.glob("*.jsonl"), key=begun):
                rows = read_shard(shard)
                differing |= {row for row in rows.keys() & known.keys() if rows[row] != known[row]}
                known = {**rows, **known}
        if differing:
            print(
                f"store: {len(differing)} row(s) of {self.key} have two values, such as {min(differing)}; the one "
                "computed by the process that began first is taken",
                file=sys.stderr,
            )
        return known

    def __contains__(self, row: str) -> bool:
        return row in self._rows

    def __getitem__(self, row: str) -> Any:
        return self._rows[row]

    def __setitem__(self, row: str, value: Any) -> None:
        """Keep a computed value, at once in the shard too. Raises `ValueError` for a number that is none."""
        line = json.dumps([row, value], ensure_ascii=False, allow_nan=False)
        self._rows[row] = value
        self.computed += 1
        if self._root:
            if self._shard is None or not os.fstat(self._shard.fileno()).st_nlink:
                self._shard = insist(self._new_shard)
            self._shard.write(f"{zlib.crc32(line.encode()):08x} {line}\n")
            self._shard.flush()

    def _new_shard(self) -> IO[str]:
        name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.jsonl"
        return (self._enter() / name).open("x", encoding="utf-8")

    def used_for(self, output: str | Path) -> None:
        """Note that `output` was made from this key, for the garbage collection.

        The note names the output as seen from the store, so it is found from any working folder, and after a move of
        both.
        """
        if self._root:
            output = Path(output)
            path = os.path.relpath(output.parent.resolve() / output.name, self._root.resolve())
            note = self._root / "uses" / f"{text_key(path, self.key)}.json"
            insist(lambda: files.write_json(note, {"from_store": path, "key": self.key}))


def begun(shard: Path) -> tuple[int, str]:
    """When a shard was begun, by its name; one with another name counts as the last."""
    time_ns = shard.stem.rpartition("-")[2]
    return (int(time_ns) if time_ns.isdecimal() else sys.maxsize, shard.name)


def read_shard(path: Path) -> dict[str, Any]:
    """The rows of one shard; lines that are damaged or half written are dropped with a word on stderr."""
    rows = {}
    damaged = 0
    for line in path.read_bytes().split(b"\n"):
        checksum, _, body = line.partition(b" ")
        if checksum == f"{zlib.crc32(body):08x}".encode():
            row, value = json.loads(body)
            rows[row] = value
        elif line:
            damaged += 1
    if damaged:
        print(
            f"store: {damaged} damaged line(s) of {path} dropped; their rows are computed again",
            file=sys.stderr,
        )
    return rows
