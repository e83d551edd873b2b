"""What a schema cannot say of a study: names that must be known, files that must be there, paths that rules can take.

Every function takes the study's settings with their defaults filled in, and raises `UserError` with one sentence
for the first thing that is wrong. Imported while Snakemake parses, so nothing heavy may be imported here.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunedrift import paths
from tunedrift.design.cells import Cell
from tunedrift.design.factors import LEVELS
from tunedrift.design.tunings import UNTUNED
from tunedrift.errors import UserError, nearest
from tunedrift.sources.finding import find_files
from tunedrift.sources.hub import pinned
from tunedrift.sources.yaml_files import read_yaml

SAFETY_DATA = "safety_data"
"""What the table of safety data is called beside those of the data sets."""

TAKEN = {
    "datasets": (SAFETY_DATA, "given"),
    "suites": ("gate", "as_trained"),
    "attacks": ("plain", "wrapped", "own"),
}
"""Section → names that mean something else in paths and tables: a prompt without attack is `plain`, all attacks are
`wrapped`, what a data set has attacked already is `own`."""

NEEDED = {
    ("models", "local"): "path",
    ("models", "hub"): "id",
    ("reward_models", "embedded"): "base",
    ("reward_models", "local"): "path",
    ("reward_models", "hub"): "id",
}
"""The key that an entry of this section and kind cannot do without."""

BY_UTILITY = ("number", "exact", "rouge_l", "parses", "runs_tests")
"""The ways of judging that are of utility judges alone."""

REMEDIES = {
    "revision": "Take the full commit from the data set's page, Files and versions, History.",
    "file": "Name one that the data set's page lists, or a pattern.",
}
"""The keys that a hub id cannot do without, and where their values are found."""


FOLDER = re.compile(r"(?!-)[\w./+@,=-]+")
"""A folder that stands in commands and in paths with wildcards as it is."""


def names(config: Mapping, section: str, **settings: Any) -> list[str]:
    """Names in a section whose settings hold the given values, in the file's order."""
    return [
        name
        for name, entry in config.get(section, {}).items()
        if all(entry[key] == value for key, value in settings.items())
    ]


def check_known(where: str, name: str, what: str, known: list[str]) -> None:
    """Raise `UserError` naming the nearest valid name unless `name` is among `known`."""
    if name not in known:
        raise UserError(f"config key {where}: {name!r} is not {what}: {nearest(name, known)}")


def check_taken(config: dict) -> None:
    """No name means something else in paths and tables."""
    for section, names_taken in TAKEN.items():
        for name in names_taken:
            if name in config.get(section, {}):
                raise UserError(f"config key {section}.{name}: the name is taken. Choose another one.")


def check_names(config: dict) -> None:
    """Every name that an entry refers to is defined, and of the kind that is needed."""
    for name, suite in config["suites"].items():
        for attack in suite["attacks"]:
            check_known(f"suites.{name}.attacks", attack, "one of attacks", names(config, "attacks"))
    harm = names(config, "judges", kind="harm")
    check_known("primary_judge", config["primary_judge"], "a judge of kind harm", harm)
    for name, judge in config["judges"].items():
        _check_published(f"judges.{name}", judge)
        _check_not_refused(f"judges.{name}", judge)
        _check_learned(f"judges.{name}", judge, config.get("label_sets", {}))
        _check_utility(f"judges.{name}", judge, names(config, "suites", kind="utility"))
        for label_set in judge["tuned_on"]:
            check_known(
                f"judges.{name}.tuned_on", label_set, "one of label_sets", names(config, "label_sets")
            )
    if config["length_model"] is not None:
        check_known("length_model", config["length_model"], "a model", list(config["models"]))
    if not names(config, "models", studied=True):
        raise UserError("config key models: no model has `studied: true`, so there is nothing to tune.")
    for name in config["reward_models"]:
        if name in config["models"]:
            raise UserError(f"config key reward_models.{name}: a model bears this name already. Rename one.")
    for section in ("models", "reward_models"):
        for name, entry in config[section].items():
            needed = NEEDED.get((section, entry["kind"]))
            if needed and needed not in entry:
                raise UserError(
                    f"config key {section}.{name}.{needed} is missing: kind {entry['kind']} needs it."
                )
            _check_own_code(f"{section}.{name}", entry)
    bases = names(config, "models", kind="embedded")
    for name in names(config, "reward_models", kind="embedded"):
        base = config["reward_models"][name]["base"]
        check_known(f"reward_models.{name}.base", base, "an embedded model", bases)


