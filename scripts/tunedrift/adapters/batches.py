"""What one step of tuning sees: tokenised chats, the order in which they come, and padded batches."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tunedrift.chats import template
from tunedrift.errors import UnusableError, UserError
from tunedrift.hashing import digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

POOL = 50
"""Batches that are drawn together and then grouped by length: more saves padding, fewer keeps order random."""


@dataclass(frozen=True)
class Example:
    """One chat: token ids and labels of one length, and the length by which it is grouped."""

    row_id: str
    ids: list[int]
    labels: list[int]
    length: int


class Rejected(NamedTuple):
    """A row that cannot be trained on: the reason in one word, and what there is to say of it."""

    row_id: str
    reason: str
    said: str = ""


def examples(
    tokenizer: "PreTrainedTokenizerBase", rows: Iterable[dict], max_length: int
) -> tuple[list[Example], list[Rejected]]:
    """Tokenised chats of rows of the variants table, and the rows that were rejected.

    A chat of more than `max_length` tokens is rejected rather than cut (`too_long`): a cut answer has
    no end. A chat without a supervised token teaches nothing (`no_answer`). A chat that the template
    cannot hold is rejected too: it writes an answer in other words (`rewritten`: without its thought,
    say), or a turn holds a special token (`control_token`).
    """
    kept, rejected = [], []
    for row in rows:
        try:
            ids, labels = template.supervised(tokenizer, row["messages"])
        except UnusableError as error:
            reason = "control_token" if isinstance(error, template.ControlTokenError) else "rewritten"
            rejected.append(Rejected(row["row_id"], reason, str(error)))
            continue
        if len(ids) > max_length:
            rejected.append(Rejected(row["row_id"], "too_long"))
        elif all(label == template.IGNORED for label in labels):
            rejected.append(Rejected(row["row_id"], "no_answer"))
        else:
            kept.append(Example(row["row_id"], ids, labels, row["original_length"]))
    return kept, rejected


def check_held(rejected: Sequence[Rejected], total: int, max_rejected: float) -> None:
    """Raise `UserError` if the template cannot hold more than a share `max_rejected` of `total` rows."""
    unheld = [row for row in rejected if row.said]
    if len(unheld) > max_rejected * total:
        raise UserError(
            f"the model's chat template cannot hold {len(unheld)} of {total} chats, more than the share "
            f"{max_rejected:g} allowed; the first is row {unheld[0].row_id}: {unheld[0].said}. Correct the rows, "
            "name another file as the model's `template`, or raise tuning.max_rejected."
        )


def check_left(left: int, reasons: Collection[str], max_length: int) -> None:
    """Raise `UserError` if no row is `left` to train on, and say what to do by the `reasons` of those rejected."""
    if left:
        return
    if "too_long" in reasons:
        raise UserError(
            f"none of the {len(reasons)} chats fits into {max_length} tokens with an answer. Raise tuning.max_length."
        )
    raise UserError(
        f"none of the {len(reasons)} chats has an answer that the model's chat template holds. Look at the rows, "
        "or name another file as the model's `template`."
    )


class Row(NamedTuple):
    """A row by its id and by the length, in characters of the untouched chat, by which it is grouped."""

    row_id: str
    length: int


class Order:
    """The batches of row numbers, epoch by epoch: random by seed, or of rows of similar length.

    Grouped, rows are shuffled, pools of up to 50 batches are sorted by length, and the batches
    shuffled; an incomplete batch comes last. Rows are shuffled by the digest of their row_id, and the
    lengths are those of the untouched chats, so that variants of the same rows see the same rows in
    the same steps. Rows that are `lost` to training have a place in this order all the same. It is
    taken by one of the last rows of their pool, the shortest; all others stay in their step.
    """

    def __init__(
        self, data: Sequence[Example], batch_size: int, seed: int, grouped: bool, lost: Sequence[Row] = ()
    ):
        self.kept = len(data)
        self.rows = [*(Row(example.row_id, example.length) for example in data), *lost]
        self.batch_size, self.seed, self.grouped = batch_size, seed, grouped
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch, also by a run that goes on from a checkpoint."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.kept / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        def drawn(name: object) -> str:
            return digest(self.seed, self.epoch, name)

        rows = sorted(range(len(self.rows)), key=lambda row: drawn(self.rows[row].row_id))
        pool = len(rows)
        if self.grouped:
            pool = self.batch_size * max(1, min(POOL, len(rows) // (4 * self.batch_size)))
        batches: dict[int, list[int]] = {}  # by the number that they have where no row is lost
        spare = []
        for first in range(0, len(rows), pool):
            members = rows[first : first + pool]
            if self.grouped:
                members.sort(key=lambda row: -self.rows[row].length)
            whole, left = self._filled(members)
            batches |= {first // self.batch_size + at: batch for at, batch in enumerate(whole)}
            spare += left
        whole, last = self._filled(spare)
        free = (number for number in range(len(rows)) if number not in batches)
        batches |= dict(zip(free, whole, strict=False))
        order = sorted(batches, key=drawn if self.grouped else None)
        return iter([*(batches[number] for number in order), *([last] if last else [])])

    def _filled(self, rows: list[int]) -> tuple[list[list[int]], list[int]]:
        """Whole batches of the rows that are kept, those that lost some filled up from the last; and what is left."""
        size = self.batch_size
        batches = [
            [row for row in rows[first : first + size] if row < self.kept]
            for first in range(0, len(rows), size)
        ]
        count = sum(map(len, batches)) // size
        spare = [row for batch in batches[count:] for row in batch]
        for batch in batches[:count]:
            while len(batch) < size:
                batch.append(spare.pop(0))
        return batches[:count], spare


def pad(batch: list[Example], padding: int) -> dict[str, Any]:
    """Examples as one right-padded batch: ids, attention mask and labels, each rows × longest, and the row ids."""
    import torch

    width = max(len(example.ids) for example in batch)

    def column(values: list[list[int]], fill: int) -> "torch.Tensor":
        return torch.tensor([row + [fill] * (width - len(row)) for row in values])

    lengths = torch.tensor([len(example.ids) for example in batch])
    return {
        "input_ids": column([example.ids for example in batch], padding),
        "attention_mask": (torch.arange(width) < lengths[:, None]).long(),
        "labels": column([example.labels for example in batch], template.IGNORED),
        "row_ids": [example.row_id for example in batch],
    }
