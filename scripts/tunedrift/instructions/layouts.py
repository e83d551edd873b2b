"""The layouts in which instruction data is published, and how each becomes a chat."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunedrift.chats.messages import Messages, check
from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.sources.rows import clean, require, text_of

TURN_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
"""A role as data sets write it, in any case → as we do."""

SYSTEM = ("system", "system_prompt")
"""Columns that hold a chat's system turn beside its questions and answers."""


@dataclass(frozen=True)
class Turns:
    """A layout whose rows hold a list of turns under `field`."""

    field: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns a row must have."""
        return (self.field,)

    @cached_property
    def columns(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset((self.field, *SYSTEM))

    def fits(self, columns: Iterable[str]) -> bool:
        """Whether a file with these columns can be read."""
        return self.field in columns

    def messages(self, values: dict) -> Messages:
        """The chat up to its last answer. Raises `UnusableError`."""
        turns = _listed(values.get(self.field))
        if not isinstance(turns, list) or not turns:
            raise UnusableError(f"{self.field!r} is not a list of turns")
        messages = [_message(turn, number) for number, turn in enumerate(turns, start=1)]
        # A log may end in a question that nobody answered.
        while messages and messages[-1]["role"] != "assistant":
            messages.pop()
        if messages and messages[0]["role"] != "system":
            messages = [*_system(values, SYSTEM), *messages]
        return check(messages)


@dataclass(frozen=True)
class Fields:
    """A layout with one question and one answer per row, each in a column of its own.

    Where several columns are named for one field, a row fills at most one of them. `history` holds
    earlier turns as a list of [question, answer] pairs.
    """

    prompt: str
    answer: tuple[str, ...]
    context: tuple[str, ...] = ()
    system: tuple[str, ...] = SYSTEM
    history: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns a row must have."""
        return (self.prompt, self.answer[0])

    @cached_property
    def columns(self) -> frozenset[str]:
        """All columns that are read."""
        single = (self.prompt,) if self.history is None else (self.prompt, self.history)
        return frozenset((*single, *self.answer, *self.context, *self.system))

    def fits(self, columns: Iterable[str]) -> bool:
        """Whether a file with these columns can be read."""
        return self.prompt in columns and any(column in columns for column in self.answer)

    def messages(self, values: dict) -> Messages:
        """The chat of one question and its answer. Raises `UnusableError`."""
        prompt, context = text_of(values, self.prompt), _one_of(values, self.context)
        answer = _one_of(values, self.answer, answer=True)
        if answer is None:  # says whether it is missing, null or blank
            answer = text_of(values, next(filter(values.__contains__, self.answer), self.answer[0]))
        return [
            *_system(values, self.system),
            *(_history(values[self.history]) if self.history in values else []),
            {"role": "user", "content": f"{prompt}\n\n{context}" if context else prompt},
            {"role": "assistant", "content": answer},
        ]


LAYOUTS: dict[str, Turns | Fields] = {
    "messages": Turns("messages"),
    "sharegpt": Turns("conversations"),
    "alpaca": Fields("instruction", ("output", "response"), ("input", "context"), history="history"),
    "dolly": Fields("instruction", ("response", "output"), ("context", "input"), history="history"),
    "question_answer": Fields("question", ("answer", "response")),
    "prompt_completion": Fields("prompt", ("completion", "response")),
}
"""Name → what its rows hold; the first that fits is taken."""


def choose(
    columns: Iterable[str], *, name: str, mapping: dict[str, str] | None, where: str
) -> Turns | Fields:
    """The layout of a file with these columns: by a column mapping, by name, or detected (`auto`).

    `mapping` gives a column for `prompt` and `answer`, and maybe for `context` and `system`.
    Raises `UserError` naming `where` for an unknown name, a missing column or an unknown layout.
    """
    columns = list(columns)
    if not columns:
        raise UserError(f"{where}: the first rows are empty. Give every row its columns.")
    if mapping:
        if odd := sorted(set(mapping) - {"prompt", "answer", "context", "system"}):
            raise UserError(f"{odd[0]!r} cannot be mapped: map prompt, answer, context or system.")
        if missing := [role for role in ("prompt", "answer") if role not in mapping]:
            raise UserError(f"the column mapping must name a column for {missing[0]!r}.")
        require(columns, mapping.values(), where)
        several: dict[str, Any] = {
            role: (mapping[role],) if role in mapping else () for role in ("answer", "context", "system")
        }
        return Fields(mapping["prompt"], **several)
    if name == "columns":
        raise UserError(f"{where}: the layout 'columns' needs a column mapping: prompt=…, answer=….")
    if name not in ("auto", *LAYOUTS):
        raise UserError(unknown("layout", name, ("auto", "columns", *LAYOUTS)))
    forms: Iterable[Turns | Fields] = [LAYOUTS[name]] if name != "auto" else LAYOUTS.values()
    form = next((form for form in forms if form.fits(columns)), None)
    if form is None and name != "auto":
        require(columns, LAYOUTS[name].needs, where)
    if form is None:
        has = ", ".join(repr(column[:40]) for column in columns)
        raise UserError(
            f"{where} has the columns {has}, no known layout ({', '.join(LAYOUTS)}): "
            "map its columns to prompt and answer."
        )
    return form


def _one_of(values: dict, columns: tuple[str, ...], *, answer: bool = False) -> str | None:
    """The text in the one of the columns that is filled; None where none is."""
    texts: dict[str, str] = {}
    for column in columns:
        if values.get(column) is not None and str(values[column]).strip():
            texts.setdefault(clean(values[column], repr(column), answer=answer), column)
    if len(texts) > 1:
        first, second, *_ = texts.values()
        raise UnusableError(f"{first!r} and {second!r} are both filled; map the column that counts")
    return next(iter(texts), None)


def _system(values: dict, columns: tuple[str, ...]) -> Messages:
    text = _one_of(values, columns)
    return [{"role": "system", "content": text}] if text else []


def _history(value: object) -> Messages:
    pairs = _listed(value) or []
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise UnusableError("'history' is not a list of [question, answer] pairs")
    turns = []
    for number, (question, answer) in enumerate(pairs, start=1):
        where = f"of pair {number} in 'history'"
        turns.append({"role": "user", "content": clean(question, f"the question {where}")})
        turns.append({"role": "assistant", "content": clean(answer, f"the answer {where}", answer=True)})
    return turns


def _listed(value: object) -> object:
    """A list that a CSV file holds as JSON text; any other value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _message(turn: object, number: int) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise UnusableError(f"turn {number} is not an object")
    role = turn.get("role") or turn.get("from")
    known = TURN_ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise UnusableError(f"turn {number} has the role {repr(role)[:80]}")
    content = turn["content"] if "content" in turn else turn.get("value")
    if isinstance(content, list):
        parts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in content]
        if not all(isinstance(part, str) for part in parts):
            raise UnusableError(f"turn {number} holds something other than text")
        content = "".join(parts)
    return {"role": known, "content": clean(content, f"turn {number}", answer=known == "assistant")}
