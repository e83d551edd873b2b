"""The language of a text, where it is nearly sure that it is not the one that is expected.

Lists, rules and filters are written for one language, their own. `other_language` says which other one a text is in,
and None wherever that is open: a text that is short, mixed, a list, names, code or a formula counts as the own language.
Two things are looked at: the script that most of the text is in, and, where that is one of the own language's scripts,
a naive Bayes classifier over byte sequences (py3langid; Lui and Baldwin, langid.py: an off-the-shelf language
identification tool, 2012). Languages are named by their ISO 639 codes.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.text.numbers import MARKS
from tunedrift.text.prose import ATOMS
from tunedrift.text.words import STOPWORDS

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LONGEST = 5_000
"""Characters of a text that are looked at."""

CLAUSE = 3
"""Words in a row, with blanks alone between them, that make a clause. Most words of a text must be in one: lists of names
and of single words have none."""

FEWEST = 4
"""Words without which a text in the script of its own language is too short to tell."""

DOUBT = 0.05
"""The most probability of the own language, of no language and of dummy text together."""

LIKELY = 0.3
"""The least probability of the other language: its nearest relatives (Norwegian and Danish) share the rest."""

OWN_SHARE = 0.25
"""The share of English function words from which on a text is English enough to be read as such."""

MIXED = 0.25
"""The share of words in sentences of the own language from which on a text is mixed."""

SCRIPTS = {
    "CJK": "zh ja",
    "KANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "TIBETAN": "dz",
    "BENGALI": "bn as",
    "DEVANAGARI": "hi mr ne sa",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "ARABIC": "ar fa ur ps ug sdh",
    "HEBREW": "he",
    "ETHIOPIC": "am",
    "GREEK": "el",
    "CYRILLIC": "ru uk bg be sr mk kk ky mn tt tg",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
}
"""Script, as Unicode names its letters → the languages in it, the commonest first; all others are in Latin letters."""

ELSEWHERE = frozenset(" ".join(SCRIPTS.values()).split()) - {"sr"}
"""Languages that are not written in Latin letters, or hardly."""

WIDTH = {"CJK": 1.5, "KANA": 2, "HANGUL": 3, "THAI": 4, "LAO": 4, "KHMER": 4, "MYANMAR": 4}
"""Scripts whose words are counted by their letters, for want of blanks → letters that make a word, about."""

SAME = {"wuu": "zh", "yue": "zh", "ary": "ar", "arz": "ar", "arb": "ar", "nb": "no", "nn": "no", "pcm": "en"}
"""Labels of the classifier that are counted as another: what is written alike."""

NONE = ("zxx", "la")
"""Labels for no language and for Latin, which is dummy text and names of species here."""

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "jv": "Javanese",
    "km": "Khmer", "ko": "Korean", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mr": "Marathi", "ms": "Malay",
    "my": "Burmese", "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip

WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{MARKS}])*(?:['’][^\W\d_]+)*")
CLAUSES = re.compile(rf"(?<!\w){WORD.pattern}(?: +{WORD.pattern}){{{CLAUSE - 1},}}")
SENTENCE = re.compile(r"[^.!?:;\n。！？：；]+")


def code_of(language: object, where: str) -> str:
    """The code of a language as `other_language` gives it: "pt" for "pt-BR". Raises `UserError` naming `where`."""
    code = str(language).lower().replace("_", "-").split("-")[0]
    code = SAME.get(code, code)
    if not isinstance(language, str) or (code not in NAMES and code not in _labels()):
        raise UserError(
            f"{where}: {language!r} is no language code; write one of ISO 639, such as en, es, zh or sw."
        )
    return code


def name_of(code: str) -> str:
    """A language's English name, its code where it has none here."""
    return NAMES.get(code, repr(code))


