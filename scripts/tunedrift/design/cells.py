"""The design: which variants a study has, what they are called, and what each is compared with.

Read while Snakemake parses, so nothing heavy may be imported here.
"""

from itertools import product
from typing import cast

from tunedrift.design.factors import AS_TRAINED, BASELINES, CARRIERS, CONTROLS, FACTORS, INERT, label
from tunedrift.errors import UserError

IN_TEST_CONTEXT = f"+{AS_TRAINED}"
"""How the name of a variant ends that is tested as it was trained."""

Cell = dict[str, str | float]
"""A variant as factor → level, in the order of the factors, without those at their baseline."""


def without_baselines(cell: Cell) -> Cell:
    """The cell without baselines, and without a factor that has nothing to act on (a cue without a structure)."""
    settled: Cell = {}
    for factor in FACTORS:
        carried = factor not in CARRIERS or any(carrier in settled for carrier in CARRIERS[factor])
        if carried and cell.get(factor, BASELINES[factor]) != BASELINES[factor]:
            settled[factor] = cell[factor]
    return settled


def one_factor(factors: dict[str, list]) -> list[Cell]:
    """Each level alone; a level of a factor that acts on others, once on each of their levels."""
    cells: list[Cell] = [
        {factor: level} for factor in FACTORS if factor not in CARRIERS for level in factors.get(factor, [])
    ]
    for factor, carriers in CARRIERS.items():
        cells += [
            {**cell, factor: level}
            for cell in cells
            if list(cell)[-1] in carriers
            for level in factors.get(factor, [])
        ]
    return cells


def factorial(factors: dict[str, list]) -> list[Cell]:
    """All combinations of the levels, baselines among them."""
    levels = [[BASELINES[factor], *factors.get(factor, [])] for factor in FACTORS]
    return [dict(zip(FACTORS, combination, strict=True)) for combination in product(*levels)]


def variant_name(cell: Cell) -> str:
    """The levels that differ from the untouched data, joined by "+"; `original` if none does."""
    return "+".join(label(factor, level) for factor, level in without_baselines(cell).items()) or "original"


def differs_in_test_context(variant: str) -> bool:
    """Whether a variant, by its name, differs from another in the test context alone and so has no data of its own."""
    return variant.endswith(IN_TEST_CONTEXT)


def control_of(cell: Cell) -> Cell:
    """The cell that differs from `cell` in the property under study alone; empty for the untouched data.

    A cue is compared with the same structure without it; every other level with its matched control,
    under the same dose, safety mix and test context.
    """
    cell = without_baselines(cell)
    if "cue" in cell:
        return without_baselines({factor: level for factor, level in cell.items() if factor != "cue"})
    control = without_baselines({factor: control_level(factor, level) for factor, level in cell.items()})
    return {} if control == cell else control


def control_level(factor: str, level: str | float) -> str | float:
    """The matched control of a level; the untouched level where there is none."""
    if factor in CONTROLS:
        return CONTROLS[factor].get(cast(str, level), BASELINES[factor])
    if factor == "role_play":
        return BASELINES[factor] if cast(str, level).endswith(INERT) else f"{level}{INERT}"
    return level


def variants(factors: dict[str, list], design: str, listed: list[dict], *, matched: bool) -> dict[str, Cell]:
    """The study's cells by name, the untouched data first and each matched control behind its level.

    A listed cell may bring a `name` of its own, to which the test context is added. Raises
    `UserError` where a listed cell has a factor without anything to act on, or a name is taken.
    """
    planned = {"one_factor": one_factor, "factorial": factorial}.get(design, lambda factors: [])(factors)
    named: list[tuple[str, Cell]] = [(variant_name(cell), without_baselines(cell)) for cell in [{}, *planned]]
    for number, entry in enumerate(listed):
        cell = {factor: level for factor, level in entry.items() if factor != "name"}
        _check_carried(cell, f"variants.{number}")
        name = entry.get("name", variant_name(cell))
        if "name" in entry and cell.get("test_context") == AS_TRAINED:
            name = f"{name}{IN_TEST_CONTEXT}"
        named.append((name, without_baselines(cell)))
    found: dict[str, Cell] = {}
    for name, cell in named:
        pairs = [(name, cell)]
        while matched and pairs[-1][1]:
            control = control_of(pairs[-1][1])
            pairs.append((variant_name(control), control))
        trained = [without_baselines({**one, "test_context": BASELINES["test_context"]}) for _, one in pairs]
        pairs += [(variant_name(one), one) for one in trained if one not in dict(pairs).values()]
        for name_of, one in pairs:
            if found.setdefault(name_of, one) != one:
                raise UserError(
                    f"config key variants: two different variants are called {name_of!r}: "
                    "give one another name, or another level."
                )
    return found


def controls(cells: dict[str, Cell]) -> dict[str, str]:
    """Variant → the variant it is compared with, where that is not the untouched data.

    A level that serves as another's control is named too, so that it stays a level of its own.
    """
    compared = {name: variant_name(control_of(cell)) for name, cell in cells.items()}
    serving = set(compared.values())
    return {
        name: control
        for name, control in compared.items()
        if control != "original" or (name in serving and _is_level(cells[name]))
    }


PRIMARY = ("structure", "identity", "role_play")
"""The factors of the primary family."""


def primary(cells: dict[str, Cell], declared: dict[str, str]) -> dict[str, str]:
    """Factor → the variant by whose one level it enters the primary family, for the factors that have one.

    `declared` names a factor's level; where it names none, it is that of the first variant with a level of this factor
    and of no other. Raises `UserError` for a level that no variant has alone.
    """
    found: dict[str, str] = {}
    for name, cell in cells.items():
        for factor in PRIMARY:
            if (
                set(cell) == {factor}
                and _is_level(cell)
                and declared.get(factor, cell[factor]) == cell[factor]
            ):
                found.setdefault(factor, name)
    if missing := sorted(declared.keys() - found.keys()):
        factor = missing[0]
        raise UserError(
            f"config key primary.{factor}: no variant has the level {declared[factor]!r} of {factor} and nothing else. "
            "Name one that has, or add it to the factors or the variants."
        )
    return {factor: found[factor] for factor in PRIMARY if factor in found}


def _is_level(cell: Cell) -> bool:
    """Whether a cell has a level that is more than a control."""
    return any(
        level in CONTROLS[factor]
        if factor in CONTROLS
        else factor == "role_play" and not cast(str, level).endswith(INERT)
        for factor, level in cell.items()
    )


def _check_carried(cell: Cell, where: str) -> None:
    settled = without_baselines(cell)
    for factor, level in cell.items():
        if level != BASELINES[factor] and factor not in settled:
            raise UserError(
                f"config key {where}.{factor}: {level!r} has nothing to act on: "
                f"the variant needs a level of {' or '.join(CARRIERS[factor])}."
            )
