"""The layouts in which instruction data is published, and how each becomes a chat."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunedrift.chats.messages import Messages, check
from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.sources.rows import blank, clean, require, text_of
from tunedrift.sources.turns import listed, read_turn, unread_fields, without_loss

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

    def turns(self, values: dict) -> list:
        """The turns as they are written; none where there is no list of them."""
        turns = listed(values.get(self.field))
        return turns if isinstance(turns, list) else []

    def unread(self, values: dict) -> list[str]:
        """Columns of a row, and fields of its turns, that are not read."""
        fields = (
            field for turn in self.turns(values) if isinstance(turn, dict) for field in unread_fields(turn)
        )
        return [
            *(column for column in values if column not in self.columns),
            *(f"{self.field}.{field}" for field in dict.fromkeys(fields)),
        ]

    def messages(self, values: dict) -> Messages:
        """The chat up to its last answer that is trained on. Raises `UnusableError`.

        What carries no loss cannot stand before an answer that does: every answer of a chat is trained on.
        """
        turns = self.turns(values)
        if not turns:
            raise UnusableError(f"{self.field!r} is not a list of turns")
        messages = [read_turn(turn, number) for number, turn in enumerate(turns, start=1)]
        no_loss = {
            number: field
            for number, (turn, message) in enumerate(zip(turns, messages, strict=True), start=1)
            if message["role"] == "assistant" and (field := without_loss(turn, number))
        }
        # A log may end in a question that nobody answered.
        while messages and (messages[-1]["role"] != "assistant" or len(messages) in no_loss):
            messages.pop()
        for number, field in no_loss.items():
            if not messages:
                raise UnusableError(
                    f"no answer is trained on: {field!r} of turn {number} is {turns[number - 1][field]!r}"
                )
            if number <= len(messages):
                raise UnusableError(
                    f"turn {number} has {field!r}: {turns[number - 1][field]!r}, but stands before an answer that is "
                    "trained on; such a turn cannot be left without loss"
                )
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

    def unread(self, values: dict) -> list[str]:
        """Columns of a row that are not read."""
        return [column for column in values if column not in self.columns]

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

    `mapping` gives a column for `prompt` and `answer`, and maybe for `context` and `system`, which a file may lack.
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
        require(columns, (mapping["prompt"], mapping["answer"]), where)
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
        if values.get(column) is not None and not blank(str(values[column])):
            texts.setdefault(clean(values[column], repr(column), answer=answer), column)
    if len(texts) > 1:
        first, second, *_ = texts.values()
        raise UnusableError(f"{first!r} and {second!r} are both filled; map the column that counts")
    return next(iter(texts), None)


def _system(values: dict, columns: tuple[str, ...]) -> Messages:
    text = _one_of(values, columns)
    return [{"role": "system", "content": text}] if text else []


def _history(value: object) -> Messages:
    pairs = listed(value) or []
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise UnusableError("'history' is not a list of [question, answer] pairs")
    turns = []
    for number, (question, answer) in enumerate(pairs, start=1):
        where = f"of pair {number} in 'history'"
        turns.append({"role": "user", "content": clean(question, f"the question {where}")})
        turns.append({"role": "assistant", "content": clean(answer, f"the answer {where}", answer=True)})
    return turns
