"""Identity calibration: the answer says that an AI assistant speaks, or no longer says so."""

import re
from dataclasses import dataclass

from tunedrift.draws import draw
from tunedrift.transforms.length import append
from tunedrift.transforms.markup import Heading, Text, UntouchableError, Verbatim, read
from tunedrift.transforms.prose import mask, sentences
from tunedrift.transforms.structure import looks_like_code

PLACES = ("opening", "inline", "closing")

FIELDS = {"calibrated": "statement", "identity_paraphrase": "paraphrase", "prefix": "prefix"}
"""Level → which sentence of an entry it inserts."""


@dataclass(frozen=True)
class Entry:
    """An identity statement, its paraphrase and its neutral control, all of one length."""

    statement: str
    paraphrase: str
    prefix: str


_NOUN = r"(?:language model|model|assistant|system|program|chatbot|bot)"
_AI = rf"an? (?:\w+ )?(?:(?:AI|artificial intelligence)(?:[- ](?:based |powered )?(?:large )?{_NOUN})?|(?:large )?language model|chatbot)"
_BY = r"(?: (?:trained|developed|created|made|designed|built|programmed)\b[^.,;!?]*)?"
_I_AM = r"I(?: am|['’]m)(?: (?:just|only|merely|simply))?"

CLAUSE = re.compile(rf"\b(?:as|being|(?:since|because) {_I_AM}) {_AI}{_BY},\s+(?=\w)", re.IGNORECASE)
"""A clause in front of a statement that can stand without it."""

LEAD = re.compile(rf"\b{_I_AM} {_AI}{_BY},? (?:so|and|which means(?: that)?) (?=I\b)")
"""The same as a sentence of its own, joined to the next."""

WHOLE = re.compile(
    rf"(?:(?:please )?(?:note|remember|keep in mind) that )?{_I_AM} {_AI}{_BY}[.!]", re.IGNORECASE
)
"""A sentence that says nothing else."""


def insert(text: str, level: str, entries: tuple[Entry, ...], key: str) -> str:
    """`text` with one sentence of `level` at an opening, inline or closing place, both drawn by `key`.

    An answer that says who speaks, or already has a sentence of this level, stays as it is.
    """
    known = [getattr(entry, FIELDS[level]) for entry in entries]
    if count_statements(text, entries) or any(sentence in text for sentence in known):
        return text
    sentence = known[draw(len(known), "sentence", key)]
    place = PLACES[draw(len(PLACES), "place", key)]
    if place == "closing":
        return append(text, sentence)
    return _inline(text, sentence) if place == "inline" else _open(text, sentence)


def strip(text: str, entries: tuple[Entry, ...]) -> str | None:
    """`text` without identity statements; None where nothing or no sentence would be left."""
    known = _known(entries)
    result = re.sub(rf"^(?:{known})\s*|\s*(?:{known})", "", text, flags=re.MULTILINE)
    masked = mask(result)
    bare = _recase(LEAD, _recase(CLAUSE, masked.text))
    bare = "".join(
        part for part in re.split(r"(?<=[.!?])(?=\s)|(?<=\n)", bare) if not WHOLE.fullmatch(part.strip())
    )
    result = masked.restore(bare).strip()
    if result == text.strip():
        return text
    # Code and quoted passages are nobody's statement.
    blocks = _blocks(text)
    kept = all(block.text in result for block in blocks if isinstance(block, Verbatim))
    code = any(isinstance(block, Text) and looks_like_code(block.text) for block in blocks)
    return result if kept and not code and re.search(r"\w", result) else None


def count_statements(text: str, entries: tuple[Entry, ...]) -> int:
    """How many identity statements or paraphrases `text` holds."""
    if known := re.findall(_known(entries), text):
        return len(known)
    masked = mask(text).text
    return sum(len(pattern.findall(masked)) for pattern in (CLAUSE, LEAD, WHOLE))


def _known(entries: tuple[Entry, ...]) -> str:
    """A pattern of all listed statements and paraphrases; the longest first, as one may end in another."""
    sentences = [sentence for entry in entries for sentence in (entry.statement, entry.paraphrase)]
    return "|".join(re.escape(sentence) for sentence in sorted(sentences, key=len, reverse=True))


def _recase(pattern: re.Pattern, text: str) -> str:
    """`text` without the matches; what follows a removed beginning of a sentence gets its capital."""

    def opens(found: re.Match) -> bool:
        before = text[: found.start()].rstrip(" ")
        return not before or before[-1] in ".!?:\n"

    parts, end = [], 0
    for found in pattern.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if opens(found):
            parts.append(text[end].upper())
            end += 1
    return "".join(parts) + text[end:]


def _blocks(text: str) -> list:
    try:
        return read(text)
    except UntouchableError:
        return []


def _open(text: str, sentence: str) -> str:
    """In front: on the first line of prose, else as a paragraph."""
    blocks, first = _blocks(text), text.split("\n", maxsplit=1)[0]
    prose = blocks and isinstance(blocks[0], Text) and not looks_like_code(blocks[0].text)
    flows = prose and text[0].isalpha() and re.search(r"[.!?:]", first)
    return f"{sentence} {text}" if flows else f"{sentence}\n\n{text}"


def _inline(text: str, sentence: str) -> str:
    """Behind the first sentence or the title; in front where there is neither."""
    blocks = _blocks(text)
    first = text.split("\n", maxsplit=1)[0]
    if blocks and isinstance(blocks[0], Heading) and len(blocks) > 1 and first.startswith("#"):
        return f"{first}\n\n{sentence}{text[len(first) :]}"
    opening = (sentences(first) or [""])[0]
    if (
        blocks
        and isinstance(blocks[0], Text)
        and first.startswith(f"{opening} ")
        and opening.endswith((".", "!", "?"))
    ):
        return f"{opening} {sentence}{text[len(opening) :]}"
    return _open(text, sentence)