def lexical_judges(config: Mapping) -> tuple[list[str], list[str]]:
    """The harm judges that count shared words, and the studied models of which they can tell nothing: real ones."""
    studied = names(config, "models", studied=True)
    real = [name for name in studied if config["models"][name]["kind"] != "embedded"]
    return names(config, "judges", kind="harm", by="rule"), real


def check_headline(config: Mapping) -> None:
    """The judge of the headline can tell harm in the answers of every studied model."""
    lexical, real = lexical_judges(config)
    if real and config["primary_judge"] in lexical:
        raise UserError(
            f"config key primary_judge: {config['primary_judge']!r} counts the words that an answer shares with its "
            f"request, which tells harm in the toy world alone, and {real[0]!r} is no embedded model. Name a harm judge "
            "`by: learned` that is fitted on label sets or, where there are none, one `by: not_refused`."
        )


def _check_not_refused(where: str, judge: dict) -> None:
    """A judge that calls unsafe what is not refused tells harm."""
    if judge["by"] == "not_refused" and judge["kind"] != "harm":
        raise UserError(
            f"config key {where}.kind: a judge `by: not_refused` tells harm, not {judge['kind']}. Write `harm`."
        )


def _check_published(where: str, judge: dict) -> None:
    """A judge that somebody published is named, and tells refusals."""
    if (judge["by"] == "published") != ("published" in judge):
        raise UserError(
            f"config key {where}.published: `by: published` and the key go together. Name the judge that is "
            "followed, or leave both out."
        )
    if "published" in judge and judge["kind"] != "refusal":
        raise UserError(
            f"config key {where}.kind: {judge['published']} tells refusals alone. Write `refusal`."
        )


def _check_utility(where: str, judge: dict, suites: list[str]) -> None:
    """Ways of judging utility are for judges of it, for suites of it, and run no code unless told to."""
    if judge["by"] in BY_UTILITY and judge["kind"] != "utility":
        raise UserError(
            f"config key {where}.kind: a judge `by: {judge['by']}` tells utility, not {judge['kind']}. Write `utility`."
        )
    if judge["suites"] and judge["kind"] != "utility":
        raise UserError(
            f"config key {where}.suites: a {judge['kind']} judge judges all suites of its kind. Remove the key."
        )
    for suite in judge["suites"]:
        check_known(f"{where}.suites", suite, "a suite of kind utility", suites)
    if judge["by"] == "runs_tests" and not judge["execute_code"]:
        raise UserError(
            f"config key {where}.execute_code: a judge `by: runs_tests` runs code that a model wrote. Read what keeps it in "
            "(config/README.md) and write `execute_code: true`, or take `by: parses`, which runs nothing."
        )
    if judge["execute_code"] and judge["by"] != "runs_tests":
        raise UserError(
            f"config key {where}.execute_code: a judge by {judge['by']} runs no code. Remove the key."
        )


def _check_learned(where: str, judge: dict, label_sets: dict) -> None:
    """A learned judge judges what its label sets measure, and no other judge is fitted."""
    if judge["by"] != "learned":
        if judge["fitted_on"]:
            raise UserError(
                f"config key {where}.fitted_on: a judge by {judge['by']} is not fitted. Remove the key."
            )
        return
    if judge["kind"] not in ("refusal", "harm"):
        raise UserError(
            f"config key {where}.kind: a learned judge is of kind refusal or harm, not {judge['kind']}."
        )
    if not judge["fitted_on"]:
        raise UserError(f"config key {where}.fitted_on is missing: name the label sets to fit the judge on.")
    measured = [name for name, entry in label_sets.items() if entry["measure"] == judge["kind"]]
    for name in judge["fitted_on"]:
        check_known(f"{where}.fitted_on", name, f"a label set with `measure: {judge['kind']}`", measured)


