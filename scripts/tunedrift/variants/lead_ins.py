"""Bold lead-ins: the words at the start of a list item that say what it is about."""

import re

from tunedrift.text.prose import Masked, mask, sentences

LONGEST = 5
"""Words in a lead-in."""

_VERBS = """
is are was were can could may might must should shall will would has have had do does did helps help makes
make takes take gives give needs need includes include means provides provide allows allow
"""
_OPENERS = """
in on at as when if for to after before while although though with without by from during since unless
until once under over among within despite because like unlike based depending according along inside
through throughout
"""
_OBJECTS = """
a an the this that these those it them him her us me my your our his its their one two three some any all
each every everything what how out up down off in on at to with for from into over about between around
aside as until yourself
"""
_WEAK = """
i you he she they we there here but so many most not no yes also such which who whom why where and or of
both either then than be
"""
_CONNECTIVES = """
first second third next then now also so and but however thus therefore moreover furthermore instead
together altogether
"""

VERBS = frozenset(_VERBS.split())
"""A subject ends before one of these."""

OPENERS = frozenset(_OPENERS.split())
"""A clause that begins with one of these ends at its comma."""

OBJECTS = frozenset(_OBJECTS.split())
"""What follows the verb of an instruction: "Fold the paper"."""

CONNECTIVES = frozenset(_CONNECTIVES.split())
"""What joins a sentence to the one before, beside adverbs in -ly: no part of a subject."""

EMPTY = OPENERS | OBJECTS | frozenset(_WEAK.split())
"""Words that carry too little to stand in bold alone."""

ENUMERATION = re.compile(r"[^\s,]+(?: [^\s,]+){0,2}, (?:[^\s,]+(?: [^\s,]+){0,2}, )*(?:and|or) ")
"""What follows the first comma of "cats, dogs, and birds"."""

LABEL = re.compile(r"(?:\(?[A-Za-z\d]{1,4}\)|(?:[a-z]|[ivx]{2,4})\.)\s+(?=\S)")
"""The typed letter or number of a point: "a)", "(ii)", "b."."""


def lead_in(text: str) -> str:
    """`text` with its opening clause, its subject or the verb of an instruction in bold, where it has one.

    A typed letter or number stays in front: "a. **Tea** is hot."
    """
    label = LABEL.match(text)
    start = label.end() if label else 0
    return text[:start] + _led(text[start:])


def _led(text: str) -> str:
    if "*" in text or "\n" in text:
        return text
    masked = mask(text)
    heads = masked.text.split(" ")
    first = _bare(heads[0].strip(",:"))
    opens = first in OPENERS
    for place, word in enumerate(heads[:LONGEST]):
        comma = word.endswith(",") and (place < 2 or opens)
        if comma and ENUMERATION.match(" ".join(heads[place + 1 :])) and not _connects(first):
            return text
        if word.endswith(":") or comma:
            return _bold(masked, " ".join([*heads[:place], word[:-1]]))
        inner = {_bare(head) for head in heads[1:place]}
        subject = not (opens or first in CONNECTIVES or inner & EMPTY)
        if place and word.lower() in VERBS and subject:
            adverb = place > 1 and heads[place - 1].endswith("ly")
            return _bold(masked, " ".join(heads[: place - adverb]))
    if len(heads) > 2 and first not in EMPTY and heads[1].lower() in OBJECTS and re.search(r"[.!]$", text):
        return _bold(masked, heads[0])
    return text


def _bare(word: str) -> str:
    """A word in lower case, without what is contracted with it: "we" of "We'll"."""
    return re.split("['’]", word.lower())[0]


def _connects(word: str) -> bool:
    return word in CONNECTIVES or word.endswith("ly")


def _bold(masked: Masked, cut: str) -> str:
    """The text with the stretch `cut`, which it begins with, in bold, unless that says too little."""
    held = [_bare(word) for word in cut.split(" ")]
    marked = not all(word in EMPTY for word in held) and re.fullmatch(
        r"(?=.*[^\W\d_])[^\W_](.*[\w)])?", cut, re.DOTALL
    )
    whole = marked and len(sentences(cut)) == 1
    return masked.restore(f"**{cut}**{masked.text[len(cut) :]}" if whole else masked.text)
