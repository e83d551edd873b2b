"""Contamination: the same or nearly the same prompt in two sets that should be apart.

Texts are compared by their words in lower case after NFKC; in a script without blanks between words each character
is one. Two different texts are near if the Jaccard similarity of their sets of word pairs (with both ends marked)
reaches a threshold. Candidates come from MinHash signatures in a locality-sensitive index; their similarity is then
computed exactly. Two texts that are not near can still be contained, the one in the other: with S the set of word
pairs without the marked ends, and A the text with fewer of them, if the containment

    c(A, B) = |S(A) ∩ S(B)| / |S(A)|

reaches `CONTAINED` and the threshold, and A has at least `FEWEST` pairs. Resemblance, containment and signatures: Broder, On the
resemblance and containment of documents (1997).
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from tunedrift.hashing import digest
from tunedrift.text.numbers import MARKS
from tunedrift.text.words import UNSPACED

PERMUTATIONS = 128
"""Length of a MinHash signature: the standard error of its similarity is at most 0.045."""

FEWEST = 3
"""Word pairs without which a text is too short to be called contained: "Where is Rome" stands in many."""

CONTAINED = 0.9
"""Containment from which on a text is contained. One question about another object ("How do I paint a door?") has up
to 0.89 of the pairs of a short one, without its marked end, and is another question."""

WAYS = ("exact", "near", "contained")
"""How a text can match another, the closest first."""

WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_]|[{MARKS}])+")


@dataclass(frozen=True)
class Shingles:
    """The word pairs of a text: all, with both ends marked, and `inner`, those without the ends."""

    all: frozenset[bytes]
    inner: frozenset[bytes]


@dataclass(frozen=True)
class TextSet:
    """Texts of one kind and name: digest of the normalised text → (first item, shingles)."""

    kind: str
    name: str
    texts: dict[str, tuple[str, Shingles]]

    @property
    def items(self) -> int:
        """How many items there are, those with the same words counted once."""
        return len({item for item, _ in self.texts.values()})


def text_set(kind: str, name: str, items: Iterable[tuple[str, str]]) -> TextSet:
    """A set from (item id, text); texts with the same words count once.

    An item with several texts, the user turns of a conversation, comes once with each.
    """
    texts: dict[str, tuple[str, Shingles]] = {}
    for item, text in sorted(items):
        spoken = words(text)
        if spoken:
            made = Shingles(shingles(spoken), frozenset(_pairs(spoken)))
            texts.setdefault(digest(spoken), (item, made))
    return TextSet(kind, name, texts)


def words(text: str) -> list[str]:
    """The words and numbers of a text, each character of a script without blanks by itself."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Soft hyphens and characters without a width stand inside words.
    return WORD.findall("".join(part for part in folded if unicodedata.category(part) != "Cf"))


def shingles(spoken: list[str]) -> frozenset[bytes]:
    """The pairs of neighbouring words, the beginning and the end being words too."""
    return frozenset(_pairs(["", *spoken, ""]))


def _pairs(spoken: list[str]) -> Iterator[bytes]:
    return (f"{one} {two}".encode() for one, two in pairwise(spoken))


def similarity(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """Jaccard similarity of two sets: the share of their union that both hold."""
    return len(one & other) / len(one | other)


def containment(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """The share of the smaller set that the larger one holds; 0 where the smaller has less than `FEWEST` members."""
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer >= FEWEST else 0.0


def matches(sets: list[TextSet], threshold: float) -> Iterator[dict]:
    """Rows of the matches table: for each item, the closest text in each other set.

    Training sets are not compared with one another: only what they share with the rest is contamination.
    """
    indexed = [(entry, text) for entry in sets if entry.kind != "training" for text in sorted(entry.texts)]
    shingled = [entry.texts[text][1] for entry, text in indexed]
    similar, containing = _similar(shingled, threshold), _containing(shingled, max(CONTAINED, threshold))
    for entry in sets:
        best: dict[tuple[str, str, str], tuple[int, float, str]] = {}
        for text, (item, own) in sorted(entry.texts.items()):
            for number in similar(own) | containing(own):
                other, other_text = indexed[number]
                if other is entry:
                    continue
                other_id, others = other.texts[other_text]
                way, share = _match(own, others, threshold, same=text == other_text)
                if way:
                    place, rank = (item, other.kind, other.name), (WAYS.index(way), 1 - share, other_id)
                    best[place] = min(best.get(place, rank), rank)
        for (item, kind, name), (way_index, distance, other_id) in best.items():
            yield {
                **{"kind": entry.kind, "name": entry.name, "item_id": item},
                **{"other_kind": kind, "other_name": name, "other_id": other_id},
                **{"match": WAYS[way_index], "similarity": round(1 - distance, 6)},
            }


def _match(one: Shingles, other: Shingles, threshold: float, *, same: bool) -> tuple[str | None, float]:
    """How two texts match, and their similarity in that way; None where they do not."""
    if same:
        return "exact", 1.0
    if 1 - (share := similarity(one.all, other.all)) <= 1 - threshold:
        return "near", share
    share = containment(one.inner, other.inner)
    return ("contained", share) if share >= max(CONTAINED, threshold) else (None, share)


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
            by_way = {way: counts[*pair, way] for way in WAYS}
            yield {
                **dict(zip(("kind", "name", "other_kind", "other_name"), pair, strict=True)),
                **{"texts": one.items, "other_texts": other.items, **by_way},
                **{"share": sum(by_way.values()) / max(1, one.items), "threshold": threshold},
            }


def _similar(texts: list[Shingles], threshold: float) -> Callable[[Shingles], set[int]]:
    """A search for texts that may be near a text: their places in `texts`."""
    from datasketch import MinHash, MinHashLSH

    def signature(shingled: Shingles) -> MinHash:
        made = MinHash(num_perm=PERMUTATIONS, seed=1)
        made.update_batch(sorted(shingled.all))
        return made

    # Candidates are checked, so the index may rather find too many than too few.
    index = MinHashLSH(threshold=max(0.1, threshold - 0.15), num_perm=PERMUTATIONS, weights=(0.2, 0.8))
    for number, shingled in enumerate(texts):
        index.insert(number, signature(shingled))
    return lambda shingled: set(index.query(signature(shingled)))


def _containing(texts: list[Shingles], threshold: float) -> Callable[[Shingles], set[int]]:
    """A search for texts that may contain a text or be contained in it: their places in `texts`, none missing.

    A text can be contained only in one that holds one of its k rarest pairs, where k is one more than the pairs
    that may be missing; so frequent pairs, such as "how do", are hardly ever looked up.
    """
    frequency = Counter(pair for shingled in texts for pair in shingled.inner)

    def rarest(inner: frozenset[bytes]) -> list[bytes]:
        if len(inner) < FEWEST:
            return []
        may_miss = len(inner) - ceil(threshold * len(inner) - 1e-9)
        return sorted(inner, key=lambda pair: (frequency[pair], pair))[: may_miss + 1]

    holding: dict[bytes, list[int]] = defaultdict(list)
    by_rarest: dict[bytes, list[int]] = defaultdict(list)
    for number, shingled in enumerate(texts):
        for pair in shingled.inner:
            holding[pair].append(number)
        for pair in rarest(shingled.inner):
            by_rarest[pair].append(number)

    def search(shingled: Shingles) -> set[int]:
        found = {number for pair in shingled.inner for number in by_rarest.get(pair, ())}
        return found.union(*(holding.get(pair, ()) for pair in rarest(shingled.inner)))

    return search
