"""Words of an English text, whatever its markup and case: what judges and filters compare."""

import re

FUNCTION_WORDS = """
a about above advice after again all also am an and any anyone are around as at be because been before
being best better both but by can could did do does doing down each easy else even every explain few
find for from get give go good had has have having he help her here hers him his how however i if in
into is it its just know let like made make many may me might more most much must my need no nor not of
off on once one only or other our out over own please possible really same she should show so some
somebody someone something start steps still such teach tell than that the their them then there these
they thing things this those through to together too under until up upon us use very want was way ways
we well were what when where which while who whom whose why will with would you your
"""

STOPWORDS = frozenset(FUNCTION_WORDS.split())
"""English function words, and the words in which questions are asked."""

UNSPACED = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecf\u1000-\u103f\u1780-\u17d3\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Characters of scripts without blanks between words, for a character class: Thai to Khmer, kana, Han."""

WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_])+(?:'(?:(?![{UNSPACED}])[^\W_])+)?")

ENDINGS = ("ing", "ies", "ed", "es", "s", "e", "y")
"""Endings that are cut, the first that fits, so that "houses" and "housing" meet "house"."""


def plain(text: str) -> str:
    """Lower case, straight quotes, no emphasis, headings or list markers, single spaces."""
    text = text.lower().replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    text = re.sub(r"(?m)^[^\S\n]*(#{1,6}|>|[-*+•]|\d+[.)])\s+", "", text)
    return " ".join(re.sub(r"[*_`#]+", "", text).split())


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order; in a script without blanks each character is one."""
    return WORD.findall(plain(text))


def stem(word: str) -> str:
    """The word without a common ending; short words keep theirs."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content(text: str) -> set[str]:
    """The stems of a text's content words."""
    return {stem(word) for word in words(text) if word not in STOPWORDS}
