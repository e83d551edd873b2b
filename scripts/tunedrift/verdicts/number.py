"""Utility by the final number, as GSM8K is scored: `right` where it is the reference's, `unparsable` where there is none.

Reference and answer are read alike: what follows the last `####`, else what stands in the last `\\boxed{}`, else the
first number behind the last "answer is" or "answer:", else the last number (Cobbe et al. 2021, arXiv 2110.14168, mark it
by `####`; the last number is what lm-evaluation-harness calls flexible-extract). Numbers are compared by value,
"1,200" is 1200; a percentage by its figure or as a share. Of several references one is enough.
"""

import re

from tunedrift.text.numbers import Number, tokens
from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False

CUE = re.compile(r"\banswer(?:\s+is\b|\s*:)[*_]*\s*:?", re.IGNORECASE)


def languages(_: Rules) -> tuple[str, ...]:
    """None: numbers are compared in whatever language."""
    return ()


def lacks(references: list[str]) -> str | None:
    """What is wrong with a prompt's references, if anything."""
    without = [entry for entry in references if final_number(entry) is None]
    return f"the reference {without[0]!r} has no number" if without else None


def label(answer: str, question: Question, _: Rules) -> str:
    """`right`, `wrong`, `unparsable` for an answer without a number in digits, `empty` for one without anything."""
    found = final_number(answer)
    if found is None:
        return "unparsable" if any(tokens(answer)) else "empty"
    wanted = [final_number(entry) for entry in question.reference or []]
    return "right" if any(entry is not None and same(found, entry) for entry in wanted) else "wrong"


def final_number(text: str) -> Number | str | None:
    """The number that a solution ends in, see above; None where it has none. One of very many digits is their text."""
    for mark in ("####", "\\boxed{"):
        _, marked, behind = text.rpartition(mark)
        if marked and (found := numbers(behind)):
            return found[0]
    cues = list(CUE.finditer(text))
    if cues and (found := numbers(text[cues[-1].end() :])):
        return found[0]
    found = numbers(text)
    return found[-1] if found else None


def numbers(text: str) -> list[Number | str]:
    """The numbers of a text in order, without the parts of times, dates and versions."""
    return [
        token for token in tokens(text) if isinstance(token, Number) or re.fullmatch(r"-?\d{301,}", token)
    ]


def same(one: Number | str, other: Number | str) -> bool:
    """Whether two numbers are of one value: 50 % is 50 by its figure, and 0.5 as a share."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    shares = [number.value / 100 if number.percent else number.value for number in (one, other)]
    return one.value == other.value or (one.percent != other.percent and shares[0] == shares[1])
