"""The layouts in which instruction data is published, and how each becomes a chat."""

from collections.abc import Iterable
from dataclasses import dataclass

from tunedrift.errors import UserError
from tunedrift.settings import nearest

Messages = list[dict[str, str]]

ROLES = {
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
"""A role as data sets write it → as we do."""


class UnusableError(Exception):
    """One row cannot be used; the message is the reason."""


@dataclass(frozen=True)
class Turns:
    """A layout whose rows hold a list of turns under `field`."""

    field: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns a row must have."""
        return (self.field,)

    def messages(self, values: dict) -> Messages:
        """The chat up to its last answer. Raises `UnusableError`."""
        turns = values.get(self.field)
        if not isinstance(turns, list) or not turns:
            raise UnusableError(f"{self.field!r} is not a list of turns")
        messages = [_message(turn, number) for number, turn in enumerate(turns, start=1)]
        # A log may end in a question that nobody answered.
        while messages and messages[-1]["role"] != "assistant":
            messages.pop()
        return check(messages)


@dataclass(frozen=True)
class Fields:
    """A layout with one question and one answer per row, each in a column of its own."""

    prompt: str
    answer: str
    context: str | None = None
    system: str | None = "system"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns a row must have."""
        return (self.prompt, self.answer)

    def messages(self, values: dict) -> Messages:
        """The chat of one question and its answer. Raises `UnusableError`."""
        system, context = (_optional(values, column) for column in (self.system, self.context))
        prompt = text_of(values, self.prompt)
        turns = [("system", system)] if system else []
        turns += [("user", f"{prompt}\n\n{context}" if context else prompt)]
        turns += [("assistant", text_of(values, self.answer))]
        return [{"role": role, "content": content} for role, content in turns]


LAYOUTS = {
    "messages": (Turns("messages"),),
    "sharegpt": (Turns("conversations"),),
    "alpaca": (
        Fields("instruction", "output", context="input"),
        Fields("instruction", "response", context="input"),
    ),
    "dolly": (Fields("instruction", "response", context="context"),),
    "question_answer": (Fields("question", "answer"),),
    "prompt_completion": (Fields("prompt", "completion"), Fields("prompt", "response")),
}
"""Name → the forms in which it is found, the usual one first."""


def choose(
    columns: Iterable[str], *, name: str, mapping: dict[str, str] | None, where: str
) -> Turns | Fields:
    """The layout of a file with these columns: by a column mapping, by name, or detected (`auto`).

    `mapping` gives a column for `prompt` and `answer`, and maybe for `context` and `system`.
    Raises `UserError` naming `where` for an unknown name, a missing column or an unknown layout.
    """
    columns = list(columns)
    if mapping:
        if odd := sorted(set(mapping) - {"prompt", "answer", "context", "system"}):
            raise UserError(f"{odd[0]!r} cannot be mapped: map prompt, answer, context or system.")
        if missing := [role for role in ("prompt", "answer") if role not in mapping]:
            raise UserError(f"the column mapping must name a column for {missing[0]!r}.")
        require(columns, mapping.values(), where)
        return Fields(**{"system": None, **mapping})
    if name == "columns":
        raise UserError(f"{where}: the layout 'columns' needs a column mapping: prompt=…, answer=….")
    if name not in ("auto", *LAYOUTS):
        raise UserError(unknown("layout", name, ("auto", "columns", *LAYOUTS)))
    forms = LAYOUTS[name] if name != "auto" else [form for layout in LAYOUTS.values() for form in layout]
    fits = [form for form in forms if set(form.needs) <= set(columns)]
    if not fits and name != "auto":
        require(columns, forms[0].needs, where)
    if not fits:
        has = ", ".join(repr(column[:40]) for column in columns)
        raise UserError(
            f"{where} has the columns {has}, no known layout ({', '.join(LAYOUTS)}): "
            "map its columns to prompt and answer."
        )
    # Alpaca and Dolly differ in the context's column alone.
    return next((form for form in fits if getattr(form, "context", None) in columns), fits[0])


def require(columns: Iterable[str], needed: Iterable[str], where: str) -> None:
    """Raise `UserError` naming the first needed column that `where` lacks, and those it has."""
    columns = list(columns)
    for column in needed:
        if column not in columns:
            has = ", ".join(repr(name[:40]) for name in columns)
            raise UserError(f"{where} has no column {column!r}; its columns are {has}.")


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence for an unknown name, with the nearest known one where there is one."""
    return f"there is no {what} {name!r}; {nearest(name, sorted(known))}"


def text_of(values: dict, column: str) -> str:
    """The stripped text in a column. Raises `UnusableError` where it is missing, null, blank or no text."""
    if column not in values:
        raise UnusableError(f"no field {column!r}")
    return _clean(values[column], repr(column))


def check(messages: Messages) -> Messages:
    """The chat, if it is an optional system prompt, then turns in alternation from user to assistant.

    Raises `UnusableError` otherwise.
    """
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    if not turns:
        raise UnusableError("no answer")
    for number, message in enumerate(turns):
        expected = "assistant" if number % 2 else "user"
        if message["role"] != expected:
            raise UnusableError(f"turn {number + 1} is by {message['role']}, not by {expected}")
    return messages


def _optional(values: dict, column: str | None) -> str | None:
    blank = column is None or values.get(column) is None or not str(values[column]).strip()
    return None if blank else text_of(values, column)


def _message(turn: object, number: int) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise UnusableError(f"turn {number} is not an object")
    role = turn.get("role") or turn.get("from")
    if role not in ROLES:
        raise UnusableError(f"turn {number} has the role {role!r}")
    content = turn["content"] if "content" in turn else turn.get("value")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        if not all(isinstance(part, str) for part in parts):
            raise UnusableError(f"turn {number} holds something other than text")
        content = "".join(parts)
    return {"role": ROLES[role], "content": _clean(content, f"turn {number}")}


def _clean(value: object, what: str) -> str:
    if value is None:
        raise UnusableError(f"{what} is null")
    if not isinstance(value, str):
        raise UnusableError(f"{what} is not text")
    if not value.strip():
        raise UnusableError(f"{what} is blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnusableError(f"{what} holds half a character") from error
    return value.strip()
