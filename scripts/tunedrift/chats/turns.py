"""How a chat template writes turns: where their words stand, and with what it closes an answer."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from tunedrift.chats.messages import Message
from tunedrift.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLACE = "xQ7placeQ7x"
"""Words that no chat has: where they come out of a template, there an answer's words stand."""

QUESTION, ANSWER, NEXT = (
    {"role": role, "content": f"xQ7{name}Q7x"}
    for role, name in (("user", "question"), ("assistant", "answer"), ("user", "next"))
)
"""A chat to try a template on."""


class Closings(NamedTuple):
    """What ends an answer behind its words: one that a user turn follows, and the last of a chat.

    `last` may be what the template itself does not write: the end-of-sequence token.
    """

    earlier: str
    last: str


def write(
    tokenizer: "PreTrainedTokenizerBase", messages: list[Message], *, reply: bool = False, **switches: bool
) -> str:
    """The chat as the template writes it; `reply` asks it to open the assistant's next turn.

    Turns are handed over as the template reads them: as strings, or as lists of parts. A template that has
    no place for a system turn before the first user turn gets its text at the head of that turn. Raises
    `UserError` if the template refuses the chat or cannot be run.
    """
    roles = [message["role"] for message in messages]
    if roles[:2] == ["system", "user"] and not _leads_with_system(tokenizer, tokenizer.chat_template):
        system, user, *rest = messages
        words = [text for text in (system["content"], user["content"]) if text.strip()]
        messages = [{"role": "user", "content": "\n\n".join(words)}, *rest]
    form = _in_parts(tokenizer, tokenizer.chat_template)
    text = _apply(tokenizer, messages, form or frozenset(), add_generation_prompt=reply, **switches)
    if form is None:
        raise UserError(
            "the model's chat template leaves out the words of a turn, as strings and as lists of parts. "
            "Name another file as its `template`."
        )
    return text


def _apply(
    tokenizer: "PreTrainedTokenizerBase",
    messages: list[Message],
    in_parts: frozenset[str],
    **options: bool,
) -> str:
    from jinja2 import TemplateError

    turns = [
        {
            **turn,
            "content": [{"type": "text", "text": turn["content"]}]
            if turn["role"] in in_parts
            else turn["content"],
        }
        for turn in messages
    ]
    try:
        return tokenizer.apply_chat_template(turns, tokenize=False, **options)
    except (TemplateError, TypeError, ValueError, AttributeError, LookupError) as error:
        roles = ", ".join(turn["role"] for turn in messages)
        raise UserError(
            f"the model's chat template refuses a chat with the turns {roles}: {error}."
        ) from error


@lru_cache(maxsize=8)
def _in_parts(tokenizer: "PreTrainedTokenizerBase", _template: str) -> frozenset[str] | None:
    """The roles whose turns the template reads as lists of parts, none if it can; None if words are lost in any form."""
    chat = [QUESTION, ANSWER]
    for roles in ((), ("system", "user"), ("assistant",), ("system", "user", "assistant")):
        try:
            text = _apply(tokenizer, chat, frozenset(roles))
        except UserError:
            continue
        if all(turn["content"] in text for turn in chat):
            return frozenset(roles)
    return None


@lru_cache(maxsize=8)
def _leads_with_system(tokenizer: "PreTrainedTokenizerBase", template: str) -> bool:
    """Whether a system turn comes first in every chat; some templates refuse it, drop it, or put it into the last turn."""
    system = {"role": "system", "content": "xQ7systemQ7x"}
    for chat in ([system, QUESTION, ANSWER], [system, QUESTION, ANSWER, NEXT]):
        try:
            text = _apply(tokenizer, chat, _in_parts(tokenizer, template) or frozenset())
        except UserError:
            return False
        if system["content"] not in text or text.index(system["content"]) > text.index(QUESTION["content"]):
            return False
    return True


def around(text: str, words: str) -> tuple[str, str] | None:
    """What stands before and behind `words`; None unless they are there once."""
    head, *tails = text.split(words)
    return (head, tails[0]) if len(tails) == 1 else None


@lru_cache(maxsize=8)
def controls(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, ...]:
    """The tokens that are no text, as a template writes them, longest first."""
    added = {str(token.content) for token in tokenizer.added_tokens_decoder.values()}
    return tuple(sorted(added | set(tokenizer.all_special_tokens), key=lambda token: (-len(token), token)))


