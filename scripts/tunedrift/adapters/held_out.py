"""The loss of a model on rows that it was not trained on, as they were read: the same for every tuning."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tunedrift.adapters.batches import Example, pad
from tunedrift.chats import template

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Loss(NamedTuple):
    """Of one row: nats per token of its answer, and how many tokens that has."""

    row_id: str
    loss: float
    tokens: int


def losses(model: "PreTrainedModel", data: list[Example], padding: int) -> Iterator[Loss]:
    """The loss of each example, computed as in tuning and one row at a time: it hangs on no other row and no padding.

    `padding` is the padding token's id.
    """
    import torch

    from tunedrift.adapters.trainer import answer_losses

    for example in data:
        batch = pad([example], padding)
        inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask", "labels")}
        with torch.inference_mode():
            loss = float(answer_losses(model, inputs)[0])
        tokens = sum(label != template.IGNORED for label in example.labels[1:])
        yield Loss(example.row_id, round(loss, 6), tokens)
