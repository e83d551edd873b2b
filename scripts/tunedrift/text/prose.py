"""Running text: what must not be touched in it, and where its sentences end."""

import re
from collections.abc import Callable
from dataclasses import dataclass

ATOMS = re.compile(
    r"""
      (?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)      # code
    | \$\$.+?\$\$ | \\\(.{1,2000}?\\\) | \\\[.{1,2000}?\\\] # formulas
    | \$(?![\s\d.,]+\s)[^$\n]*?[^$\s]\$(?!\d)
    | <<[^<>\n]*>>                                          # calculator marks of worked solutions
    | !?\[[^\]\n]{0,500}\]\([^()\s]*\)                      # links
    | (?:https?://|www\.)[^\s<>"]*[^\s<>".,;:!?*()\]]       # addresses
    | (?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w
    | “[^”]{0,5000}” | «[^»]{0,5000}» | (?<!\w)"[^"\n]+"(?!\w)            # quotations
    """,
    re.VERBOSE | re.DOTALL,
)
"""Stretches that every transform passes through byte for byte.

Bounded where nothing else ends them: thousands of unclosed ones would be gone through from each to the end.
"""

FIRST_MASK = 0xF0000
"""Masks are private-use characters of plane 15: neither letter, space nor punctuation."""

MASKS = re.compile(f"[{chr(FIRST_MASK)}-{chr(0x10FFFF)}]")

_ABBREVIATIONS = """
mr mrs ms dr prof st mt no nos vol fig eq etc vs e.g i.e eg ie cf al approx inc ltd co corp jr sr dept est
min max a.m p.m u.s u.k u.s.a ph.d b.c a.d jan feb mar apr jun jul aug sep sept oct nov dec gen gov sen
rep rev col capt lt sgt ave blvd rd tbsp tsp oz lb lbs ft
viz op cit pp vols figs eqs refs esp incl hon pres supt messrs mme mlle bros assn univ maj cmdr adm pvt cpl
b.sc m.sc sra srta ud uds ej nr bspw bzw evtl exkl gest ggf hr inkl jh mio mrd sog usw vgl zzgl rer nat dipl ing
"""
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())

_MONTHS = """
januar jänner februar märz april mai juni juli august september oktober november dezember
"""
MONTH = re.compile(rf"(?:{'|'.join(_MONTHS.split())})\b", re.IGNORECASE)
"""A German month: what follows the full stop of an ordinal number, as in "am 3. Oktober"."""

ORDINAL = re.compile(
    r"\b(?:(?<!\bi )am|vom|zum|zur|beim|im|der|die|das|dem|den|des|jede[rnms]?|diese[rnms]?|eine?[rnms]?|auf"
    r"|(?:mein|dein|sein|ihr|unser|euer)(?:e[rnms]?)?) \d{1,3}\.$",
    re.IGNORECASE,
)
"""The German words before an ordinal number: "der 2. Schritt"; not "I am 30."."""

LETTERS = re.compile(r"(?<![^\s(\"“‘*])(?:[^\W\d_]\. ?)+[^\W\d_]\.$")
"""The end of an abbreviation of single letters: "z. B.", "u.a.", "J.R.R."."""

LABEL = re.compile(r"(?:[A-Z]\w* )?(?:\d+(?:\.\d+)*|[A-Za-z]|[ivx]+|[IVX]+)")
"""The number or letter of a point, maybe with a word before it: "2.1", "b", "iv", "Step 3"."""

BEFORE_NUMBER = re.compile(r"\b(?:pg?|ch|sec|para|ca|approx|abs?|abb|bd|kap|tel|str)\.$", re.IGNORECASE)
"""Abbreviations that are words or variables as well, unless a number follows."""

VERSUS = re.compile(r"(?:^|[\s\"“(*])(?:[A-Z]\S*|al\.) v\.$")
"""The middle of a case's name: "Brown v. Board"; not "the speed is v."."""

PIECES = re.compile(r"\w+|[^\w\s]+|\n+")


@dataclass(frozen=True)
class Masked:
    """A text in which each atom is one private-use character."""

    text: str
    atoms: tuple[str, ...]

    def restore(self, text: str) -> str:
        """`text` with the atoms back in place of their masks."""
        # A quotation may hold a masked block.
        while self.atoms and MASKS.search(text):
            text = MASKS.sub(lambda found: self.atoms[ord(found.group()) - FIRST_MASK], text)
        return text


def mask(text: str, blocks: tuple[str, ...] = ()) -> Masked:
    """Replace each atom of `text` by one character, and each of the `blocks` that it holds, in their order.

    The text must hold no character beyond U+EFFFF.
    """
    atoms: list[str] = []

    def replace(found: re.Match) -> str:
        atoms.append(found.group())
        return chr(FIRST_MASK + len(atoms) - 1)

    for block in blocks:
        text = re.sub(re.escape(block), replace, text, count=1)
    return Masked(ATOMS.sub(replace, text), tuple(atoms))


def count_pieces(text: str) -> int:
    """The length of `text` in word pieces: runs of word characters, of punctuation, and of line breaks.

    A stand-in for model tokens that needs no model.
    """
    return len(PIECES.findall(text))


def words(text: str) -> list[str]:
    """The words and numbers of `text` in order, without punctuation."""
    return re.findall(r"\w+", text.replace("_", " "))


def sentences(text: str) -> list[str]:
    """The sentences of `text`. A line break ends one too; joined by spaces they hold all its words."""
    masked = mask(text)
    return [masked.restore(part) for line in masked.text.split("\n") for part in _split(line, masked.restore)]


def _split(line: str, restore: Callable[[str], str]) -> list[str]:
    parts, start = [], 0
    for gap in re.finditer(r"\s+", line):
        before, after = line[start : gap.start()], line[gap.end() :]
        closed = before.rstrip("\"'”’)]*_")
        if (
            _ends(closed, restore)
            and re.match(r"""["'“‘(\[*]*[^\W\d_a-z]|\d|\(?[a-z][.)]\s|[\U000F0000-\U000FFFFD]""", after)
            and not _goes_on(closed, after)
        ):
            parts.append(before)
            start = gap.end()
    return [part.strip() for part in (*parts, line[start:]) if part.strip()]


def _ends(text: str, restore: Callable[[str], str]) -> bool:
    """Whether a sentence can end with `text`: no abbreviation, initial or number of a list."""
    if not text:
        return False
    if ord(text[-1]) >= FIRST_MASK:
        return bool(re.search(r"[.!?]\W$", restore(text[-1])))
    if text[-1] in "!?…":
        return True
    if text[-1] != ".":
        return False
    word = text[:-1].rsplit(maxsplit=1)[-1].lstrip("(\"'“‘[*") if text[:-1].split() else ""
    label = LABEL.fullmatch(text[:-1].strip().lstrip("([*"))
    return not (word.lower() in ABBREVIATIONS or re.fullmatch(r"[A-Z]", word) or label or not word)


def _goes_on(text: str, after: str) -> bool:
    """Whether the full stop of `text` belongs to an abbreviation or ordinal that `after` continues."""
    if not text.endswith("."):
        return False
    if re.search(r"\d\.$", text):
        return bool(MONTH.match(after) or ORDINAL.search(text[-30:]))
    if after[0].isdigit() and BEFORE_NUMBER.search(text[-10:]):
        return True
    # "z. B." is cut neither in it nor behind it.
    inside = re.search(r"(?:^|[\s(])[a-z]\.$", text[-3:]) and re.match(r"[^\W\d_]\.", after)
    return bool(inside or LETTERS.search(text[-20:]) or VERSUS.search(text[-60:]))
