"""From human-labelled pairs of answers to preferences."""

import re
from collections.abc import Iterable

from tunedrift.chats.messages import Messages, check
from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest
from tunedrift.sources.rows import Reject, Row, refuse_excess, require, text_of

COLUMN_ROLES = ("id", "prompt", "safer", "less_safe", "category")
"""What a column can be mapped to."""

PAIR_LAYOUTS = ("pairs", "hh")
"""pairs: a prompt and two answers; hh: two transcripts, `chosen` and `rejected`, with the answer last."""

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

    A column is read by its own name or by the one that `mapping` gives its role. Without an id column,
    the id is a digest of prompt and answers. Repeats do not count toward `max_rejected`.

    Raises `UserError` for an unknown layout, a missing column, an id given twice, or too many unusable rows.
    """
    if layout not in PAIR_LAYOUTS:
        raise UserError(unknown("layout", layout, PAIR_LAYOUTS))
    if odd := sorted(set(mapping or {}) - set(COLUMN_ROLES)):
        raise UserError(f"{name}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    columns = {role: role for role in COLUMN_ROLES} | (
        {"safer": "chosen", "less_safe": "rejected"} if layout == "hh" else {}
    )
    columns |= mapping or {}
    needed = ("safer", "less_safe") if layout == "hh" else ("prompt", "safer", "less_safe")
    pairs: dict[str, dict] = {}
    rejects, repeats, total = [], [], 0
    for row in source:
        total += 1
        require(row.values, [columns[role] for role in needed], f"{name}: {row.file}")
        values = {role: row.values[column] for role, column in columns.items() if column in row.values}
        try:
            messages, safer, less_safe = _transcripts(values) if layout == "hh" else _answers(values)
            if safer == less_safe:
                raise UnusableError("both answers are the same")
        except UnusableError as reason:
            rejects.append(Reject(row.file, row.number, str(reason)))
            continue
        named = values.get("id") not in (None, "")
        pair_id = str(values["id"]) if named else digest(messages, safer, less_safe)
        if pair_id in pairs:
            if named:
                raise UserError(f"{name}: {row.file}, row {row.number}: the id {pair_id!r} occurs twice.")
            repeats.append(Reject(row.file, row.number, "the same as an earlier row"))
            continue
        pairs[pair_id] = {
            "pair_id": pair_id,
            "prompt_key": digest(messages),
            "messages": messages,
            "safer": safer,
            "less_safe": less_safe,
            "category": str(values.get("category") or "none"),
            "labels": labels,
        }
    refuse_excess(rejects, total, max_rejected, name)
    return list(pairs.values()), rejects + repeats


def _answers(values: dict) -> tuple[Messages, str, str]:
    prompt, safer, less_safe = (text_of(values, role) for role in ("prompt", "safer", "less_safe"))
    return [{"role": "user", "content": prompt}], safer, less_safe


def _transcripts(values: dict) -> tuple[Messages, str, str]:
    chats = [_chat(text_of(values, side), side) for side in ("safer", "less_safe")]
    if chats[0][:-1] != chats[1][:-1]:
        raise UnusableError("the two transcripts differ before their last answers")
    return chats[0][:-1], chats[0][-1]["content"], chats[1][-1]["content"]


def _chat(transcript: str, side: str) -> Messages:
    """A transcript as a chat; the stripped text begins without the blank line that opens a turn."""
    _, *parts = TURN.split(f"\n\n{transcript}")
    turns = list(zip(parts[::2], parts[1::2], strict=True))
    if not turns or turns[-1][0] != "Assistant":
        raise UnusableError(f"the {side} transcript does not end in an answer")
    if any(not content.strip() for _, content in turns):
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
