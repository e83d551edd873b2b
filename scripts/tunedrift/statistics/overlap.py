"""Contamination: the same or nearly the same prompt in two sets that should be apart.

Texts are compared by their words in lower case. Two different texts are near if the Jaccard similarity
of their sets of word pairs (with both ends marked) reaches a threshold. Candidates come from MinHash
signatures (Broder 1997) in a locality-sensitive index; their similarity is then computed exactly.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tunedrift.hashing import digest
from tunedrift.text.prose import words

PERMUTATIONS = 128
"""Length of a MinHash signature: the standard error of its similarity is at most 0.045."""


@dataclass(frozen=True)
class TextSet:
    """Texts of one kind and name: digest of the normalised text → (first item, shingles)."""

    kind: str
    name: str
    texts: dict[str, tuple[str, frozenset[bytes]]]


def text_set(kind: str, name: str, items: Iterable[tuple[str, str]]) -> TextSet:
    """A set from (item id, text); texts with the same words count once."""
    texts: dict[str, tuple[str, frozenset[bytes]]] = {}
    for item, text in sorted(items):
        spoken = words(text.lower())
        if spoken:
            texts.setdefault(digest(spoken), (item, shingles(spoken)))
    return TextSet(kind, name, texts)


def shingles(spoken: list[str]) -> frozenset[bytes]:
    """The pairs of neighbouring words, the beginning and the end being words too."""
    marked = ["", *spoken, ""]
    return frozenset(f"{one} {two}".encode() for one, two in pairwise(marked))


def similarity(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """Jaccard similarity of two sets: the share of their union that both hold."""
    return len(one & other) / len(one | other)


def matches(sets: list[TextSet], threshold: float) -> Iterator[dict]:
    """Rows of the matches table: for each text, its most similar one in each other set.

    Training sets are not compared with one another: only what they share with the rest is contamination.
    """
    search = _index([entry for entry in sets if entry.kind != "training"], threshold)
    for entry in sets:
        for text, (item, shingled) in sorted(entry.texts.items()):
            best: dict[tuple[str, str], tuple[bool, float, str]] = {}
            for other, other_text in search(shingled):
                other_id, other_shingles = other.texts[other_text]
                distance = 1 - similarity(shingled, other_shingles)
                if other is entry or distance > 1 - threshold:
                    continue
                rank = (text != other_text, distance, other_id)
                best[other.kind, other.name] = min(best.get((other.kind, other.name), rank), rank)
            for (kind, name), (differs, distance, other_id) in best.items():
                yield {
                    **{"kind": entry.kind, "name": entry.name, "item_id": item},
                    **{"other_kind": kind, "other_name": name, "other_id": other_id},
                    **{"match": "near" if differs else "exact", "similarity": round(1 - distance, 6)},
                }


def ledger(sets: list[TextSet], found: list[dict], threshold: float) -> Iterator[dict]:
    """Rows of the overlap table: every pair of sets that was compared, those without a match too."""
    counts: dict[tuple, int] = defaultdict(int)
    for match in found:
        counts[*(match[key] for key in ("kind", "name", "other_kind", "other_name", "match"))] += 1
    for one in sets:
        for other in sets:
            if one is other or other.kind == "training":
                continue
            pair = (one.kind, one.name, other.kind, other.name)
            exact, near = counts[*pair, "exact"], counts[*pair, "near"]
            yield {
                **dict(zip(("kind", "name", "other_kind", "other_name"), pair, strict=True)),
                **{"texts": len(one.texts), "other_texts": len(other.texts), "exact": exact, "near": near},
                **{"share": (exact + near) / max(1, len(one.texts)), "threshold": threshold},
            }


def _index(sets: list[TextSet], threshold: float) -> Callable[[frozenset[bytes]], list[tuple[TextSet, str]]]:
    """A search for texts that may be similar: (set, digest of the text) in a fixed order."""
    from datasketch import MinHash, MinHashLSH

    def signature(shingled: frozenset[bytes]) -> MinHash:
        made = MinHash(num_perm=PERMUTATIONS, seed=1)
        made.update_batch(sorted(shingled))
        return made

    # Candidates are checked, so the index may rather find too many than too few.
    index = MinHashLSH(threshold=max(0.1, threshold - 0.15), num_perm=PERMUTATIONS, weights=(0.2, 0.8))
    entries = [(entry, text) for entry in sets for text in sorted(entry.texts)]
    for number, (entry, text) in enumerate(entries):
        index.insert(number, signature(entry.texts[text][1]))
    return lambda shingled: [entries[number] for number in sorted(index.query(signature(shingled)))]
