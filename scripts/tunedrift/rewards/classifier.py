"""Reward-model scores that depend on the text alone: not on batch size, padding or neighbours."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.chats import template
from tunedrift.errors import UserError
from tunedrift.jobs.progress import Progress
from tunedrift.models.loading import load_whole, weights
from tunedrift.models.placement import dtype, placement

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_reward_model(model_json: str | Path) -> "PreTrainedModel":
    """The sequence-classification reward model (one output) in evaluation mode, spread over the devices at hand."""
    from transformers import AutoModelForSequenceClassification

    where = {**weights(model_json), "dtype": dtype()}
    model = load_whole(AutoModelForSequenceClassification, model_json, **where, **placement())
    if model.config.num_labels != 1:
        raise UserError(
            f"{model_json}: a reward model has one output, this one has {model.config.num_labels}. "
            "Choose a model whose head gives a single score."
        )
    return model.eval()


def score(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    texts: list[str],
    *,
    batch_size: int = 64,
    max_length: int = 2048,
) -> Iterator[tuple[str, float]]:
    """Each text with its score, longest first, yielded as its batch is done; higher is better.

    A text is a chat rendered by the reward model's own template, to the end: where that ends with a
    line break, public reward models were trained to give their score there. Texts are padded on the
    right and the score is read at the last real token by position. (The classifier's own forward looks
    for the padding id instead, which goes wrong where padding and stop token are one.) A text longer
    than `max_length` tokens loses its beginning, so that the answer's end is always read. The head is
    computed in float32: in lower precision scores that differ would tie. A model in lower precision
    scores one text at a time, whatever `batch_size` says: there the last digits hang on the shape of a
    batch, and so on a text's neighbours.
    """
    import torch

    if model.dtype != torch.float32:
        batch_size = 1

    ids = [template.encode(tokenizer, text)[-max_length:] for text in texts]
    head = model.score.float()
    order = sorted(range(len(texts)), key=lambda i: (-len(ids[i]), texts[i]))
    progress = Progress(len(order), "texts")
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        lengths = torch.tensor([len(ids[i]) for i in batch])
        padded = torch.full((len(batch), int(lengths.max())), tokenizer.pad_token_id)
        for row, i in enumerate(batch):
            padded[row, : len(ids[i])] = torch.tensor(ids[i])
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()
        with torch.inference_mode():
            hidden = model.base_model(
                input_ids=padded.to(model.device), attention_mask=mask.to(model.device)
            ).last_hidden_state
            last = hidden[torch.arange(len(batch)), lengths.to(hidden.device) - 1]
            # Where a model is spread over devices, the head may lie on another one than the last layer.
            values = head(last.to(head.weight.device).float()).squeeze(-1)
        for i, value in zip(batch, values.tolist(), strict=True):
            progress.advance(tokens=len(ids[i]))
            yield texts[i], value
    progress.finish()
