"""The factors of the study: their levels, and the matched control of each.

Read while Snakemake parses, so nothing but the standard library may be imported here.
"""

from typing import cast

BASELINES: dict[str, str | float] = {
    "structure": "original",
    "identity": "original",
    "role_play": "none",
    "cue": "answer",
    "dose": 1,
    "safety_mix": 0,
    "test_context": "plain",
}
"""Factor → the level that changes nothing, in the order in which factors are applied and named."""

FACTORS = tuple(BASELINES)

CONTROLS = {
    "structure": {
        "plain": "original",
        "itemized": "itemized_length",
        "markdown": "length",
    },
    "identity": {
        "calibrated": "prefix",
        "identity_paraphrase": "prefix",
        "stripped": "original",
    },
}
"""Factor → level → the level it is compared with, where the levels are fixed here."""

INERT = "_inert"
"""A persona's name with this suffix is the level with that persona's sentence without a role: its control."""

LEVELS: dict[str, tuple[str, ...]] = {
    factor: tuple(dict.fromkeys([cast(str, BASELINES[factor]), *controls, *controls.values()]))
    for factor, controls in CONTROLS.items()
}
"""Factor → all its levels; those of role-play are the names in the personas file."""

CUED = "cued"
AS_TRAINED = "as_trained"

CARRIERS = {
    "cue": ("structure",),
    "dose": ("structure", "identity", "role_play"),
    "test_context": ("role_play", "cue"),
}
"""A factor that changes how another one is applied → those that it needs one of."""

TOUCHING = ("structure", "identity", "role_play", "cue", "safety_mix")
"""The factors that change rows."""

SHARES = {"dose": "dose", "safety_mix": "safety"}
"""The factors whose levels are shares → what a level is called before its percentage."""


def related(factor: str, level: str) -> tuple[str, ...]:
    """A level of a factor in `CONTROLS` with its control, or with the levels that it controls for."""
    pairs = [pair for pair in CONTROLS[factor].items() if level in pair and level != BASELINES[factor]]
    return tuple(sorted({level, *(name for pair in pairs for name in pair)}))


def label(factor: str, level: str | float) -> str:
    """A level as a variant's name says it: `markdown`, `cued`, `dose50`, `safety33.3`, `safety0.25`."""
    if factor in SHARES:
        percent = 100 * cast(float, level)
        rounded = round(percent, 1) if percent >= 1 else float(f"{percent:.2g}")
        return f"{SHARES[factor]}{rounded:g}"
    return CUED if factor == "cue" else str(level)
