"""What both kinds of embedded models are trained with: seeds, the learning rate's schedule, what is written."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift import files

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def seed_everything(seed: int) -> None:
    """One thread, deterministic algorithms, and PyTorch's generator at `seed`."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Every element is written before it is read, so filling new tensors is only a cost here.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(seed)


def schedule(step: int, steps: int, warmup: float, floor: float) -> float:
    """The learning rate's factor: a linear rise, then a cosine to `floor` (Loshchilov and Hutter 2017)."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def tenths(losses: list[float]) -> list[float]:
    """The means of (up to) ten equal stretches of a list of losses, rounded to six digits."""
    size = math.ceil(len(losses) / 10)
    parts = [losses[start : start + size] for start in range(0, len(losses), size)]
    return [round(sum(part) / len(part), 6) for part in parts]


def save(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", training: dict, folder: Path
) -> None:
    """Write a model, its tokenizer and `training.json` into `folder`."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    files.write_json(folder / "training.json", training)
