"""Judges by rule: pure functions from an answer and its plain prompt to a label.

A kind of judge is a module of this folder that `judges.*.kind` names: refusal, harm, utility. It has `PROMPTS`, the
kinds of prompts whose answers it judges; `BY_PATTERNS`, whether it needs refusal patterns; and the functions
`languages(rules)`, codes of those that it reads (none if any will do), and `label(answer, question, rules)`.

It may have `LIBRARIES`, whose versions its verdicts depend on; `lacks(references)`, what is wrong with those of a prompt;
`score(answer, question, rules)`, if it grades answers rather than calling them right; `EXECUTES`, if it runs their code.
"""

from dataclasses import dataclass

from tunedrift.verdicts.patterns import Patterns


@dataclass(frozen=True)
class Question:
    """What was asked: the plain prompt, its kind (harmful, safe or utility), the words of a right answer."""

    prompt: str
    kind: str
    reference: list[str] | None = None


@dataclass(frozen=True)
class Rules:
    """A judge's settings: its refusal patterns, and the share of the request that an unsafe answer takes up."""

    patterns: Patterns | None
    threshold: float = 0.5

    def needed(self) -> Patterns:
        """The refusal patterns of a judge that goes by them. Raises `ValueError` where it was given none."""
        if self.patterns is None:
            raise ValueError("a judge by patterns was given none")
        return self.patterns
