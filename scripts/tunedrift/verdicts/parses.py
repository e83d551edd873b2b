"""Utility of code by its syntax: `right` where the Python code of an answer parses. Nothing is run, nothing compared."""

from tunedrift.text.programs import parses, python_in
from tunedrift.text.words import words
from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False

LIBRARIES = ("python",)
"""What reads the code: its version can change a verdict."""


def languages(_: Rules) -> tuple[str, ...]:
    """None: prose around the code may be in whatever language."""
    return ()


def label(answer: str, _question: Question, _rules: Rules) -> str:
    """`right`, `wrong`, `unparsable` for an answer without code, `unjudged` for code in another language, or `empty`."""
    if not words(answer):
        return "empty"
    code, language = python_in(answer)
    if code is None:
        return "unjudged" if language else "unparsable"
    return "right" if code.strip() and parses(code) else "wrong"