def counted(languages: Mapping[str, int]) -> str:
    """`30 in Chinese, 5 in Spanish`: how many in which language, the most first."""
    order = sorted(languages.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{count:,} in {name_of(code)}" for code, count in order)


def rows_in(languages: Mapping[str, int], rows: int) -> str:
    """`412 of 1,000 rows are in Chinese`, or in other languages, counted in brackets."""
    said = f"{sum(languages.values()):,} of {rows:,} rows are in "
    if len(languages) == 1:
        return said + name_of(*languages)
    return f"{said}other languages ({counted(languages)})"


@lru_cache(maxsize=1024)  # one prompt has many answers
def other_language(text: str, own: str) -> str | None:
    """The language of `text` if it is nearly sure that it is not `own`, else None. `own` is a code of `code_of`."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    text = text.lower() if text.isupper() else text
    # What is quoted, code, formulas and addresses say nothing of the language that they stand in.
    bare = ATOMS.sub("\n", re.sub(r"```.*?(?:```|\Z)", "\n", text, flags=re.DOTALL))
    text = bare if WORD.search(bare) else text
    lengths = _lengths(text)
    script = max(lengths, key=lambda name: (lengths[name], name))
    among = SCRIPTS.get(script, "").split()
    if own in among or (not among and own not in ELSEWHERE):
        return _by_words(text, script, own)
    if lengths[script] < (1 if script in WIDTH else 2):
        return None
    rest = WORD.sub(lambda word: "\n" if _script(word.group()[0]) == script else word.group(), text)
    if _own_words(rest, own) >= MIXED * sum(lengths.values()):
        return None
    return among[0] if len(among) == 1 else _most_likely(" ".join(_words(text, script)), among)


def first_other(texts: Iterable[str], own: str) -> str | None:
    """The language of the first of the texts that is not in the `own` one, None if all are."""
    return next((found for text in texts if (found := other_language(text, own))), None)


def language_of_chat(messages: list[dict[str, str]], own: str) -> str | None:
    """The language of a chat's last turn, or of the latest before it, that is not in the `own` one; None if all are."""
    turns = (message["content"] for message in reversed(messages) if message["role"] != "system")
    return first_other(turns, own)


def _by_words(text: str, script: str, own: str) -> str | None:
    """The language of a text in a script of the own language."""
    words = _words(text, script)
    if len(words) < FEWEST or 2 * _in_clauses(text) <= len(words):
        return None
    if own == "en" and sum(word.lower() in STOPWORDS for word in words) >= OWN_SHARE * len(words):
        return None
    shares = _shares(" ".join(words))
    best = max(shares, key=lambda code: (shares[code], code))
    doubt = sum(shares.get(code, 0.0) for code in {own, *NONE})
    sure = shares[best] >= LIKELY and doubt <= DOUBT
    return best if sure and _own_words(text, own) < MIXED * len(words) else None


def _own_words(text: str, own: str) -> int:
    """How many words stand in sentences that are rather in the own language than in any other."""
    counts = ((part, len(WORD.findall(part))) for part in SENTENCE.findall(text))
    return sum(count for part, count in counts if count >= FEWEST and _most_likely(part) == own)


def _most_likely(text: str, among: Iterable[str] = ()) -> str:
    shares = _shares(text)
    return max(among or shares, key=lambda code: shares.get(code, 0.0))


def _in_clauses(text: str) -> int:
    """How many words of a text stand in clauses."""
    return sum(len(WORD.findall(found.group())) for found in CLAUSES.finditer(text))


def _words(text: str, script: str) -> list[str]:
    """The words that begin in a script."""
    return [word for word in WORD.findall(text) if _script(word[0]) == script]


def _lengths(text: str) -> dict[str, float]:
    """Script → how many words of a text are in it, about. Single letters of an alphabet, as in formulas, are none."""
    if text.isascii():
        return {"LATIN": len(WORD.findall(text))}
    lengths = defaultdict(float, LATIN=0.0)
    for word in WORD.findall(text):
        letters = Counter(map(_script, filter(str.isalpha, word)))
        if letters.keys() & WIDTH.keys():
            for script, count in letters.items():
                lengths[script] += count / WIDTH[script] if script in WIDTH else 1
        elif len(word) > 1:
            lengths[letters.popitem()[0] if len(letters) == 1 else "LATIN"] += 1
    # Japanese is written in kana and Han characters; so is some Korean.
    for script in ("KANA", "HANGUL"):
        if lengths[script] * 10 >= lengths["CJK"] > 0:
            lengths[script] += lengths.pop("CJK")
    return lengths


@cache
def _script(letter: str) -> str:
    first = unicodedata.name(letter, "LATIN").split()[0]
    return {"HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}.get(first, first)


def _shares(text: str) -> dict[str, float]:
    """Language → its probability, calibrated by the classifier over the text's length."""
    shares: dict[str, float] = {}
    for label, share in _identifier().rank(text):
        code = SAME.get(label, label)
        shares[code] = shares.get(code, 0.0) + share
    return shares


@cache
def _labels() -> frozenset[str]:
    return frozenset(_identifier().labels)


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
