"""Tunings: the name `untuned` or `{dataset}/{variant}/seed{seed}`, made and parsed here alone."""

import re
from typing import NamedTuple

from tunedrift.errors import UserError

ORIGINAL = "original"
"""The variant at every factor's baseline: what a variant without a matched control is compared with."""

UNTUNED = "untuned"


class Tuning(NamedTuple):
    """Where an answer comes from; the untuned model has neither dataset nor variant nor seed."""

    dataset: str | None = None
    variant: str | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        """What the tuning is called in paths and tables."""
        return UNTUNED if self.dataset is None else f"{self.dataset}/{self.variant}/seed{self.seed}"

    @property
    def columns(self) -> dict[str, str | int | None]:
        """Its name and its parts, as columns of a table."""
        return {"tuning": self.name, **self._asdict()}


def parse_tuning(name: str) -> Tuning:
    """Read `untuned` or `{dataset}/{variant}/seed{seed}`; anything else raises `UserError`."""
    if name == UNTUNED:
        return Tuning()
    if match := re.fullmatch(r"([^/]+)/([^/]+)/seed(\d+)", name):
        return Tuning(match[1], match[2], int(match[3]))
    raise UserError(f"{name!r} names no tuning; write 'untuned' or 'dataset/variant/seed0' in the responses.")
