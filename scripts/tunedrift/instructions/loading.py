"""From rows of a file to instructions: normalised, without what is unusable, repeated or a safety row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby

from tunedrift.chats.messages import Messages
from tunedrift.errors import UnusableError, UserError
from tunedrift.hashing import digest, sample
from tunedrift.instructions.layouts import Fields, Turns, choose
from tunedrift.instructions.safety_rows import SafetyMarks
from tunedrift.sources.rows import Reject, Row, columns_of, refuse_excess, require
from tunedrift.text.languages import language_of_chat

REPEATS = ("rows", "prompts", "none")
"""What is a repeat: the same chat, a chat with the same prompt, or nothing."""

LONGEST_CHAT = 50_000
"""Characters; beyond what a tuning takes, and longer answers take the Markdown reader minutes."""

LOOKED_AT = 100
"""Rows of a file by whose columns its layout is chosen, empty ones aside: the first alone may lack one."""


def load(
    source: Iterable[Row],
    *,
    dataset: str,
    layout: str = "auto",
    mapping: dict[str, str] | None = None,
    max_rejected: float = 0.05,
    repeats: str = "rows",
    safety_rows: SafetyMarks | None = None,
    max_characters: int = LONGEST_CHAT,
    log: Callable[[str], object] = print,
) -> tuple[list[dict], list[Reject]]:
    """Rows of the instructions table, and the rows left out.

    `row_id` is a digest of the chat, so that neither the order nor the name of a file matters. Repeats
    (see `REPEATS`; the first is kept) and the refusals and safety data that `safety_rows` finds are left
    out but are not unusable: they do not count toward `max_rejected`, a share of all rows. A file's own ids
    are not read: one id may stand for many rows. `log` is told which columns and fields of turns were not read.

    Raises `UserError` where no layout fits, no row is usable, or too many rows are not.
    """
    rows: dict[str, dict] = {}
    unusable, left_out = [], []
    known: dict[object, tuple[str, int]] = {}
    unread: dict[str, None] = {}
    total = 0
    for row, form in _laid_out(source, dataset, layout, mapping):
        total += 1
        unread |= dict.fromkeys(form.unread(row.values))
        try:
            if not row.values:
                raise UnusableError("the row is empty")
            messages = form.messages(row.values)
            _check_length(messages, max_characters)
            row_id = digest(messages)
        except UnusableError as error:
            unusable.append(Reject(row.file, row.number, str(error)))
            continue
        if safety_rows and (reason := safety_rows.reason(messages)):
            left_out.append(Reject(row.file, row.number, reason))
            continue
        same = {"rows": row_id, "prompts": digest(messages[:-1]), "none": (row.file, row.number)}[repeats]
        if same in known:
            what = "the same" if repeats == "rows" else "the same prompt"
            file, number = known[same]
            left_out.append(Reject(row.file, row.number, f"{what} as row {number} of {file}"))
            continue
        known[same] = row.file, row.number
        copies = 0
        while row_id in rows:
            copies += 1
            row_id = digest(messages, copies)
        rows[row_id] = {
            "row_id": row_id,
            "messages": messages,
            "source_file": row.file,
            "source_row": row.number,
        }
    if unread:
        log(f"{dataset}: not read: {', '.join(column[:40] or repr(column) for column in unread)}")
    refuse_excess(unusable, total, max_rejected, dataset)
    if not rows:
        raise UserError(
            f"{dataset}: all usable rows are refusals or safety data, the first of them row {left_out[0].row} of "
            f"{left_out[0].file}. Choose other data, or set keep_safety_rows."
        )
    return list(rows.values()), unusable + left_out


def _laid_out(
    source: Iterable[Row], dataset: str, name: str, mapping: dict[str, str] | None
) -> Iterator[tuple[Row, Fields | Turns]]:
    """Each row with the layout of its file. A column that is mapped for some rows alone must be in one file at least."""
    files = {file: list(rows) for file, rows in groupby(source, key=lambda row: row.file)}
    optional = [column for role, column in (mapping or {}).items() if role in ("context", "system")]
    require(columns_of(chain(*files.values())), optional, dataset)
    for file, rows in files.items():
        columns = columns_of(rows) if mapping else columns_of([row for row in rows if row.values][:LOOKED_AT])
        form = choose(columns, name=name, mapping=mapping, where=f"{dataset}: {file}")
        yield from ((row, form) for row in rows)


def hold_out(rows: list[dict], n: int, seed: int, dataset: str) -> tuple[list[dict], list[dict]]:
    """The rows to train on, and about `n` that are not: at least `n`, whole prompts at a time.

    Rows of one prompt stay together, so no prompt is on both sides. Which prompts are held out
    depends on `seed` and the prompts alone. Raises `UserError` where nothing would be left to train on.
    """
    by_prompt: dict[str, list[dict]] = {}
    for row in rows:
        by_prompt.setdefault(digest(row["messages"][:-1]), []).append(row)
    train: list[dict] = []
    held_out: list[dict] = []
    for prompt in sorted(by_prompt, key=lambda prompt: digest("held out", seed, prompt)):
        (held_out if len(held_out) < n else train).extend(by_prompt[prompt])
    if not train:
        raise UserError(
            f"{dataset} has {len(rows)} usable rows; held_out {n} leaves none to train on: lower it."
        )
    return train, held_out


def split(
    rows: list[dict], *, n: int | None, held_out: int, seed: int, dataset: str
) -> tuple[list[dict], list[dict]]:
    """`n` rows to train on (all that are left where n is None), and the rows held out.

    What is held out is drawn first, so that it does not depend on `n`.
    """
    train, held = hold_out(rows, held_out, seed, dataset)
    return sample(train, lambda row: row["row_id"], n, seed, dataset), held


def other_languages(rows: list[dict], own: str) -> Counter[str]:
    """Language → rows of the instructions table that have a turn in it, where it is not the `own` one."""
    found = (language_of_chat(row["messages"], own) for row in rows)
    return Counter(language for language in found if language)


def kind_of(reason: str) -> str:
    """What kind of reject a reason tells of: `safety rows`, `repeats` or `unusable`."""
    if reason.startswith("safety row"):
        return "safety rows"
    return "repeats" if reason.startswith("the same") else "unusable"


def _check_length(messages: Messages, most: int) -> None:
    length = sum(len(message["content"]) for message in messages)
    if length > most:
        raise UnusableError(f"the chat has {length:,} characters, more than max_characters, {most:,}")
