"""Thoughts: what a reasoning model writes before its answer, told apart by the markers of its own chat template."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tunedrift.chats import turns

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TAG = re.compile(r"[<\[◁][^\s<>\[\]◁▷]+[>\]▷]")
"""What may be a tag in a template: `<think>`, `[THINK]`, `<|START_THINKING|>` …"""


class Marks(NamedTuple):
    """What opens and closes a thought, as regular expressions, and the tokens that are in them."""

    opening: str
    closing: str
    tokens: tuple[str, ...]


CHANNELS = (
    Marks(r"<\|channel>(?!\s*final\b)(?:\s*\w+\n)?", r"<channel\|>", ("<|channel>", "<channel|>")),
    Marks(
        r"<\|channel\|>(?!\s*final\b)[^<]*<\|message\|>",
        r"(?:<\|end\|>\s*)?(?:<\|start\|>\s*\w*\s*)?<\|channel\|>\s*final\b[^<]*<\|message\|>",
        ("<|channel|>", "<|message|>", "<|start|>", "<|end|>"),
    ),
)
"""Templates that write thoughts into a channel of their own, beside one for the answer."""


def marks(tokenizer: "PreTrainedTokenizerBase") -> tuple[Marks, ...]:
    """The markers of thoughts that the tokenizer's template or vocabulary knows, both sides of each; most have none."""
    return _marks(tokenizer, tokenizer.chat_template)


@lru_cache(maxsize=8)
def _marks(tokenizer: "PreTrainedTokenizerBase", template: str | None) -> tuple[Marks, ...]:
    known = "\n".join([template or "", *turns.controls(tokenizer)])
    pairs = {tag: turns.closed_thought(tag).strip() for tag in sorted(set(TAG.findall(known)))}
    tags = [
        Marks(re.escape(opening), re.escape(closing), (opening, closing))
        for opening, closing in pairs.items()
        if closing and closing in known
    ]
    return (*tags, *(channel for channel in CHANNELS if all(token in known for token in channel.tokens)))


def decode(tokenizer: "PreTrainedTokenizerBase", ids: list[int], known: tuple[Marks, ...]) -> str:
    """The text of an answer's tokens without special tokens, but with those that mark a thought."""
    special = set(turns.special(tokenizer)) | set(tokenizer.all_special_tokens)
    kept = {
        tokenizer.convert_tokens_to_ids(token): token
        for mark in known
        for token in mark.tokens
        if token in special
    }
    text, start = "", 0
    for at, token in enumerate(ids):
        if token in kept:
            text += tokenizer.decode(ids[start:at], skip_special_tokens=True) + kept[token]
            start = at + 1
    return text + tokenizer.decode(ids[start:], skip_special_tokens=True)


def split(text: str, known: tuple[Marks, ...]) -> tuple[str | None, str]:
    """The thoughts of a text, None without any, and the answer beside them.

    A thought that is closed but not opened begins with the text, as where the prompt has opened it; one that is
    not closed goes on to the end and leaves no answer behind it.
    """
    if not known:
        return None, text
    opening = re.compile("|".join(mark.opening for mark in known))
    closing = re.compile("|".join(mark.closing for mark in known))
    thoughts, answer, place = [], "", 0
    while place < len(text):
        opened, closed = opening.search(text, place), closing.search(text, place)
        if opened and (closed is None or opened.start() < closed.start()):
            answer += text[place : opened.start()]
            end, place = (closed.start(), closed.end()) if closed else (len(text), len(text))
            thoughts.append(text[opened.end() : end])
        elif closed:
            thoughts.append(answer + text[place : closed.start()])
            answer, place = "", closed.end()
        else:
            answer, place = answer + text[place:], len(text)
    for token in {token for mark in known for token in mark.tokens}:
        answer = answer.replace(token, "")
    return "\n\n".join(thought.strip() for thought in thoughts if thought.strip()) or None, answer
