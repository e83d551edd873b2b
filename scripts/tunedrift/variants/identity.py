"""Identity calibration: the answer says that an AI assistant speaks, or no longer says so."""

import re
from dataclasses import dataclass
from functools import cache

from tunedrift.hashing import draw
from tunedrift.text.code import looks_like_code
from tunedrift.text.endings import close
from tunedrift.text.markup import Heading, Text, UntouchableError, read, verbatim
from tunedrift.text.prose import MASKS, Masked, mask, sentences

PLACES = ("opening", "inline", "closing")

FIELDS = {"calibrated": "statement", "identity_paraphrase": "paraphrase", "prefix": "prefix"}
"""Level → which sentence of an entry it inserts."""


@dataclass(frozen=True)
class Entry:
    """An identity statement, its paraphrase and its neutral control, all of one length."""

    statement: str
    paraphrase: str
    prefix: str


_WORD = r"(?!not\b|to\b|of\b|in\b|on\b)[\w-]+"
_AI = r"(?:AI|A\.I\.|artificial intelligence)"
_KIND = r"(?:(?:large |language |chat |machine learning )*model|assistant|system|program|chat ?bot|bot|agent)"
_CLEAR = rf"{_AI}(?:[- ](?:based|powered|driven))?(?: (?:{_WORD} ){{0,2}}?{_KIND})?|(?:large )?language model|chat ?bot"
_HINT = r"(?:virtual|digital|automated) assistant|computer program|machine learning model|(?:computer|AI) software"
_BY = r"(?:,? (?:that was |which was )?(?:trained|developed|created|made|designed|built|programmed)\b[^.,;!?]*)?"
_A = rf"(?:an?|your) (?:{_WORD} (?:and {_WORD} )?)??"
_SELF = rf"{_A}(?:{_CLEAR}|{_HINT})(?![\w-])(?: AI\b)?(?: \([A-Z]{{2,5}}\))?(?: myself)?{_BY}"
_I_AM = r"I(?: am|['’]m)(?: (?:just|only|merely|simply|but))?"
_MINE = (
    r"(?=(?:I|my|here|please)\b|it (?:would|goes)\b|it(?:['’]s| is) "
    r"(?:not|my|important|difficult|hard|impossible|beyond|outside)\b)"
)
_STARTS = r"(?:(?<![^\n])|(?<=[^\w\s'’]\s)|(?<=[(\[])|(?<=\bbut\s)|(?<=\band\s)|(?<=\bthat\s))"
_CONJUNCTION = r"(?:as|since|because|given that|while|although|though|even though)"
_VERB = (
    r"(?:do|don['’]t|can|cannot|can['’]t|have|am|will|would|was|should|could|may|lack|must|cannot|try|aim)"
)
_NOT = r"(?:(?:,| and|,? but)? not an? [\w -]{2,25})?"
_ASIDE = r"(?:,? (?:and (?:I am|I['’]m) )?here to (?:help|assist)[^.!?]{0,30})?"
_NAME = r"(?:[A-Z][\w-]+(?: [A-Z][\w-]+)?, )"
_PURPOSE = r"(?:purpose|role|goal|aim|job|task|function|duty|responsibility)"

PARTS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        # "As an AI, I cannot", "as an AI language model I cannot"
        (rf"{_STARTS}(?:speaking )?(?:as|being) {_SELF}(?:,\s+{_MINE}|\s+(?=I\b))", ""),
        # "I, as an AI assistant, recommend"
        (rf"\bI, (?:as|being) {_SELF},\s+(?=\w)", "I "),
        # "I'm here as your virtual assistant to help"
        (rf"({_STARTS}{_I_AM} here(?: today)?) as {_SELF}(?= to\b)", r"\1"),
        # "From my perspective as an AI, both"
        (
            rf"{_STARTS}(?:from|in) my (?:perspective|point of view|position|role|view) as {_SELF},\s+(?=\w)",
            "",
        ),
        # "Since I am an AI, I", "While I am an AI and have no nose, roses"
        (rf"{_STARTS}{_CONJUNCTION} {_I_AM} {_SELF}(?: (?:and|but|with) [^,.!?]{{1,40}})?,\s+(?=\w)", ""),
        # "I am an AI and do not eat"
        (rf"{_STARTS}{_I_AM} {_SELF},? and (?:so |thus |therefore )?(?={_VERB}\b)", "I "),
        # "I am an AI, so I", "I am an AI, I"
        (
            rf"{_STARTS}{_I_AM} {_SELF}(?:,? so (?!to speak)|,? (?:and|but|which means(?: that)?) (?=I\b)|, (?=I\b))",
            "",
        ),
        # "My purpose as an AI assistant is", "my role, as an AI, is"
        (rf"\b(my (?:{_WORD} )?{_PURPOSE})(?: as {_SELF}|, as {_SELF},)(?= (?:is|was|includes?)\b)", r"\1"),
        # "I cannot drive, as I am an AI.", "I'm sorry, but I'm just an AI."
        (rf"(?:,? (?:as|since|because|but)|,) {_I_AM} {_SELF}(?=[.!?;]| and I\b)", ""),
        # "No, I'm Pip, an AI assistant.": the answer to a question stays
        (
            rf"{_STARTS}(no|yes|not at all|not quite|correct|right), {_I_AM} {_NAME}{_SELF}{_NOT}{_ASIDE}(?=[.!])",
            r"\1",
        ),
    )
)
"""Parts of a sentence that can stand without them, and the template of what takes their place."""

