"""Tunings: the name `untuned` or `{dataset}/{variant}/seed{seed}`, made and parsed here alone."""

import re
from typing import NamedTuple

from tunedrift.errors import UserError

ORIGINAL = "original"
"""The variant at every factor's baseline: what a variant without a matched control is compared with."""

UNTUNED = "untuned"


class Tuning(NamedTuple):
    """Where an answer comes from; the untuned model has neither dataset nor variant nor seed."""

    dataset: str | None
    variant: str | None
    seed: int | None


def parse_tuning(name: str) -> Tuning:
    """Read `untuned` or `{dataset}/{variant}/seed{seed}`; anything else raises `UserError`."""
    if name == UNTUNED:
        return Tuning(None, None, None)
    if match := re.fullmatch(r"([^/]+)/([^/]+)/seed(\d+)", name):
        return Tuning(match[1], match[2], int(match[3]))
    raise UserError(f"{name!r} names no tuning; write 'untuned' or 'dataset/variant/seed0' in the responses.")
