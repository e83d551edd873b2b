"""Digests and draws that depend on content alone: never on row order, process or Python version."""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from tunedrift.errors import UserError

Drawn = TypeVar("Drawn")


def digest(*parts: object) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the parts, as sorted JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def draw(count: int, *parts: object) -> int:
    """An integer from 0 to count - 1, the same for the same parts."""
    return int(digest(*parts), 16) % count


def fraction(*parts: object) -> float:
    """A number from 0 up to, but not including, 1, the same for the same parts."""
    return int(digest(*parts), 16) / 16**16


def sample(
    rows: Iterable[Drawn], key: Callable[[Drawn], str], n: int | None, seed: int, where: str
) -> list[Drawn]:
    """`n` of the rows (all where n is None), chosen by the digest of seed and key, whatever their order.

    Raises `UserError` where there are fewer than `n` rows.
    """
    rows = list(rows)
    if n is None:
        return rows
    if len(rows) < n:
        raise UserError(f"{where} has {len(rows)} usable rows, fewer than the {n} asked for: lower n.")
    return sorted(rows, key=lambda row: digest(seed, key(row)))[:n]


def stable_seed(*parts: object) -> int:
    """A seed from the parts' text, equal on every machine and in every process."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def text_key(*parts: str) -> str:
    """Hex digest that names a row by its text or a key by its ingredients."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
