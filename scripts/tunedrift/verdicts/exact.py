"""Utility by exact match: `right` where the answer is one of the references, but for case, blanks and marks around it."""

import unicodedata

from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False

AROUND = " \"'`*_.,:;!?()[]“”‘’«»„。，！？"
"""What may stand around an answer; a sign or a currency says something."""


def languages(_: Rules) -> tuple[str, ...]:
    """None: texts are compared in whatever language."""
    return ()


def lacks(references: list[str]) -> str | None:
    """What is wrong with a prompt's references, if anything."""
    without = [entry for entry in references if not bare(entry)]
    return f"the reference {without[0]!r} says nothing" if without else None


def label(answer: str, question: Question, _: Rules) -> str:
    """`right`, `wrong`, or `empty` for an answer without anything."""
    if not bare(answer):
        return "empty"
    return "right" if bare(answer) in map(bare, question.reference or []) else "wrong"


def bare(text: str) -> str:
    """The text in one form (NFKC), without case, with single blanks, and without marks around it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(AROUND)