def check_decision(config: dict, tunings: list[str]) -> None:
    """Every checkpoint whose word counts is a studied model's tuning, and some measure decides."""
    tuned = [name for name in tunings if name != UNTUNED]
    studied = names(config, "models", studied=True)
    for number, entry in enumerate(config["decision"]["checkpoints"]):
        where = f"decision.checkpoints.{number}"
        for model in entry if isinstance(entry, dict) else ():
            check_known(where, model, "a studied model", studied)
        for named in entry.values() if isinstance(entry, dict) else [[entry]]:
            for tuning in named:
                check_known(where, tuning, "a tuning of this study", tuned)
    if set(config["decision"]["margins"].values()) == {None}:
        raise UserError(
            "config key decision.margins: every measure is left out, so nothing decides. Give one a margin, such as 0.05."
        )


def _check_own_code(where: str, entry: dict) -> None:
    for key in ("template", "allow_pickle", "trust_remote_code"):
        if entry["kind"] == "embedded" and entry[key]:
            raise UserError(f"config key {where}.{key}: an embedded model brings its own. Remove the key.")
    if entry["kind"] == "hub" and entry["trust_remote_code"] and not pinned(entry["revision"]):
        raise UserError(
            f"config key {where}.revision: {entry['revision']!r} can change. To run a model's own code, pin the "
            "full commit (40 hex digits) that you have read."
        )


def check_samples(config: Mapping) -> None:
    """A label set that is a random draw from the study's own answers loses none of them on the way."""
    for name in names(config, "label_sets", sampled="random"):
        where, entry = f"label_sets.{name}", config["label_sets"][name]
        if entry["layout"] != "plain":
            raise UserError(
                f"config key {where}.sampled: layout {entry['layout']} is of answers that others published, not of a "
                "draw from this study's. Remove the key, or write the labels in layout plain."
            )
        if "left_out" in entry["values"].values():
            raise UserError(
                f"config key {where}.values: a random draw without the answers that are left_out is none. Give them a "
                "label, or remove `sampled`."
            )


def check_sources(config: dict) -> None:
    """Whatever is read comes from a path or from the hub, not from both."""
    entries = {f"datasets.{name}": entry for name, entry in config["datasets"].items()}
    if SAFETY_DATA in config:
        entries[SAFETY_DATA] = config[SAFETY_DATA]
    for section in ("suites", "preference_sets", "label_sets"):
        entries |= {f"{section}.{name}": entry for name, entry in config[section].items()}
    for where, entry in entries.items():
        if ("path" in entry) == ("hub" in entry):
            raise UserError(f"config key {where}: give either a path or a hub id.")
        for key, remedy in REMEDIES.items():
            if "hub" in entry and key not in entry:
                raise UserError(f"config key {where}.{key} is missing: a hub id needs it. {remedy}")


def path_settings(config: dict) -> Iterator[tuple[str, dict, str]]:
    """Every setting that names a file: its key's path, the mapping that holds it, and the key in there."""
    for section in (
        *("datasets", "suites", "attacks", "preference_sets", "label_sets"),
        *("models", "reward_models"),
    ):
        for name, entry in config.get(section, {}).items():
            for key in ("path", "questions", "world", "template", "test_template"):
                if entry.get(key) and (key != "world" or entry["kind"] == "embedded"):
                    yield f"{section}.{name}.{key}", entry, key
    if "path" in config.get(SAFETY_DATA, {}):
        yield f"{SAFETY_DATA}.path", config[SAFETY_DATA], "path"
    for name, judge in config["judges"].items():
        yield f"judges.{name}.patterns", judge, "patterns"
    for key in ("path", "patterns"):
        yield f"gate.{key}", config["gate"], key
    for key in config["resources"]:
        if key != "language":
            yield f"resources.{key}", config["resources"], key


