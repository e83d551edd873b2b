"""Encodings of a prompt that a model can undo: base64, leetspeak and rot13."""

import base64
import codecs
import unicodedata
from collections.abc import Callable

from tunedrift.errors import UnusableError

ENOUGH = 0.9
"""The share of a prompt's letters that must be Latin where an encoding changes Latin letters alone."""

LEET = str.maketrans("aeiostAEIOST", "431057431057")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _leetspeak(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(LEET)


def _rot13(text: str) -> str:
    """The letters below their accents are moved, each accent stays on its letter."""
    moved = codecs.encode(unicodedata.normalize("NFD", text), "rot13")
    return unicodedata.normalize("NFC", moved)


ENCODINGS: dict[str, Callable[[str], str]] = {"base64": _base64, "leetspeak": _leetspeak, "rot13": _rot13}
"""Name → the encoding. Base64 and rot13 can be undone; the digits of leetspeak may have been digits before."""

ANY_SCRIPT = ("base64",)
"""The encodings that change the letters of every script: base64 is of the text's UTF-8."""


def encode(text: str, encoding: str) -> str:
    """The text in one of `ENCODINGS`.

    Leetspeak changes six letters, rot13 those from A to Z with or without accents, and both leave the rest as it
    is. Raises `UnusableError` where the text could be read as before: less than `ENOUGH` of its letters are Latin,
    or none is changed.
    """
    encoded = ENCODINGS[encoding](text)
    if encoding in ANY_SCRIPT:
        return encoded
    letters = [sign for sign in text if sign.isalpha()]
    latin = sum(unicodedata.name(sign, "").startswith("LATIN ") for sign in letters)
    if latin < ENOUGH * len(letters) or encoded == unicodedata.normalize("NFC", text):
        raise UnusableError(
            f"{encoding} changes Latin letters alone and would leave it readable. Use base64, or take the attack off "
            "the suite"
        )
    return encoded
