"""The parts of a suite whose rates are told beside those of the whole."""

from collections.abc import Collection, Iterator

import numpy as np
import polars as pl

from tunedrift.drift.measures import ALL, WRAPPED
from tunedrift.errors import UserError
from tunedrift.tables.drift import SPLITS
from tunedrift.tables.prompts import OWN, PLAIN

UNSAID = "none"
"""The part of the prompts that lack a value of the property."""


def slices(
    prompts: pl.DataFrame, split_by: Collection[str] = ("stratum",)
) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """(attack, split, part, mask over `prompts`) of one suite, the whole suite first.

    Prompts that were attacked already stand under `OWN` alone. The whole suite and its strata stand under each attack and under all attacks together (`WRAPPED`). Other properties
    of the prompts stand plain and under all attacks together, the dimension of the attack in the latter alone. A
    property that has one value in the whole suite tells nothing apart, except for a stratum, which bears a name.
    Raises `UserError` where an attack, or a stratum among several, has a name that means something else.
    """
    attacks, strata = prompts["attack"].to_numpy(), prompts["stratum"]
    if WRAPPED in attacks or (ALL in strata and strata.n_unique() > 1):
        raise UserError(
            f"suite {prompts['suite'][0]!r}: an attack cannot be named {WRAPPED!r}, nor one stratum of several {ALL!r}."
        )
    by_attack = {attack: attacks == attack for attack in sorted(set(attacks))}
    if set(attacks) - {PLAIN, OWN}:
        by_attack[WRAPPED] = attacks != PLAIN
    parts = {(ALL, ALL): np.ones(len(prompts), bool)}
    for split in (split for split in SPLITS[1:] if split in split_by):
        values = prompts[split].fill_null(UNSAID).to_numpy()
        names = sorted(set(values))
        if len(names) > 1 or (split == "stratum" and names != [ALL]):
            parts |= {(split, name): values == name for name in names}
    for attack, attacked in by_attack.items():
        for (split, part), members in parts.items():
            pooled = {
                "dimension": (WRAPPED,),
                "category": (PLAIN, WRAPPED, OWN),
                "language": (PLAIN, WRAPPED, OWN),
            }
            if attack in pooled.get(split, by_attack) and (attacked & members).any():
                yield attack, split, part, attacked & members