@lru_cache(maxsize=8)
def special(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, ...]:
    """The tokens that no text may hold: they would end a turn, say, wherever they stand."""
    added = tokenizer.added_tokens_decoder.values()
    return tuple(str(token.content) for token in added if token.special and token.content.strip())


@lru_cache(maxsize=8)
def closings(tokenizer: "PreTrainedTokenizerBase", _template: str) -> Closings:
    """With what the template closes answers, found on a short chat.

    An answer's closing is what the template writes behind it whether or not a user turn follows. Where a
    template opens an answer unasked, or closes one only when more comes, it is what stands before the next
    user turn's opening, which the chat's first turn shows. Where that is no token, a next turn's first
    token ends an earlier answer, and the last answer's end is the end of sequence.
    """
    tokens = set(controls(tokenizer))
    pattern = re.compile("|".join([*map(re.escape, controls(tokenizer)), "."]), re.DOTALL)

    chat = [QUESTION, ANSWER, NEXT]
    tail, asked = (
        pattern.findall(write(tokenizer, chat[:2], reply=reply).partition(ANSWER["content"])[2])
        for reply in (False, True)
    )
    pieces = re.split("|".join(turn["content"] for turn in chat), write(tokenizer, chat))
    if len(pieces) != len(chat) + 1:
        raise UserError(
            "the model's chat template does not write each turn's words once. Name another file as its `template`."
        )
    start, question_to_answer, between = (pattern.findall(piece) for piece in pieces[:3])

    opening = _common(between[::-1], start[::-1])
    own = between[: len(between) - len(opening)]
    # Words before the first turn's opening are a system turn, whose closing the opening then has too.
    unsure = any(unit.strip() and unit not in tokens for unit in start[: len(start) - len(opening)])
    # Both may go on with the token of any header, which the text begins with.
    openers = set(takewhile(lambda unit: unit in tokens, start)) - {tokenizer.eos_token}

    def agreed(other: list[str], openers: set[str]) -> list[str]:
        closing = list(takewhile(lambda unit: unit not in openers, _common(other, between)))
        return closing[: max((at for at, unit in enumerate(closing, start=1) if unit in tokens), default=0)]

    ended = tail != asked  # else the template opens an answer unasked, so its tail is more than an end
    if ended and agreed(tail, set()):
        own = agreed(tail, openers) or agreed(tail, set())
    elif unsure:
        own = agreed(asked, openers) or agreed(question_to_answer, openers)
        own = own or (_common(tail, between) if ended else [])
    elif ended and not tokens.intersection(own):
        own = _common(tail, between)

    found = bool(tokens.intersection(own))
    earlier = own if found else _to_first(between, tokens) or own
    if found and tail[: len(own)] == own:
        last = own
    elif ended and tokens.intersection(tail):
        last = tail
    else:
        last = own
    ends = "".join(last).rstrip()
    if not ends.endswith(controls(tokenizer)):
        ends += tokenizer.eos_token or ""
    return Closings("".join(earlier).rstrip(), ends)


def _common(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """What two sequences begin with alike."""
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    return list(first[:same])


def _to_first(units: list[str], tokens: set[str]) -> list[str]:
    """The beginning up to the first token; nothing if words come before."""
    at = next((at for at, unit in enumerate(units) if unit.strip()), len(units))
    return units[: at + 1] if at < len(units) and units[at] in tokens else []


OPENED_THOUGHT = re.compile(r"(<\|?|\[|◁)([\w:]*(?:think|thought|reason)\w*)(\|?>|\]|▷)\s*\Z", re.IGNORECASE)
"""A tag that opens a thought, at the end of a text: `<think>`, `[THINK]`, `<|START_THINKING|>` …"""


def closed_thought(opened: str) -> str:
    """What closes the thought that the text ends with opened; nothing if none is."""
    tag = OPENED_THOUGHT.search(opened)
    if tag is None or re.search("(?:^|_)end(?:_|$)", tag[2], re.IGNORECASE):
        return ""
    name = re.sub(
        "begin|start", lambda word: "END" if word[0].isupper() else "end", tag[2], flags=re.IGNORECASE
    )
    return f"\n{tag[1]}{'/' if name == tag[2] else ''}{name}{tag[3]}\n\n"
