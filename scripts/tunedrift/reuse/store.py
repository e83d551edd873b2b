"""Reuse by content, row by row: what has been computed once is not computed again.

A store holds, per key, rows that some process has computed. A key is the digest of everything a
row's value depends on beside its own text: model, adapter, template, decoding, code, library
versions. Each process appends to a shard of its own, so there is nothing to lock and nothing that a
shared file system could get wrong; a killed process loses at most the row it was writing. The
folder is safe to delete at any time.
"""

import json
import os
import socket
import sys
import time
import zlib
from pathlib import Path
from typing import IO, Any

from tunedrift import files
from tunedrift.hashing import text_key


class Store:
    """The rows of one key, as a mapping that grows: `row in store`, `store[row]`, `store[row] = value`.

    `root` is the store's folder, or None to reuse nothing. `stage` names the kind of row.
    `ingredients` is what the values depend on, as a JSON mapping.
    """

    def __init__(self, root: str | Path | None, stage: str, ingredients: dict[str, Any]):
        self.key = f"{stage}/{text_key(json.dumps(ingredients, sort_keys=True))}"
        self.computed = 0
        self._root = Path(root) if root else None
        self._shard: IO[str] | None = None
        self._rows: dict[str, Any] = {}
        if self._root:
            folder = self._root / self.key
            folder.mkdir(parents=True, exist_ok=True)
            for shard in sorted(folder.glob("*.jsonl")):
                self._rows = {**read_shard(shard), **self._rows}
            if not (folder / "key.json").exists():
                files.write_json(folder / "key.json", ingredients)

    def __contains__(self, row: str) -> bool:
        return row in self._rows

    def __getitem__(self, row: str) -> Any:
        return self._rows[row]

    def __setitem__(self, row: str, value: Any) -> None:
        """Keep a computed value, at once in the shard too."""
        self._rows[row] = value
        self.computed += 1
        if self._root:
            if self._shard is None:
                name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.jsonl"
                self._shard = (self._root / self.key / name).open("x", encoding="utf-8")
            body = json.dumps([row, value], ensure_ascii=False)
            self._shard.write(f"{zlib.crc32(body.encode()):08x} {body}\n")
            self._shard.flush()

    def used_for(self, output: str | Path) -> None:
        """Note that `output` was made from this key, for the garbage collection."""
        if self._root:
            note = self._root / "uses" / f"{text_key(str(output), self.key)}.json"
            files.write_json(note, {"output": str(output), "key": self.key})


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
