"""What one step of tuning sees: tokenised chats, the order in which they come, and padded batches."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def examples(
    tokenizer: "PreTrainedTokenizerBase", rows: Iterable[dict], max_length: int, max_rejected: float = 0.05
) -> tuple[list[Example], Counter]:
    """Tokenised chats of rows of the variants table, and how many were rejected, by reason.

    A chat of more than `max_length` tokens is rejected rather than cut (`too_long`): a cut answer has
    no end. A chat without a supervised token teaches nothing (`no_answer`). A chat that the template
    cannot hold is rejected too: it writes an answer in other words (`rewritten`: without its thought,
    say), or a turn holds a special token (`control_token`). Raises `UserError` if those are more than
    a share `max_rejected` of the rows, or if nothing is left to train on.
    """
    kept, rejected = [], Counter(too_long=0, no_answer=0)
    unheld = []  # rows that the template cannot hold, with the reason
    for row in rows:
        try:
            ids, labels = template.supervised(tokenizer, row["messages"])
        except UnusableError as error:
            rejected["control_token" if isinstance(error, template.ControlTokenError) else "rewritten"] += 1
            unheld.append(f"row {row['row_id']}: {error}")
            continue
        if len(ids) > max_length:
            rejected["too_long"] += 1
        elif all(label == template.IGNORED for label in labels):
            rejected["no_answer"] += 1
        else:
            kept.append(Example(row["row_id"], ids, labels, row["original_length"]))
    total = len(kept) + rejected.total()
    if len(unheld) > max_rejected * total:
        raise UserError(
            f"the model's chat template cannot hold {len(unheld)} of {total} chats, more than the share "
            f"{max_rejected:g} allowed; the first is {unheld[0]}. Correct the rows, name another file as the "
            "model's `template`, or raise tuning.max_rejected."
        )
    if not kept and rejected["too_long"]:
        raise UserError(
            f"none of the {total} chats fits into {max_length} tokens with an answer. Raise tuning.max_length."
        )
    if not kept:
        raise UserError(
            f"none of the {total} chats has an answer that the model's chat template holds. Look at the rows, "
            "or name another file as the model's `template`."
        )
    return kept, rejected


class Order:
    """The batches of row numbers, epoch by epoch: random by seed, or of rows of similar length.

    Grouped, rows are shuffled, pools of up to 50 batches are sorted by length, and the batches
    shuffled; an incomplete batch comes last. Rows are shuffled by the digest of their row_id, and the
    lengths are those of the untouched chats, so that variants of the same rows see the same rows in
    the same steps; a row that only one variant lost (it is too long there) moves those behind it by
    a place.
    """

    def __init__(self, data: list[Example], batch_size: int, seed: int, grouped: bool):
        self.data, self.batch_size, self.seed, self.grouped = data, batch_size, seed, grouped
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch, also by a run that goes on from a checkpoint."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.data) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        def shuffled(names: Sequence) -> list[int]:
            return sorted(range(len(names)), key=lambda at: digest(self.seed, self.epoch, names[at]))

        rows = shuffled([example.row_id for example in self.data])
        if not self.grouped:
            return iter(list(self._batches(rows)))
        pool = self.batch_size * max(1, min(POOL, len(rows) // (4 * self.batch_size)))
        batches = [
            batch
            for first in range(0, len(rows), pool)
            for batch in self._batches(
                sorted(rows[first : first + pool], key=lambda row: -self.data[row].length)
            )
        ]
        last = [batches.pop()] if len(batches[-1]) < self.batch_size else []
        return iter([*(batches[at] for at in shuffled(range(len(batches)))), *last])

    def _batches(self, rows: list[int]) -> Iterator[list[int]]:
        for first in range(0, len(rows), self.batch_size):
            yield rows[first : first + self.batch_size]


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
