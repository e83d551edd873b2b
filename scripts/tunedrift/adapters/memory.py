"""How many rows a tuning on a processor computes at a time, so that it stays within the memory it was given.

The need is estimated before the first step, from what a short forward pass keeps for the backward one. It follows
from shapes alone: the same model, settings and memory give the same number on every machine.
"""

import sys
from typing import Any

import torch

from tunedrift.adapters.trainer import answer_losses

PROGRAM = 550e6
"""Bytes of a process that has loaded the libraries, measured: 530 MB with a model of less than a million weights."""

WEIGHTS_MARGIN = 1.1
ROWS_MARGIN = 1.6
"""What a process holds beyond its tensors, measured: pieces of memory that are free but too small to use."""

PROBE = 96
"""Tokens of the longest row that is tried; what a longer one keeps is extrapolated."""


def rows_that_fit(megabytes: float, batch_size: int, alone: float, row: float, *, say: bool) -> int:
    """Rows that a process computes at a time: the `batch_size` of a step, or as many as fit into `megabytes`.

    The model needs `alone` bytes, and each row at a time `row` more (see `needed`); a megabyte has 10^6.

    It is one at least: what is estimated may be too much. Where it is fewer than a step has, or one may be too
    many, `say` puts it into the log.
    """
    fitting = max(1, min(batch_size, int((1e6 * megabytes - alone) // row)))
    need = (alone + fitting * row) / 1e6
    if say and need > megabytes:
        print(
            f"one row of the greatest length at a time may need {need:.0f} MB, and there are {megabytes:.0f}: "
            "raise the model's mem_mb, set tuning.gradient_checkpointing, or lower tuning.max_length",
            file=sys.stderr,
        )
    elif say and fitting < batch_size:
        print(
            f"{fitting} rows at a time, as many as fit into {megabytes:.0f} MB; a step takes {batch_size}",
            file=sys.stderr,
        )
    return fitting


def needed(
    model: torch.nn.Module, max_length: int, precision: str, *, checkpointing: bool = False
) -> tuple[float, float]:
    """Bytes that a process needs for the model alone, and those that each row computed at a time adds.

    `model` is what is trained, ready for its first step; `checkpointing` computes activations twice instead of
    keeping them. A row is taken to have `max_length` tokens, all supervised, so that all variants of the data get
    the same number of rows.
    """
    tensors = {weight.data_ptr(): weight for weight in (*model.parameters(), *model.buffers())}.values()
    weights = sum(tensor.nbytes for tensor in tensors)
    # Gradients and AdamW's two moments.
    training = sum(3 * weight.nbytes for weight in model.parameters() if weight.requires_grad)
    row = _at(max_length, _probed(model, max_length, precision))
    text = model.config.get_text_config()
    if checkpointing:  # the inputs of all layers, and all that one keeps, with its gradients
        size = torch.finfo(torch.float32 if precision == "fp32" else torch.float16).bits // 8
        inputs = text.num_hidden_layers * max_length * text.hidden_size * size
        row = inputs + _logits(text, max_length) + 4 * row / text.num_hidden_layers
    row += 2 * _logits(text, max_length)  # the gradient of the loss and theirs
    return PROGRAM + WEIGHTS_MARGIN * (weights + training), ROWS_MARGIN * row


def _logits(text: Any, length: int) -> int:
    return 4 * length * text.vocab_size  # in float32


def _probed(model: torch.nn.Module, max_length: int, precision: str) -> dict[int, float]:
    """Length in tokens → bytes that a row of so many keeps for its backward pass; three lengths."""
    longest = min(PROBE, max_length)
    with torch.random.fork_rng(devices=[]):  # dropout draws nothing from the tuning's own numbers
        return {
            length: _kept(model, length, precision) for length in (longest // 3, 2 * longest // 3, longest)
        }


def _kept(model: torch.nn.Module, length: int, precision: str) -> float:
    ids = torch.arange(2 * length).view(2, length) % model.config.get_text_config().vocab_size
    mask = torch.ones_like(ids)
    mask[1, -1] = 0  # as in a real batch: without padding some models leave the mask out
    own = {weight.untyped_storage().data_ptr() for weight in (*model.parameters(), *model.buffers())}
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    model.train()
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", half, enabled=half is not None),
    ):
        answer_losses(model, {"input_ids": ids, "attention_mask": mask, "labels": ids})
    return sum(storage.nbytes() for storage in kept.values()) / 2


def _at(length: int, known: dict[int, float]) -> float:
    """The parabola through three points, at `length`: attention may keep a number per pair of tokens."""
    (a, at_a), (b, at_b), (c, at_c) = known.items()
    slope = (at_c - at_b) / (c - b)
    bend = max(0.0, (slope - (at_b - at_a) / (b - a)) / (c - a))
    return at_c + (length - c) * slope + bend * (length - c) * (length - b)
