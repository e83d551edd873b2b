"""Turns of a chat as data sets write them: `{"role": …, "content": …}`, `{"from": …, "value": …}` and their like."""

import json
from typing import Any

from tunedrift.errors import UnusableError
from tunedrift.sources.rows import clean

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

TRAINED_ON = ("weight", "train", "training", "trainable", "loss", "loss_scale", "output_with_loss")
"""Fields of an answer, of several tools, that say whether it is trained on: 1 or true for yes, 0 or false for no."""

NO_TEXT = ("tool_calls", "function_call", "train_detail")
"""Fields of an answer that say more of it than a text can hold."""

ROLE_FIELDS = frozenset(("role", "from"))
"""Fields, one of which every turn has."""

READ = frozenset((*ROLE_FIELDS, "content", "value", *TRAINED_ON, *NO_TEXT))
"""Fields of an answer that are read."""


def listed(value: object) -> object:
    """A list that a CSV file holds as JSON text; any other value as it is."""
    return _parsed(value, "[")


def turns_of(value: object) -> list | None:
    """The turns in a list, in one object, or in JSON text of either; None for any other value, such as a text."""
    found = _parsed(value, ("[", "{"))
    turns = found if isinstance(found, list) else [found]
    if not any(isinstance(turn, dict) for turn in turns):
        return None
    # An answer may itself be JSON.
    if isinstance(value, str) and not all(
        isinstance(turn, dict) and turn.keys() & ROLE_FIELDS for turn in turns
    ):
        return None
    return turns


def _parsed(value: object, beginning: str | tuple[str, ...]) -> object:
    if isinstance(value, str) and value.lstrip().startswith(beginning):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def read_turn(turn: object, number: int) -> dict[str, str]:
    """The turn with `role` and `content` alone, an answer with the indentation of its first line.

    Raises `UnusableError`, which calls it turn `number`, where it is no turn or holds more than text.
    """
    if not isinstance(turn, dict):
        raise UnusableError(f"turn {number} is not an object")
    role = turn.get("role") or turn.get("from")
    known = TURN_ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise UnusableError(f"turn {number} has the role {repr(role)[:80]}")
    for field in NO_TEXT:
        if turn.get(field):
            raise UnusableError(f"turn {number} has {field!r}, which cannot be trained on as text")
    content = turn["content"] if "content" in turn else turn.get("value")
    if isinstance(content, list):
        parts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in content]
        if not all(isinstance(part, str) for part in parts):
            raise UnusableError(f"turn {number} holds something other than text")
        content = "".join(parts)
    return {"role": known, "content": clean(content, f"turn {number}", answer=known == "assistant")}


def without_loss(turn: dict, number: int) -> str | None:
    """The field by which an answer carries no loss, None where it does.

    Raises `UnusableError` for a value that is neither yes nor no.
    """
    for field in TRAINED_ON:
        value = turn.get(field)
        if value is None:
            continue
        if isinstance(value, str):
            value = {"true": 1, "1": 1, "1.0": 1, "false": 0, "0": 0, "0.0": 0}.get(
                value.strip().lower(), value
            )
        if value not in (0, 1):
            raise UnusableError(
                f"turn {number} has {field!r}: {repr(value)[:40]}; only 0 and 1 can be honoured"
            )
        if value == 0:
            return field
    return None


def unread_fields(turn: dict) -> list[str]:
    """Fields of a turn that hold something and are not read, in its order."""
    answer = TURN_ROLES.get(str(turn.get("role") or turn.get("from")).strip().lower()) == "assistant"
    read = READ if answer else READ - set(TRAINED_ON)
    return [
        field for field, value in turn.items() if field not in read and value not in (None, "", [], {}, 0)
    ]