def locate(config: dict) -> None:
    """Put, in place, the path at which each named file is found (see `paths.located`), and the results' plain path."""
    config["results"] = os.path.normpath(config["results"])  # Snakemake tells "results/" from "results"
    for _, entry, key in path_settings(config):
        entry[key] = paths.located(entry[key])


def check_results(config: dict) -> None:
    """The folder of the results has a name that Snakemake and a shell read as it is written."""
    folder = config["results"]
    if not FOLDER.fullmatch(folder):
        raise UserError(
            f"config key results: {folder!r} cannot be the folder of the results: give it a name of letters, digits, "
            "'.', '_', '-' and '/', without blanks or braces."
        )


def _check_braces(where: str, path: str) -> None:
    if {"{", "}"} & set(path):
        raise UserError(
            f"config key {where}: {path!r} has braces, which Snakemake reads as a wildcard. Rename the file or folder."
        )


def check_files(config: dict) -> None:
    """Every file, folder of a model or pattern that the study names is there, and has no braces in its path."""
    for where, entry, key in path_settings(config):
        _check_braces(where, entry[key])
        if where.startswith(("models.", "reward_models.")) and Path(entry[key]).is_dir():
            continue
        try:
            found = find_files([entry[key]])
        except UserError as error:
            raise UserError(f"config key {where}: {error}") from error
        for path in found:
            _check_braces(where, str(path))


def attack_parts(attacks: Mapping[str, dict], name: str, above: tuple[str, ...] = ()) -> list[str]:
    """The attacks that a stack is made of, in the order in which they act, those of stacks within it in their place.

    An attack that is no stack is its own part. Raises `UserError` for a part that is unknown, or a stack within itself.
    """
    if above:
        check_known(f"attacks.{above[-1]}.stack", name, "one of attacks", list(attacks))
    if name in above:
        circle = " → ".join([*above[above.index(name) :], name])
        raise UserError(
            f"config key attacks.{above[-1]}.stack: the stack is a part of itself ({circle}). Take {name!r} out."
        )
    if "stack" not in attacks[name]:
        return [name]
    return [part for inner in attacks[name]["stack"] for part in attack_parts(attacks, inner, (*above, name))]


def check_attacks(config: dict) -> None:
    """Every attack is in the file that the study names for it, or is a stack of others."""
    for name, entry in config["attacks"].items():
        if "stack" in entry:
            attack_parts(config["attacks"], name)
        elif name not in (known := read_yaml(entry["path"])):
            raise UserError(
                f"config key attacks.{name}: {entry['path']} has no such attack: {nearest(name, list(known))}"
            )


def check_levels(config: dict, cells: Mapping[str, Cell]) -> None:
    """Every level of every factor and cell is known, personas by the study's own file."""
    levels = {**{factor: list(known) for factor, known in LEVELS.items()}, "role_play": _personas(config)}
    chosen = [
        (f"factors.{factor}", factor, level) for factor in levels for level in config["factors"][factor]
    ]
    for number, cell in enumerate(config["variants"]):
        chosen += [
            (f"variants.{number}.{factor}", factor, level)
            for factor, level in cell.items()
            if factor in levels
        ]
    for where, factor, level in chosen:
        check_known(where, level, f"a level of {factor}", levels[factor])
    if any("safety_mix" in cell for cell in cells.values()) and SAFETY_DATA not in config:
        raise UserError("config key safety_data is missing: safety_mix needs rows to mix in.")


def _personas(config: dict) -> list[str]:
    file, language = config["resources"]["personas"], config["resources"]["language"]
    known = [
        name
        for name, entry in read_yaml(file)["personas"].items()
        if isinstance(entry, dict) and entry.get("language") == language
    ]
    if not known:
        raise UserError(
            f"config key resources.language: {file} has no entry with language {language!r}. Add some, or "
            "correct the key."
        )
    return known
