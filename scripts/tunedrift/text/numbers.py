"""Words and numbers of a text in any script, numbers as values: "1,200", "1200.0" and "١٢٠٠" are the same one.

The raw text is read, list markers and signs of arithmetic with it. What can be read in two ways is read as in English
("1.000" is one, "1,000" a thousand); a decimal comma where no other reading is left ("1.000,5", "0,125", "1,5").
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tunedrift.text.words import UNSPACED

JOINED = rf"{UNSPACED}\u1100-\u11ff\uac00-\ud7af"
"""Scripts whose words do not end at a blank: those without blanks, and Hangul, whose words carry particles."""

MARKS = "".join(
    chr(code)
    for code in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    if unicodedata.category(chr(code)).startswith("M")
)
"""Combining marks, such as the vowel signs of Devanagari: part of a word, though Python's `\\w` leaves them out."""

LONGEST = 300
"""Digits of the longest number that is computed with; a longer one is compared by its digits."""

WORD = rf"(?![{JOINED}])[^\W\d_](?:(?![{JOINED}])[^\W_]|[{MARKS}])*+"
TAIL = rf"(?:'(?:(?![{JOINED}])[^\W_]|[{MARKS}])++)?+"

TOKEN = re.compile(
    rf"""
      (?<=\d)x(?=\d)                                              # 5x4
    | (?P<run>[{JOINED}]++)
    | (?P<word>(?!(?:minus|negative)\ \d){WORD}{TAIL})
    | (?P<sign>(?:(?<![\w)\]%])|(?<=[{JOINED}]))(?<!\d\ )-(?=[\d.$¢-¥֏؋฿₠-⃀])
      | (?<!\d\ )(?:minus|negative)\ (?=\d) )?+
      (?:[$¢-¥֏؋฿₠-⃀]\ ?)?
      (?:
        (?<!\d[,.'])(?:
            (?P<english>[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d+)? | [1-9]\d?(?:,\d\d)+,\d{{3}}(?:\.\d+)?)
          | (?P<continental>[1-9]\d{{0,2}}(?:\.\d{{3}}){{2,}}(?:,\d+)? | [1-9]\d{{0,2}}\.\d{{3}},\d+)
          | (?P<spaced>[1-9]\d{{0,2}}(?:(?:'\d{{3}})+|(?:_\d{{3}})+|(?:\ 000)+)(?:[.,]\d+)?)
        )(?![,.'_]?\d)
      | (?P<compound>\d++(?P<joint>[:./-])\d++(?:(?P=joint)\d++)+ | \d\d?:\d\d(?![\d:]))
      | (?:(?P<whole>\d++)\ )?(?P<above>\d++)\ ?/\ ?(?P<below>\d++)(?![.,]\d)
      | (?<![(\[{{])(?<!\d[,.])(?P<comma>\d++,\d++)(?!,?\d)
      | (?P<plain>(?:\d++(?:\.\d++)?|(?<![.\w])\.\d++)(?:e[-+]?\d{{1,3}}(?![^\W_]))?)
      )
      (?P<percent>\ ?[%٪]|\ ?per\ ?cent\b)?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Number:
    """An exact value; of "50%" it is 50, and `percent` is true."""

    value: Fraction
    percent: bool = False


def fold(text: str) -> str:
    """The text in one form: NFKC, lower case, ASCII digits and minus signs, no characters without a width.

    What NFKC would glue to its neighbours is set apart before: "5²", "1½", "①②".
    """
    # Emphasis within a word; between digits an asterisk multiplies.
    text = re.sub(r"(?<=[^\W\d_])[*`]+(?=[^\W\d_])", "", text)
    text = re.sub(r"(?<=\d)[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))", "'", text)
    text = re.sub(r"([⁺⁻]?[⁰¹²³⁴-⁹]+)", r"^\1", text)
    # The comma of Chinese prose ends a clause; between wide digits it groups them.
    text = re.sub(r"，(?![０-９])", "， ", text)
    changes: dict[int, str] = {0x66B: ".", 0x66C: ","}
    for character in set(text):
        kind = unicodedata.category(character)
        if kind == "Cf":
            changes[ord(character)] = ""
        elif kind == "No" and not unicodedata.decomposition(character).startswith(("<super>", "<sub>")):
            changes[ord(character)] = f" {character} "
    text = unicodedata.normalize("NFKC", text.translate(changes)).casefold()
    same: dict[int, str] = dict.fromkeys(map(ord, "−–‒‐‑"), "-") | dict.fromkeys(map(ord, "’‘ʼ"), "'")
    same[ord("⁄")] = "/"
    for character in set(text):
        if unicodedata.category(character) == "Nd":
            same[ord(character)] = str(unicodedata.decimal(character))
    return re.sub(r"[^\S\n]+", " ", text.translate(same))


def tokens(text: str) -> Iterator[str | Number]:
    """The words and numbers of `text` in order; time linear in its length.

    Neighbouring characters of a script without blanks are one token. A time, a date or a version ("1.2.3") is a
    token, and each of its numbers one more. A fraction is its value ("1 1/2" is 1.5), in an equation ("20/4 = 5") its
    two numbers too. A letter before a digit makes a word ("B12"), one behind it does not ("5kg").
    """
    folded = fold(text)
    for found in TOKEN.finditer(folded):
        if word := found["run"] or found["word"]:
            yield word
        elif found["compound"]:
            parts = re.findall(r"\d+", found["compound"])
            yield (found["joint"] or ":").join(part.lstrip("0") or "0" for part in parts)
            yield from (_number(part) for part in parts)
        elif found["above"]:
            yield from _fraction(found, followed=folded[found.end() : found.end() + 2].strip()[:1])
        elif any(found[name] for name in ("english", "continental", "spaced", "comma", "plain")):
            yield _number(_decimal(found), found["sign"], found["percent"])


def _decimal(found: re.Match) -> str:
    """A number's digits with a decimal point and nothing else between them."""
    if grouped := found["english"]:
        return grouped.replace(",", "")
    if grouped := found["continental"]:
        return grouped.replace(".", "").replace(",", ".")
    return re.sub(r"[' _]", "", found["spaced"] or found["comma"] or found["plain"]).replace(",", ".")


def _fraction(found: re.Match, followed: str) -> Iterator[str | Number]:
    whole, above, below = found["whole"], found["above"], found["below"]
    if max(len(whole or ""), len(above), len(below)) > LONGEST or not int(below):
        yield from (_number(part) for part in (whole, above, below) if part)
        return
    value, mixed = Fraction(int(above), int(below)), bool(whole) and int(above) < int(below)
    if whole and not mixed:
        yield _number(whole, found["sign"])
    value += int(whole) if mixed else 0
    yield Number(-value if found["sign"] and (mixed or not whole) else value, bool(found["percent"]))
    if followed and followed in "=+*×÷":
        yield from (_number(part) for part in (above, below))


def _number(digits: str, sign: str | None = None, percent: str | None = None) -> str | Number:
    if len(digits) > LONGEST:
        return f"-{digits}" if sign else digits
    value = Fraction(digits)
    return Number(-value if sign else value, bool(percent))
