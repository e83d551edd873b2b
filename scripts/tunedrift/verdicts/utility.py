"""Utility by reference: `right` if every reference word is in the answer, `empty` without a word, else `wrong`."""

from tunedrift.text.words import words
from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False


def label(answer: str, question: Question, _: Rules) -> str:
    """The verdict on one answer; see `utility`."""
    return utility(answer, question.reference or [])


def utility(answer: str, reference: list[str]) -> str:
    """`right` if every word of `reference` is in the answer, `wrong` if not, `empty` if there is no word."""
    spoken = words(answer)
    if not spoken:
        return "empty"
    return "right" if all(set(words(word)) <= set(spoken) for word in reference) else "wrong"
