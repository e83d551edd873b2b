"""Utility by reference: `right` if every reference word and number is in the answer, `empty` without any, else `wrong`."""

import re

from tunedrift.text.numbers import JOINED, Number, tokens
from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False


def languages(_: Rules) -> tuple[str, ...]:
    """None: words and numbers are compared in whatever language."""
    return ()


def label(answer: str, question: Question, _: Rules) -> str:
    """The verdict on one answer; see `utility`."""
    return utility(answer, question.reference or [])


def utility(answer: str, reference: list[str]) -> str:
    """`right` if every word and number of `reference` is in the answer, `wrong` if not, `empty` if it has none.

    Numbers are compared by value, signs and percent included; a word of a script without blanks may stand
    anywhere. No answer is right by a reference without a word or a number.
    """
    spoken = set(tokens(answer))
    if not spoken:
        return "empty"
    wanted = [set(tokens(entry)) for entry in reference]
    runs = "\n".join(token for token in spoken if isinstance(token, str) and re.match(f"[{JOINED}]", token))
    if any(isinstance(token, Number) and token.percent for token in spoken):
        spoken |= {"per", "cent", "percent"}
    held = all(_holds(spoken, runs, token) for entry in wanted for token in entry)
    return "right" if wanted and all(wanted) and held else "wrong"


def _holds(spoken: set[str | Number], runs: str, token: str | Number) -> bool:
    """Whether the answer has this word or number, percent as a share or as its figure."""
    if token in spoken:
        return True
    if isinstance(token, str):
        return bool(re.match(f"[{JOINED}]", token)) and token in runs
    value = token.value
    same = (
        {Number(value), Number(value / 100)}
        if token.percent
        else {Number(value, True), Number(value * 100, True)}
    )
    return bool(same & spoken)
