"""Sampling row by row: noise that depends on the prompt alone."""

import hashlib
from typing import TYPE_CHECKING

from tunedrift.errors import UserError

if TYPE_CHECKING:
    import torch


class GumbelNoise:
    """A logits processor that turns greedy decoding into sampling, row by row.

    The argmax of `logits / temperature + Gumbel noise` is a draw from the softmax at that
    temperature (Gumbel-max trick: Gumbel 1954; Maddison et al. 2014, A* Sampling). Each row draws
    from its own generator, so the noise does not depend on the batch.
    Rows whose generator is None stay greedy.
    """

    def __init__(self, generators: "list[torch.Generator | None]", temperature: float):
        self.generators = [generator for generator in generators if generator is not None]
        self.sampled = [row for row, generator in enumerate(generators) if generator is not None]
        self.temperature = temperature

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Scores (rows × vocabulary) with noise added to the sampled rows."""
        import torch

        noisy = scores.float()
        if self.sampled:
            uniform = torch.stack(
                [
                    torch.rand(noisy.shape[1], generator=generator, device=noisy.device)
                    for generator in self.generators
                ]
            )
            noise = -torch.log(-torch.log(uniform.clamp_min(1e-20)))
            noisy[self.sampled] = noisy[self.sampled] / self.temperature + noise
        return noisy


def row_generator(key: str, device: "torch.device") -> "torch.Generator":
    """A random generator seeded by the SHA-256 of `key`."""
    import torch

    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1
    return torch.Generator(device=device).manual_seed(seed)


class Numbers:
    """A logits processor that raises `UserError` at logits that are no numbers, of which any token would pass for the most likely one."""

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """The scores as they are: rows × vocabulary."""
        if scores.isnan().any():
            raise UserError(
                "the model gives logits that are no numbers, so its answers would be none of its own. Fetch its "
                "weights again, tune with a lower tuning.learning_rate, or answer in float32 (on a processor)."
            )
        return scores
