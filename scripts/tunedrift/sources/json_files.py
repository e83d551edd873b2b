"""Rows in JSON text: a list, an object around one, or values one after the other, a line each or not."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tunedrift.errors import UserError

DECODER = json.JSONDecoder(parse_constant=lambda _: None)  # NaN is how pandas writes a null

BROKEN = (ValueError, RecursionError)


def json_rows(
    path: Path, text: str, in_object: Callable[[dict], list | None] = lambda content: None
) -> Iterable[object]:
    """The rows of a .json file: a list, the one list in an object, or values one after the other.

    `in_object` gives the rows in an object that it knows how to read, None for any other.

    Raises `UserError` where the JSON is broken, naming the row, or where it holds something else than rows.
    """
    try:
        content = DECODER.decode(text)
    except BROKEN as error:
        # JSON Lines under the name .json is common.
        if getattr(error, "msg", "") == "Extra data":
            return _values(path, text)
        raise UserError(f"{path}: row {_complete_rows(text) + 1} {_fault(error, text)}") from error
    if isinstance(content, dict):
        rows = in_object(content)
        return _unwrapped(path, content) if rows is None else rows
    if not isinstance(content, list):
        raise UserError(f"{path} must hold a list of objects, one per row.")
    return content


def json_lines(path: Path, text: str) -> Iterable[object]:
    """The rows of a .jsonl file, each on a line or on several; one list of all rows, or an object around it, is read too.

    Raises `UserError` where the JSON is broken, naming the row.
    """
    if text.lstrip().startswith("["):
        return json_rows(path, text)
    try:
        content = DECODER.decode(text)
    except BROKEN:  # as a rule, since a second row follows
        return _values(path, text)
    # One object of lists alone is no row, which has some text.
    lists_alone = isinstance(content, dict) and all(
        isinstance(value, list | dict) for value in content.values()
    )
    return _unwrapped(path, content) if lists_alone else [content]


def _values(path: Path, text: str) -> Iterator[object]:
    start, number = _next(text, 0), 0
    while start < len(text):
        number += 1
        try:
            value, end = DECODER.raw_decode(text, start)
        except BROKEN as error:
            raise UserError(f"{path}: row {number} {_fault(error, text)}") from error
        if isinstance(value, list) and _holds_objects(value) and not _are_turns(value):
            yield from value
            number += len(value) - 1
        else:
            yield value
        start = _next(text, end)


def _next(text: str, position: int) -> int:
    """Where the next row begins: behind white space, byte-order marks and the commas of a list without brackets."""
    while position < len(text) and (text[position].isspace() or text[position] in ",\ufeff"):
        position += 1
    return position


def _unwrapped(path: Path, content: dict) -> list:
    """The rows in an object that holds them under some key, or the object itself as the only row."""
    values = list(content.values())
    if any(_are_turns(value) for value in values):
        return [content]
    keys = [key for key, value in content.items() if isinstance(value, list) and _holds_objects(value)]
    if len(keys) == 1:
        return content[keys[0]]
    if keys:
        raise UserError(
            f"{path} holds several lists of rows: {', '.join(map(repr, keys[:9]))}. Save the one that is meant "
            "as a file of its own."
        )
    if not values or not all(isinstance(value, list | dict) for value in values):
        return [content]
    if not any(values):
        return []
    if _is_table(content):
        raise UserError(
            f"{path} holds its columns one after the other. Save it as a list of rows; in pandas, "
            "to_json(path, orient='records')."
        )
    raise UserError(
        f"{path} holds no rows but entries under headings, such as {next(iter(content))!r}. Write each entry as "
        'a row of one list, with its heading as a field: {"category": …, "prompt": …}.'
    )


def _is_table(content: dict) -> bool:
    """Whether an object is a table that pandas or a like tool wrote: a list per column, or a mapping from row numbers."""
    values = list(content.values())
    if all(isinstance(value, list) for value in values):
        return len(set(map(len, values))) == 1 or {"columns", "data"} <= content.keys()
    if not all(isinstance(value, dict) for value in values):
        return False
    if any(isinstance(entry, list | dict) for value in values for entry in value.values()):
        return False
    by_number = all(key.isdecimal() for value in values for key in value)
    return by_number or all(key.isdecimal() for key in content)


def _holds_objects(value: list) -> bool:
    return any(isinstance(row, dict) for row in value)


def _are_turns(value: object) -> bool:
    turns = value if isinstance(value, list) else [value]
    return any(isinstance(turn, dict) and not {"role", "from"}.isdisjoint(turn) for turn in turns)


def _fault(error: ValueError | RecursionError, text: str) -> str:
    """What is wrong with a row whose JSON cannot be read, and what to do."""
    if isinstance(error, RecursionError):
        return "is nested too deeply to be read. Flatten it."
    if not isinstance(error, json.JSONDecodeError):
        return "holds a number with too many digits to be read. Write it as text."
    fault = f"is broken JSON ({error.msg} at line {error.lineno}, column {error.colno})"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"{fault}: is the file complete?"
    return f"{fault}. Correct it there."


def _complete_rows(text: str) -> int:
    """How many elements of a broken JSON list can be read."""
    position, rows = text.find("[") + 1, 0
    while 0 < position < len(text):
        try:
            _, position = DECODER.raw_decode(text, _next(text, position))
        except BROKEN:
            break
        rows += 1
    return rows