WHOLE = re.compile(
    r"(?:(?:hi|hello|hey|well|actually|oh|sure|of course)(?: there)?, )?"
    r"(?:(?:please )?(?:note|remember|keep in mind|be aware)(?: that|,)? |I (?:should|must) (?:mention|note|add|say) that )?"
    rf"(?:{_I_AM} {_NAME}?{_SELF}{_NOT}{_ASIDE}"
    rf"|(?:(?:you (?:can|may)|please|just|simply) )?call me {_NAME}{_SELF}{_NOT}{_ASIDE}"
    rf"|my name is {_NAME}(?:and )?{_SELF}{_NOT}{_ASIDE}"
    rf"|this is {_NAME}{_SELF}{_NOT}{_ASIDE}"
    rf"|{_I_AM} (?:an? )?(?:bot|robot|machine)"
    rf"|{_I_AM} here(?: today)? as {_SELF}"
    rf"|my name is \w+,? and {_I_AM} {_SELF}"
    rf"|{_I_AM} not an? [\w ]{{3,20}}(?:,| but|, but)(?: {_I_AM})? {_SELF}"
    rf"|you(?: are|['’]re) (?:talking|speaking|chatting) (?:to|with) {_SELF}{_NOT}"
    rf"|this (?:answer|text|response|reply|message) (?:was|is) (?:written|generated|made|produced|created|given) by {_SELF}"
    r")[.!]",
    re.IGNORECASE,
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
        return close(text, sentence)
    return _inline(text, sentence) if place == "inline" else _open(text, sentence)


def strip(text: str, entries: tuple[Entry, ...]) -> str | None:
    """`text` without identity statements; None where nothing or no sentence would be left."""
    if MASKS.search(text):
        return None
    masked = _masked(text)
    listed = _known(entries)
    # A run of blanks is tried once, from its first one: some answers are hundreds of empty lines.
    between = rf"(?<=[.!?]){_NO_MARKER}\s+|(?<!\s)(?=[^\S\n]*\n)\s+"
    bare = re.sub(rf"^(?:{listed})\s*|(?:{between})(?:{listed})", "", masked.text)
    bare = "".join(part for part in ENDS.split(bare) if not _is_whole(part))
    for pattern, instead in PARTS:
        bare = _without(pattern, instead, bare)
    result = masked.restore(bare).strip()
    if result == text.strip():
        return text
    # Code without a fence is nobody's statement.
    code = any(isinstance(block, Text) and looks_like_code(block.text) for block in _blocks(text))
    return None if code or not re.search(r"\w", result) else result


def count_statements(text: str, entries: tuple[Entry, ...]) -> int:
    """How many identity statements or paraphrases `text` holds outside code and quotations."""
    if MASKS.search(text) or not (SAYS.search(text) or re.search(_known(entries), text)):
        return 0
    masked = _masked(text).text
    if known := re.findall(_known(entries), masked):
        return len(known)
    sentences_ = ENDS.split(masked)
    rest = "".join(part for part in sentences_ if not _is_whole(part))
    return sum(map(_is_whole, sentences_)) + sum(len(pattern.findall(rest)) for pattern, _ in PARTS)


_NO_MARKER = r"(?<!^\d\.)(?<!\n\d\.)"
ENDS = re.compile(rf"(?<=[.!?]){_NO_MARKER}(?=\s)|(?<=\n)|(?<=:\*\*)(?=\s)")
"""Where a sentence ends, a line or a bold label."""

SAYS = re.compile(r"(?:\bAI\b|A\.I\.|artificial|\bmodel\b|assistant|program|bot\b|machine)", re.IGNORECASE)
"""Without one of these words nothing but a listed sentence is an identity statement."""


def _masked(text: str) -> Masked:
    """`text` with code, quotations and tables masked, those of whole blocks too."""
    return mask(text, tuple(verbatim(text)))


@cache
def _known(entries: tuple[Entry, ...]) -> str:
    """A pattern of all listed statements and paraphrases; the longest first, as one may end in another."""
    sentences = [sentence for entry in entries for sentence in (entry.statement, entry.paraphrase)]
    return "|".join(re.escape(sentence) for sentence in sorted(sentences, key=len, reverse=True))


def _is_whole(part: str) -> bool:
    """Whether a sentence, a list's marker before it or not, says nothing but who speaks."""
    return bool(WHOLE.fullmatch(re.sub(r"^\s*(?:[-*+•]|\d+[.)])\s+", "", part).strip()))


def _without(pattern: re.Pattern, instead: str, text: str) -> str:
    """`text` without the matches; what follows a removed beginning of a sentence gets its capital."""
    parts, end = [], 0
    for found in pattern.finditer(text):
        parts += [text[end : found.start()], found.expand(instead)]
        end = found.end()
        if found.group()[0].isupper() and not instead:
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
