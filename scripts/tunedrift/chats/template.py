"""Chats as text and tokens: the model's own chat template, and which tokens are the assistant's."""

import os
from itertools import takewhile
from typing import TYPE_CHECKING

from tunedrift.chats import turns
from tunedrift.chats.messages import Message
from tunedrift.errors import UnusableError, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that carries no loss (PyTorch's cross-entropy default)."""


class ControlTokenError(UnusableError):
    """A chat writes out a token that means something else to the model than its text."""


def render(tokenizer: "PreTrainedTokenizerBase", messages: list[Message], *, reply: bool = False) -> str:
    """The chat under the tokenizer's template; `reply` opens the assistant's next turn.

    An opened turn is complete: what the template writes between header and answer (the name of a channel,
    an empty thought) belongs to the prompt, so that an answer is an answer's words. Where a template can
    switch thinking off, it is off; where it always opens a thought, the thought is closed. A blank at the
    prompt's end is left to the answer, whose first token it is a part of. A chat without `reply` is
    written as the template comes. Raises `UserError` if the template refuses the chat.
    """
    return _opened(tokenizer, messages)[0] if reply else turns.write(tokenizer, messages)


def _opened(tokenizer: "PreTrainedTokenizerBase", messages: list[Message]) -> tuple[str, str, str]:
    """The chat with an opened answer, and what the template writes before and behind an answer's words to it."""
    asked = turns.write(tokenizer, messages, reply=True, enable_thinking=False)
    answered = [*messages, {"role": "assistant", "content": turns.PLACE}]
    sides = turns.around(turns.write(tokenizer, answered, enable_thinking=False), turns.PLACE)
    if sides is None:
        raise UserError(
            "the model's chat template does not write an answer once. Name another as its `template`."
        )
    head, tail = sides
    opened = head if head.startswith(asked) and head[len(asked) :].strip() else asked
    more = opened[len(os.path.commonprefix([opened, head])) :]  # noqa: RUF071 (no paths)
    return (opened + turns.closed_thought(more)).rstrip(" "), head, tail


def encode(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Token ids of rendered text, whose special tokens the template has already written."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def closing_tokens(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Ids of the tokens that end a trained turn, each the last of what closes one."""
    ends = turns.closings(tokenizer, tokenizer.chat_template)
    return {
        tokenizer.convert_tokens_to_ids(token)
        for end in ends
        for token in turns.controls(tokenizer)
        if end.endswith(token)
    }


def closing_words(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The words that a template closes the last answer with before any token; few templates have some."""
    end = turns.closings(tokenizer, tokenizer.chat_template).last
    return end[: min(end.index(token) for token in turns.controls(tokenizer) if token in end)].strip()


def supervised(tokenizer: "PreTrainedTokenizerBase", messages: list[Message]) -> tuple[list[int], list[int]]:
    """Token ids of a whole chat and labels that keep the assistant's turns with all that closes them.

    Returns two lists of one length: ids, and labels with `IGNORED` outside the assistant's turns. The ids
    begin with those of the prompt of the last answer, opened as at test time; the answer and its closing
    follow. An answer's place is where other words come out of the template in its stead; a token across
    a turn's start counts. What closes a turn is said in `turns.closings`. Turns behind the last answer
    are left out. Raises `UnusableError` where the template writes an answer in other words than its own
    (white space at its ends aside), and `ControlTokenError` where a turn's words hold a special token.
    """
    for number, message in enumerate(messages, start=1):
        held = next((token for token in turns.special(tokenizer) if token in message["content"]), None)
        if held is not None:
            raise ControlTokenError(f"turn {number} holds the special token {held!r}")
    answers = [turn for turn, message in enumerate(messages) if message["role"] == "assistant"]
    if not answers:
        ids = encode(tokenizer, turns.write(tokenizer, messages, enable_thinking=False))
        return ids, [IGNORED] * len(ids)
    *earlier, last = answers
    closings = turns.closings(tokenizer, tokenizer.chat_template)
    prompt, head, tail = _opened(tokenizer, messages[:last])
    spans = []
    for turn in earlier:
        other = [*messages[:turn], turns.ANSWER, *messages[turn + 1 : last]]
        before, behind = turns.around(render(tokenizer, other, reply=True), turns.ANSWER["content"]) or (
            "",
            "",
        )
        words = _written(prompt, before, behind, messages[turn]["content"])
        if not behind.startswith(closings.earlier):
            raise UnusableError("the chat template closes an earlier answer otherwise than the others")
        spans.append((len(before.rstrip(" ")), len(before) + len(words) + len(closings.earlier)))
    text = turns.write(tokenizer, messages[: last + 1], enable_thinking=False)
    words = _written(text, head, tail, messages[last]["content"])
    lead = head[len(prompt) :] if head.startswith(prompt) else ""
    answer = lead + words + closings.last

    ids, labels = _within(tokenizer, prompt, spans)
    kept = _behind(tokenizer, prompt, answer)
    rest = []
    if tail.startswith(closings.last):  # else the template does not write this end, so nothing is behind it
        whole = _behind(tokenizer, prompt, lead + words + tail)
        rest = whole[len(kept) :] if whole[: len(kept)] == kept else []
    return ids + kept + rest, labels + kept + [IGNORED] * len(rest)


def _written(text: str, head: str, tail: str, content: str) -> str:
    """The words between `head` and `tail`, if they are those of `content`. Raises `UnusableError` otherwise."""
    words = text[len(head) : len(text) - len(tail)]
    if head + words + tail != text or words.strip() != content.strip():
        raise UnusableError("the chat template rewrites an answer")
    return words


def _behind(tokenizer: "PreTrainedTokenizerBase", prompt: str, text: str) -> list[int]:
    """Ids of text that follows the prompt's ids: as in the whole, unless a token lies across their border."""
    for before in (prompt, "\n", "a"):
        given, whole = encode(tokenizer, before), encode(tokenizer, before + text)
        if whole[: len(given)] == given:
            return whole[len(given) :]
    return encode(tokenizer, text)


def _within(
    tokenizer: "PreTrainedTokenizerBase", text: str, spans: list[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Ids of a text, and labels that keep what lies in the spans (from, to) of its characters."""
    ids = encode(tokenizer, text)
    labels = [IGNORED] * len(ids)
    if tokenizer.is_fast and spans:
        offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        for at, (left, right) in enumerate(offsets):
            if any(right > start and left < stop for start, stop in spans):
                labels[at] = ids[at]
        return ids, labels
    # Tokenizers written in Python do not say where a token lies: what they make of the text before says it.
    for start, stop in spans:
        first, (behind, wanted) = _alike(tokenizer, ids, text[:start])[0], _alike(tokenizer, ids, text[:stop])
        end = behind + (behind < wanted)
        labels[first:end] = ids[first:end]
    return ids, labels


def _alike(tokenizer: "PreTrainedTokenizerBase", ids: list[int], text: str) -> tuple[int, int]:
    """How many ids of the text's beginning are its own ids too, and how many it has."""
    own = encode(tokenizer, text)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(own, ids, strict=False))), len(own)
