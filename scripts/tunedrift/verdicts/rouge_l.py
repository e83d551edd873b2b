"""Utility by ROUGE-L: a score from 0 to 1, not a verdict; the best F1 of the longest common subsequence over the references.

Lin, ROUGE: a package for automatic evaluation of summaries (2004), as the library rouge-score computes it, without
stemming. Its words are runs of letters and digits in lower case. The library knows those of ASCII alone; here they are of
any script, and in one without blanks each character is a word. On ASCII both are the same.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from tunedrift.text.words import UNSPACED
from tunedrift.verdicts.by_rule import Question, Rules

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False

LIBRARIES = ("rouge-score",)
"""The libraries whose version can change a score."""

WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_])+")


class Words:
    """The tokenizer that the library is given."""

    def tokenize(self, text: str) -> list[str]:
        """The words of a text in order."""
        return WORD.findall(text.lower())


@cache
def scorer() -> "RougeScorer":
    """The library's scorer."""
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=Words())


def languages(_: Rules) -> tuple[str, ...]:
    """None: words are compared in whatever language."""
    return ()


def lacks(references: list[str]) -> str | None:
    """What is wrong with a prompt's references, if anything."""
    without = [entry for entry in references if not WORD.search(entry)]
    return f"the reference {without[0]!r} has no word" if without else None


def label(answer: str, _question: Question, _: Rules) -> str:
    """`graded`, or `empty` for an answer without a word."""
    return "graded" if WORD.search(answer) else "empty"


def score(answer: str, question: Question, _: Rules) -> float:
    """The best F1 over the references; 0 for an empty answer."""
    if not WORD.search(answer):
        return 0.0
    return float(scorer().score_multi(question.reference or [], answer)["rougeL"].fmeasure)
