"""Where a model is put and in which precision it computes."""

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def half_precision() -> str:
    """`bfloat16` where the GPU computes in it, `float16` on an older one, which could only imitate it."""
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


def dtype() -> "str | torch.dtype":
    """What answers and scores are computed in: what a model was saved in, or float32 on a processor."""
    import torch

    return "auto" if torch.cuda.is_available() else torch.float32


def placement() -> dict:
    """Where `from_pretrained` puts a model: on the one device, or in layers on all GPUs in sight."""
    import torch

    return {"device_map": "auto" if torch.cuda.device_count() > 1 else one_device()}


def one_device() -> dict:
    """The whole model on this process's own GPU, or on the processor."""
    import torch

    # By its number: this may be one of several processes with a device each.
    return {"": torch.cuda.current_device() if torch.cuda.is_available() else "cpu"}


def use_threads(count: int) -> int | None:
    """Compute with `count` processor threads from here on; returns what values may depend on: nothing on a GPU.

    Threads share out a sum, and another order of its parts can change the last digits.
    """
    import torch

    torch.set_num_threads(count)
    return None if torch.cuda.is_available() else count


def quieten() -> None:
    """Keep progress bars, and a warning of PEFT's making, out of the log; all else that libraries say stays."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
