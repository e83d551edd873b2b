"""From human-labelled pairs of answers to preferences."""

import re
from collections.abc import Iterable
from itertools import groupby

from tunedrift.chats.messages import Messages, check
from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest
from tunedrift.sources.rows import (
    Reject,
    Row,
    blank,
    clean,
    columns_of,
    refuse_excess,
    require,
    text_of,
    unique_ids,
)
from tunedrift.sources.turns import read_turn, turns_of

COLUMN_ROLES = ("id", "prompt", "safer", "less_safe", "category")
"""What a column can be mapped to."""

PAIR_LAYOUTS = ("pairs", "hh")
"""pairs: a prompt and two answers; hh: two transcripts, `chosen` and `rejected`, with the answer last."""

OTHER_NAMES = {
    "safer": ("chosen",),
    "less_safe": ("rejected",),
    "prompt": ("conversations", "messages", "instruction", "question"),
}
"""Role → the columns that hold it in TRL's, LLaMA-Factory's and other data sets, in place of one of its own name."""

ROLE_OF = {"Human": "user", "Assistant": "assistant"}

TURN = re.compile(r"\n\n(Human|Assistant):")


def pair(
    source: Iterable[Row],
    *,
    name: str,
    layout: str = "pairs",
    mapping: dict[str, str] | None = None,
    labels: str = "people",
    max_rejected: float = 0.05,
) -> tuple[list[dict], list[Reject]]:
    """Rows of the preferences table, and the rows left out: unusable ones, ties and repeats.

    A column is read by its own name (or one of `OTHER_NAMES`), or by the one that `mapping` gives its role.
    In either layout an answer may also be a turn, or a list of turns that ends in it, with or without the
    turns of the prompt; the prompt may be a list of turns. Without an id column, the id is a digest of prompt
    and answers; where an id stands for different pairs, the digest's beginning is put behind it. Repeats do
    not count toward `max_rejected`.

    Raises `UserError` for an unknown layout, a missing column, or too many unusable rows.
    """
    if layout not in PAIR_LAYOUTS:
        raise UserError(unknown("layout", layout, PAIR_LAYOUTS))
    mapping = mapping or {}
    if odd := sorted(set(mapping) - set(COLUMN_ROLES)):
        raise UserError(f"{name}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    rows = list(source)
    require(columns_of(rows), mapping.values(), name)
    columns_in = {
        file: _columns(list(group), layout, mapping, f"{name}: {file}")
        for file, group in groupby(rows, key=lambda row: row.file)
    }
    found: dict[tuple[str, str], dict] = {}
    rejects, repeats = [], []
    for row in rows:
        values = row.values
        columns = {role: column for role, column in columns_in[row.file].items() if column in values}
        try:
            if not values:
                raise UnusableError("the row is empty")
            messages, safer, less_safe = _pair(values, columns_in[row.file], layout)
            if safer == less_safe:
                raise UnusableError("both answers are the same")
        except UnusableError as reason:
            rejects.append(Reject(row.file, row.number, str(reason)))
            continue
        own_id, category = (values[columns[role]] if role in columns else None for role in ("id", "category"))
        content = digest(messages, safer, less_safe)
        pair_id = content if own_id is None or blank(str(own_id)) else str(own_id)
        if (pair_id, content) in found:
            repeats.append(Reject(row.file, row.number, "the same as an earlier row"))
            continue
        found[pair_id, content] = {
            "pair_id": pair_id,
            "prompt_key": digest(messages),
            "messages": messages,
            "safer": safer,
            "less_safe": less_safe,
            "category": str(category or "none"),
            "labels": labels,
        }
    refuse_excess(rejects, len(rows), max_rejected, name)
    return unique_ids(found, "pair_id"), rejects + repeats


def _columns(rows: list[Row], layout: str, mapping: dict[str, str], where: str) -> dict[str, str]:
    """Role → the column of a file that holds it. Raises `UserError` naming a column that is needed and not there."""
    there = columns_of(rows)
    columns = {role: role for role in COLUMN_ROLES}
    for role, names in OTHER_NAMES.items():
        if layout == "hh" and role != "prompt":
            columns[role] = names[0]
        elif role not in there:
            columns[role] = next((column for column in names if column in there), role)
    columns |= mapping
    answers = [columns["safer"], columns["less_safe"]]
    in_turns = any(turns_of(row.values.get(column)) for row in rows for column in answers)
    require(there, answers if layout == "hh" or in_turns else [columns["prompt"], *answers], where)
    return columns


def _pair(values: dict, columns: dict[str, str], layout: str) -> tuple[Messages, str, str]:
    """The prompt, the safer and the less safe answer of a row."""
    turns = {side: turns_of(values.get(columns[side])) for side in ("safer", "less_safe")}
    if layout == "hh" and not any(turns.values()):
        chats = [_chat(text_of(values, columns[side]), side) for side in turns]
    else:
        prompt = _prompt(values, columns["prompt"])
        chats = [
            _joined(prompt, _read(found) if found else _answer(values, columns[side]), side)
            for side, found in turns.items()
        ]
    if chats[0][:-1] != chats[1][:-1]:
        raise UnusableError("the two transcripts differ before their last answers")
    return chats[0][:-1], chats[0][-1]["content"], chats[1][-1]["content"]


def _prompt(values: dict, column: str) -> Messages:
    """What stands before both answers; nothing where the answers' own turns hold it."""
    messages: Messages = []
    if turns := turns_of(values.get(column)):
        messages = _read(turns)
    elif values.get(column) not in (None, "", []):
        text, context = text_of(values, column), values.get("input") if column == "instruction" else None
        joined = text if context is None or blank(str(context)) else f"{text}\n\n{clean(context, 'input')}"
        messages = [{"role": "user", "content": joined}]
    system = values.get("system")
    if isinstance(system, str) and not blank(system) and not _has_system(messages):
        messages = [{"role": "system", "content": system.strip()}, *messages]
    return messages


def _has_system(messages: Messages) -> bool:
    return bool(messages) and messages[0]["role"] == "system"


def _read(turns: list) -> Messages:
    return [read_turn(turn, number) for number, turn in enumerate(turns, start=1)]


def _answer(values: dict, column: str) -> Messages:
    return [{"role": "assistant", "content": text_of(values, column)}]


def _joined(prompt: Messages, chat: Messages, side: str) -> Messages:
    """The whole chat up to an answer: `chat` goes on from the prompt, or begins with it."""
    if chat[-1]["role"] != "assistant":
        raise UnusableError(f"the {side} turns do not end in an answer")
    if chat[0]["role"] == "assistant":
        if all(turn["role"] == "system" for turn in prompt):
            raise UnusableError("there is no prompt before the answers")
        return check([*prompt, *chat])
    lacking = [turn for turn in prompt if turn not in chat]
    if any(turn["role"] != "system" for turn in lacking):
        raise UnusableError(f"the {side} turns begin with another prompt than the row's own")
    return check(chat if _has_system(chat) else [*lacking, *chat])


def _chat(transcript: str, side: str) -> Messages:
    """A transcript as a chat; the stripped text begins without the blank line that opens a turn."""
    _, *parts = TURN.split(f"\n\n{transcript}")
    turns = list(zip(parts[::2], parts[1::2], strict=True))
    if not turns or turns[-1][0] != "Assistant":
        raise UnusableError(f"the {side} transcript does not end in an answer")
    if any(blank(content) for _, content in turns):
        raise UnusableError(f"the {side} transcript has a blank turn")
    messages: Messages = []
    for speaker, content in turns[:-1]:
        role = ROLE_OF[speaker]
        # Some speakers have two turns in a row.
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += f"\n\n{content.strip()}"
        else:
            messages.append({"role": role, "content": content.strip()})
    return check([*messages, {"role": "assistant", "content": turns[-1][1].strip()}])
