"""The factors of the study: their levels, and the matched control of each.

Read while Snakemake parses, so nothing but the standard library may be imported here.
"""

FACTORS = ("structure", "identity", "role_play")
"""In the order in which they are applied."""

BASELINES = {"structure": "original", "identity": "original", "role_play": "none"}
"""Factor → the level that changes nothing."""

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

LEVELS = {
    factor: tuple(dict.fromkeys([BASELINES[factor], *controls, *controls.values()]))
    for factor, controls in CONTROLS.items()
}
"""Factor → all its levels; those of role-play are the names in the personas file."""


def related(factor: str, level: str) -> tuple[str, ...]:
    """A level of a factor in `CONTROLS` with its control, or with the levels that it controls for."""
    pairs = [pair for pair in CONTROLS[factor].items() if level in pair and level != BASELINES[factor]]
    return tuple(sorted({level, *(name for pair in pairs for name in pair)}))
