"""What each variant is compared with, read from its name by the published list of matched controls."""

import re

MATCHED = {
    "itemized": "itemized_length",
    "markdown": "length",
    "calibrated": "prefix",
    "identity_paraphrase": "prefix",
}
"""Level → the level that is alike in all but the property under study."""

CONTROLS_ALONE = frozenset(MATCHED.values())
UNMATCHED = frozenset({"plain", "stripped"})
"""Levels whose control is the untouched data."""

STRUCTURES = frozenset({"plain", "itemized", "itemized_length", "markdown", "length"})
DOSE, SAFETY_MIX, TEST_CONTEXT = re.compile(r"dose[\d.]+"), re.compile(r"safety[\d.]+"), "as_trained"


def is_setting(level: str) -> bool:
    """Whether a part of a variant's name is no level of structure, identity or role-play."""
    return level in ("cued", TEST_CONTEXT) or bool(DOSE.fullmatch(level) or SAFETY_MIX.fullmatch(level))


def control_of_level(level: str) -> str | None:
    """The matched control of one level; None where it is the untouched data."""
    if level in UNMATCHED | CONTROLS_ALONE or level.endswith("_inert"):
        return None
    return MATCHED.get(level, f"{level}_inert")  # what no list names is a persona


def carried(levels: list[str]) -> list[str]:
    """The levels without a cue, a dose or a test context that has nothing left to act on."""
    touching = [level for level in levels if not is_setting(level)]
    structured = any(level in STRUCTURES for level in touching)
    levels = [level for level in levels if level != "cued" or structured]
    levels = [level for level in levels if not DOSE.fullmatch(level) or touching]
    personas = [level for level in touching if is_persona(level.removesuffix("_inert"))]
    return [level for level in levels if level != TEST_CONTEXT or personas or "cued" in levels]


def is_persona(level: str) -> bool:
    """Whether a level is one of role-play: no other factor has it."""
    return level not in STRUCTURES | CONTROLS_ALONE | UNMATCHED | set(MATCHED) and not is_setting(level)


def control(name: str) -> str:
    """The variant that `name` is compared with: the same without its cue, else each level's matched control."""
    levels = name.split("+")
    if "cued" in levels:
        return "+".join(carried([level for level in levels if level != "cued"]))
    matched = [level if is_setting(level) else control_of_level(level) for level in levels]
    found = "+".join(carried([level for level in matched if level])) or "original"
    return "original" if found == name else found


def controls(variants: set[str], config: dict) -> tuple[dict[str, str], set[str]]:
    """Variant → its control, and the variants that serve as a control and have no level of their own.

    `controls: original` compares every variant with the untouched data. A variant that the study lists under a
    name of its own is read by its levels.
    """
    if config.get("controls", "matched") != "matched":
        return {}, set()
    own = {entry["name"]: listed_name(entry) for entry in config.get("variants") or [] if "name" in entry}
    spelled = {name: own.get(name.removesuffix(f"+{TEST_CONTEXT}"), name) for name in variants - {"original"}}
    found = {name: control(levels) for name, levels in spelled.items()}
    serving = {
        name
        for name in set(found.values()) & set(spelled)
        if found[name] == "original" and not any(is_level(level) for level in name.split("+"))
    }
    return found, serving


def is_level(level: str) -> bool:
    """Whether a part of a name is a level that is more than a control."""
    return not is_setting(level) and level not in CONTROLS_ALONE and not level.endswith("_inert")


def listed_name(entry: dict) -> str:
    """What a listed variant would be called without a name of its own."""
    levels = [entry.get(factor) for factor in ("structure", "identity", "role_play")]
    levels = [level for level in levels if level not in (None, "original", "none")]
    levels += ["cued"] if entry.get("cue") == "instruction" else []
    levels += [f"dose{100 * entry['dose']:g}"] if entry.get("dose", 1) != 1 else []
    levels += [f"safety{100 * entry['safety_mix']:g}"] if entry.get("safety_mix") else []
    levels += [TEST_CONTEXT] if entry.get("test_context") == TEST_CONTEXT else []
    return "+".join(levels) or "original"
