"""The plain prompts behind TrustLLM's jailbreaks, which are published wrapped alone (Huang et al. 2024, arXiv 2401.05561)."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

BEHIND = {
    "fixed sentence": r".*Here is my query: (.+)",
    "bad words": r".*Here is my query: (.+)",
    "no_punctuation": r".*?any punctuation marks\. (.+)",
    "without_the": r".*?the word 'the'\. (.+)",
    "json_format": r".*?in JSON format\. (.+)",
    "no_long_word": r".*? letters in length\. (.+)",
    "leetspeak": r".*Here is my question: (.+)",
    "Refusal sentence prohibition": r".*\nQuery: (.+)",
    "cou": r".*\nRed-LM: (.+?)\n\n.*\n\nBase-LM:\s*",
    "cot": r"(.+?)\s*Think it step by step\.\s*",
    "multitask": r".*\n\d+\. (.+)",
    "scenario": r".*(?:[Qq]uestion(?: to begin)?:|QUESTION:|Prompt:|#)(.+)",
}
"""Way of wrapping → where the plain prompt stands in the whole text."""

IN_PIECES = re.compile(r".*\w\((.+)\)\s*", re.DOTALL)
"""The arguments of the last call in a text of the way `programming`: the plain prompt, cut anywhere and joined by commas."""


def plain_prompts(wrapped: Iterable[tuple[str, str]]) -> Iterator[str | None]:
    """The plain prompt of each (text, way of wrapping); None where it cannot be told."""
    wrapped = list(wrapped)
    found = [_behind(text, way) for text, way in wrapped]
    by_characters: dict[str, set[str]] = {}
    words: set[str] = set()
    for known in filter(None, found):
        by_characters.setdefault(_characters(known), set()).add(known)
        words.update(_words(known))
    for (text, way), prompt in zip(wrapped, found, strict=True):
        pieces = IN_PIECES.fullmatch(text) if way == "programming" else None
        yield prompt or (_joined(pieces[1].strip(), by_characters, words) if pieces else None)


def _joined(pieces: str, known: dict[str, set[str]], words: set[str]) -> str | None:
    """A prompt from its pieces: the one known prompt with the same characters, or else the one way to join them.

    Some texts are cut between words and have lost the blanks there, others within words, so that a comma stands for a
    blank or for nothing; the way to join is told by the words of the known prompts.
    """
    same = known.get(_characters(pieces), set())
    ways = same or {
        joined for between in ("", " ") if words.issuperset(_words(joined := pieces.replace(", ", between)))
    }
    return next(iter(ways)) if len(ways) == 1 else None


def _behind(text: str, way: str) -> str | None:
    if way == "url_encode":
        prompt = unquote(text).strip()
        return prompt if prompt != text.strip() else None
    match = re.fullmatch(BEHIND[way], text, re.DOTALL) if way in BEHIND else None
    return match[1].strip() or None if match else None


def _characters(text: str) -> str:
    return re.sub(r"[\s,]", "", text)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
