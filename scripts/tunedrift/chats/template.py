"""Chats as text and tokens: the model's own chat template, and which tokens are the assistant's."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from tunedrift.chats.messages import Message
from tunedrift.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that carries no loss (PyTorch's cross-entropy default)."""


def render(tokenizer: "PreTrainedTokenizerBase", messages: list[Message], *, reply: bool = False) -> str:
    """The chat under the tokenizer's template; `reply` opens the assistant's next turn.

    A template that has no place for a system turn before the first user turn gets its text at the
    head of that turn. Where a template can switch thinking off, it is off. Raises `UserError` if the
    template refuses the chat.
    """
    from jinja2 import TemplateError

    roles = [message["role"] for message in messages]
    if roles[:2] == ["system", "user"] and not _leads_with_system(tokenizer, tokenizer.chat_template):
        system, user, *rest = messages
        messages = [{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}, *rest]
    try:
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=reply, enable_thinking=False
        )
    except TemplateError as error:
        raise UserError(
            f"the model's chat template refuses a chat with the turns {', '.join(roles)}: {error}."
        ) from error


@lru_cache(maxsize=8)
def _leads_with_system(tokenizer: "PreTrainedTokenizerBase", _template: str) -> bool:
    """Whether a system turn comes first in every chat; some templates refuse it, drop it, or put it into the last turn."""
    from jinja2 import TemplateError

    system, user = "words of the system", "words of the user"
    turns = [{"role": role, "content": f"words of the {role}"} for role in ("system", "user", "assistant")]
    for messages in (turns, [*turns, {"role": "user", "content": "more words"}]):
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False)
        except TemplateError:
            return False
        if system not in text or text.index(system) > text.index(user):
            return False
    return True


def encode(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Token ids of rendered text, whose special tokens the template has already written."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def supervised(tokenizer: "PreTrainedTokenizerBase", messages: list[Message]) -> tuple[list[int], list[int]]:
    """Token ids of a whole chat and labels that keep the assistant's turns, stop token included.

    Returns two lists of one length: ids, and labels with `IGNORED` outside the assistant's turns.
    A turn runs from the end of the opened prompt to the last visible character that the template
    closes it with, so a stop token counts and the line break behind it does not; a token across a
    turn's start counts. Where a template writes an answer otherwise than it opens one (with a thought,
    say), the turn is found by its words. An end-of-sequence token behind a stop token ends the text
    and no turn. A template that closes a turn with nothing gets the tokenizer's end-of-sequence token
    at the chat's end.
    """
    text = render(tokenizer, messages)
    special = tuple(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    spans = []
    for turn, message in enumerate(messages):
        if message["role"] == "assistant":
            opened = render(tokenizer, messages[:turn], reply=True)
            closed = render(tokenizer, messages[: turn + 1]).rstrip()
            start, content = len(opened), message["content"].strip()
            if not text.startswith(opened) and content in closed:
                before = os.path.commonprefix([text, render(tokenizer, messages[:turn])])  # noqa: RUF071 (no paths)
                start = text.find(content, len(before))
                closed = text[:start] + closed[closed.rindex(content) :]
            ended = closed.removesuffix(tokenizer.eos_token or "").rstrip()
            if len(ended) > start and ended.endswith(special):  # that token ended the text, not the turn
                closed = ended
            if start < 0 or not text.startswith(closed):
                raise UserError(
                    "the model's chat template rewrites earlier turns, so answers cannot be told apart."
                )
            spans.append((start, len(closed)))
    ids, labels = (_by_offsets if tokenizer.is_fast else _by_pieces)(tokenizer, text, spans)
    kept = [token for token in labels if token != IGNORED]
    if kept and tokenizer.convert_ids_to_tokens(kept[-1]) not in special:
        ids, labels = [*ids, tokenizer.eos_token_id], [*labels, tokenizer.eos_token_id]
    return ids, labels


def _by_offsets(
    tokenizer: "PreTrainedTokenizerBase", text: str, spans: list[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = encoded["input_ids"]
    labels = [
        token if any(right > start and left < stop for start, stop in spans) else IGNORED
        for token, (left, right) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    return ids, labels


def _by_pieces(
    tokenizer: "PreTrainedTokenizerBase", text: str, spans: list[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """For tokenizers written in Python, which do not say where a token lies: answers are encoded by themselves."""
    ids, labels, end = [], [], 0
    for start, stop in [*spans, (len(text), len(text))]:
        between, answer = (encode(tokenizer, piece) for piece in (text[end:start], text[start:stop]))
        ids += between + answer
        labels += [IGNORED] * len(between) + answer
        end = stop
    return ids, labels
