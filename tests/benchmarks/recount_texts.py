"""The overlap and profiles tables counted again from the texts themselves; nothing of the library is imported."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

OVERLAP_KEY = ("kind", "name", "other_kind", "other_name")
PROFILES_KEY = ("dataset", "variant", "model", "measure")

CONTAINED = 0.9
FEWEST = 3
WAYS = ("exact", "near", "contained")
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER")
"""How the names of characters begin whose scripts have no blanks between words."""

Texts = dict[tuple[str, ...], str]
"""The words of a text → the first item that has it."""


def words(text: str) -> tuple[str, ...]:
    """Letters, digits and marks in a row, in lower case after NFKC; each character of an unspaced script alone."""
    found = [""]
    for part in unicodedata.normalize("NFKC", text).casefold():
        category = unicodedata.category(part)
        if category == "Cf":
            continue
        if unicodedata.name(part, "").startswith(UNSPACED):
            found += [part, ""]
        elif category[0] in "LNM":
            found[-1] += part
        else:
            found.append("")
    return tuple(word for word in found if word)


def pairs(spoken: Iterable[str]) -> frozenset:
    """The pairs of neighbouring words."""
    return frozenset(pairwise(spoken))


def texts(items: Iterable[tuple[str, str]]) -> Texts:
    """The different texts of (item, text)."""
    found: Texts = {}
    for item, text in sorted(items):
        if spoken := words(text):
            found.setdefault(spoken, item)
    return found


def user_turns(rows: list[dict], name: str) -> list[tuple[str, str]]:
    """(item, text) of every user turn of the rows' conversations."""
    return [
        (row[name], message["content"])
        for row in rows
        for message in row["messages"]
        if message["role"] == "user"
    ]


class Neighbours:
    """Which texts share word pairs with a text: looked up by word pair, none missed."""

    def __init__(self, found: Texts):
        self.ended = {spoken: pairs(("", *spoken, "")) for spoken in found}
        self.inner = {spoken: pairs(spoken) for spoken in found}
        self.holding = defaultdict(list)
        for spoken, own in self.ended.items():
            for pair in own:
                self.holding[pair].append(spoken)

    def way(self, spoken: tuple[str, ...], threshold: float) -> str | None:
        """How the closest text matches: the same words; Jaccard similarity of word pairs; or the one in the other."""
        if spoken in self.ended:
            return "exact"
        ended, inner, ways = pairs(("", *spoken, "")), pairs(spoken), set()
        shared = Counter(other for pair in ended for other in self.holding.get(pair, ()))
        for other, both in shared.items():
            if both / (len(ended) + len(self.ended[other]) - both) >= threshold - 1e-12:
                ways.add("near")
            fewer = min(len(inner), len(self.inner[other]))
            if fewer >= FEWEST and len(inner & self.inner[other]) / fewer >= max(CONTAINED, threshold):
                ways.add("contained")
        return min(ways, key=WAYS.index, default=None)


def overlap(sets: dict[tuple[str, str], Texts], threshold: float) -> Iterator[dict]:
    """Rows of the overlap table: of every set, how many items the other one holds, and in which way."""
    for (other_kind, other_name), others in sets.items():
        if other_kind == "training":
            continue
        neighbours = Neighbours(others)
        for (kind, name), own in sets.items():
            if (kind, name) == (other_kind, other_name):
                continue
            best: dict[str, str] = {}
            for spoken, item in own.items():
                if way := neighbours.way(spoken, threshold):
                    best[item] = min(best.get(item, way), way, key=WAYS.index)
            items, counts = len(set(own.values())), Counter(best.values())
            yield {
                **dict(zip(OVERLAP_KEY, (kind, name, other_kind, other_name), strict=True)),
                **{"texts": items, "other_texts": len(set(others.values()))},
                **{way: counts[way] for way in WAYS},
                **{"share": len(best) / max(1, items)},
            }


def profiles(dataset: str, variant: str, rows: list[dict], untouched: dict[str, str]) -> Iterator[dict]:
    """The rows of the profiles table that row tables give: rows, rows touched, and characters of the last answer.

    `untouched` is row_id → the answer as it was loaded. Where safety data took a row's place, what stood there
    before is not in the variants table, and `characters` is left out.
    """
    touched = Counter(factor for row in rows for factor in row["changed_by"])
    for measure, after in (
        ("rows", len(rows)),
        *(
            (f"touched[{factor}]", touched[factor])
            for factor in ("structure", "identity", "role_play", "cue", "safety_mix")
        ),
    ):
        yield {
            "dataset": dataset,
            "variant": variant,
            "model": None,
            "measure": measure,
            "before": None,
            "after": after,
        }
    if not touched["safety_mix"]:
        before = sum(len(untouched[row["row_id"]]) for row in rows) / len(rows)
        after = sum(len(row["messages"][-1]["content"]) for row in rows) / len(rows)
        yield {
            **{"dataset": dataset, "variant": variant, "model": None, "measure": "characters"},
            **{"before": round(before, 2), "after": round(after, 2)},
        }


def why_open(row: dict) -> str | None:
    """Why a row of the profiles table is not recounted; None where it should have been."""
    if row["measure"].startswith(("rows", "touched[", "trained_rows", "rejected[")):
        return None
    return "words, tokens, Markdown and eligible rows hang on how the library reads a text"


def trained(dataset: str, model: str, variants: dict[str, list[str]], rejected: list[dict]) -> Iterator[dict]:
    """Of variant → row ids: how many rows a model is tuned on, and how many it cannot be, by reason.

    A row that is rejected in one variant is left out of all; it is counted by its reason where it is rejected.
    """
    lost = {row["row_id"] for row in rejected}
    for variant, ids in variants.items():
        own = {"dataset": dataset, "variant": variant, "model": model}
        kept = sum(row not in lost for row in ids)
        yield {**own, "measure": "trained_rows", "before": len(ids), "after": kept}
        reasons = Counter(row["reason"] for row in rejected if row["variant"] == variant)
        for reason, number in reasons.items():
            yield {**own, "measure": f"rejected[{reason}]", "before": None, "after": number}
