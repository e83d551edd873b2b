"""A study: its names, its cells and its grid, as the rules need them.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunedrift.errors import UserError
from tunedrift.settings import check_known, check_schema, fill_defaults, read_yaml
from tunedrift.transforms.levels import BASELINES, CONTROLS, INERT, LEVELS

Cell = dict[str, str]
"""A variant as factor → level, every factor named."""

NEEDED = {
    ("models", "local"): "path",
    ("models", "hub"): "id",
    ("reward_models", "embedded"): "base",
    ("reward_models", "local"): "path",
    ("reward_models", "hub"): "id",
}
"""The key that an entry of this section and kind cannot do without."""


class Study:
    """A checked study with its defaults filled in.

    `config` is what Snakemake merged from files and command line. Raises `UserError` with one
    sentence for the first thing that is wrong: an unknown key, an undefined name, a missing file.
    """

    def __init__(self, config: dict, schema: str | Path):
        rules = read_yaml(schema)
        check_schema(config, rules)
        self.config: dict = fill_defaults(config, rules)
        self._check_names()
        self._check_files()
        self._check_levels()

    def __getitem__(self, key: str) -> Any:
        """The setting at a path of names, e.g. `study["models/tiny/seed"]`."""
        value: Any = self.config
        for name in key.split("/"):
            value = value[name]
        return value

    def names(self, section: str, **settings: Any) -> list[str]:
        """Names in a section whose settings hold the given values, in the file's order."""
        return [
            name
            for name, entry in self.config.get(section, {}).items()
            if all(entry[key] == value for key, value in settings.items())
        ]

    @property
    def studied(self) -> list[str]:
        """The models that are tuned, tested and reported."""
        return self.names("models", studied=True)

    def registry(self, name: str) -> dict:
        """Settings of a model or reward model, whichever bears the name."""
        return self["models"].get(name) or self["reward_models"][name]

    def check_gpus(self, limit: int | None) -> None:
        """Raise `UserError` if a model asks for more GPUs than the whole run may use; None is no limit.

        Snakemake itself would give such a job fewer without a word.
        """
        for section in ("models", "reward_models"):
            for name, entry in self[section].items():
                if limit is not None and entry["gpu"] > limit:
                    raise UserError(
                        f"config key {section}.{name}.gpu: {entry['gpu']} GPUs are asked for, but this run may use "
                        f"{limit}. Run with `--resources gpu={entry['gpu']}`, or lower the key."
                    )

    def source(self, name: str) -> dict:
        """Where a local or hub model is found: its path, or its id and revision."""
        entry = self.registry(name)
        if entry["kind"] == "hub":
            return {"hub": entry["id"], "revision": entry["revision"]}
        return {"path": entry["path"]}

    def attack_files(self, suite: str) -> list[str]:
        """The files in which a suite's attacks are written, each once."""
        return sorted({self["attacks"][attack]["path"] for attack in self["suites"][suite]["attacks"]})

    def tuning(self, model: str) -> dict:
        """How one model is tuned: the study's settings under the model's own."""
        return {**self["tuning"], **self["models"][model]["tuning"]}

    @property
    def cells(self) -> dict[str, Cell]:
        """The variants by name, the untouched data first and each control behind its level.

        A variant is named by its levels, joined by "+" in the order of the factors.
        """
        factors = self["factors"]
        single = [{factor: level} for factor, levels in factors.items() for level in levels]
        cells = [{}]
        if self["design"] == "one_factor":
            cells += single
        elif self["design"] == "factorial":
            for factor, levels in factors.items():
                cells = [
                    {**cell, **added}
                    for cell in cells
                    for added in ({}, *({factor: level} for level in levels))
                ]
        cells += self["variants"]
        if self["controls"] == "matched":
            cells = [more for cell in cells for more in (cell, self.control_of(cell))]
        complete = [{**BASELINES, **cell} for cell in cells]
        return {variant_name(cell): cell for cell in complete}

    def control_of(self, cell: Cell) -> Cell:
        """The cell of the matched controls of `cell`'s levels; a level without one falls back to the untouched."""
        if self["controls"] == "original":
            return {}
        return {factor: control_level(factor, level) for factor, level in cell.items()}

    def controls(self) -> dict[str, str]:
        """Variant → its matched control, for the variants that are compared with another than the untouched data."""
        named = {
            name: variant_name({**BASELINES, **self.control_of(cell)}) for name, cell in self.cells.items()
        }
        return {name: control for name, control in named.items() if control != variant_name(BASELINES)}

    def tunings(self) -> list[str]:
        """`untuned`, then `{dataset}/{variant}/seed{seed}` for the whole grid."""
        return ["untuned"] + [
            f"{dataset}/{variant}/seed{seed}"
            for dataset in self["datasets"]
            for variant in self.cells
            for seed in self["seeds"]
        ]

    def _check_levels(self) -> None:
        personas = list(read_yaml(self["resources/personas"])["personas"])
        levels = {**{factor: list(names) for factor, names in LEVELS.items()}, "role_play": personas}
        chosen = [
            (f"factors.{factor}", factor, level) for factor in levels for level in self["factors"][factor]
        ]
        for number, cell in enumerate(self["variants"]):
            chosen += [(f"variants.{number}.{factor}", factor, level) for factor, level in cell.items()]
        for where, factor, level in chosen:
            check_known(where, level, f"a level of {factor}", levels[factor])

    def _check_names(self) -> None:
        for name, suite in self["suites"].items():
            for attack in suite["attacks"]:
                check_known(f"suites.{name}.attacks", attack, "one of attacks", self.names("attacks"))
        check_known(
            "primary_judge", self["primary_judge"], "a judge of kind harm", self.names("judges", kind="harm")
        )
        if not self.studied:
            raise UserError("config key models: no model has `studied: true`, so there is nothing to tune.")
        for name in self["reward_models"]:
            if name in self["models"]:
                raise UserError(
                    f"config key reward_models.{name}: a model bears this name already. Rename one."
                )
        for section in ("models", "reward_models"):
            for name, entry in self[section].items():
                needed = NEEDED.get((section, entry["kind"]))
                if needed and needed not in entry:
                    raise UserError(
                        f"config key {section}.{name}.{needed} is missing: kind {entry['kind']} needs it."
                    )
        for name in self.names("reward_models", kind="embedded"):
            bases = self.names("models", kind="embedded")
            check_known(
                f"reward_models.{name}.base", self["reward_models"][name]["base"], "an embedded model", bases
            )

    def _check_files(self) -> None:
        for where, pattern in self.files():
            if (
                not any(Path().glob(pattern))
                if not Path(pattern).is_absolute()
                else not Path(pattern).exists()
            ):
                raise UserError(f"config key {where}: there is no file {pattern}. Correct the path.")

    def files(self) -> Iterator[tuple[str, str]]:
        """Every file that the study names, with its key's path."""
        for section in ("datasets", "suites", "attacks", "preference_sets", "models", "reward_models"):
            for name, entry in self.config.get(section, {}).items():
                for key in ("path", "world"):
                    if key in entry and (key == "path" or entry["kind"] == "embedded"):
                        yield f"{section}.{name}.{key}", entry[key]
        for name, judge in self["judges"].items():
            if judge["kind"] != "utility":
                yield f"judges.{name}.patterns", judge["patterns"]
        for key in ("path", "patterns"):
            yield f"gate.{key}", self[f"gate/{key}"]
        for key in ("statements", "personas", "fillers"):
            yield f"resources.{key}", self[f"resources/{key}"]


def control_level(factor: str, level: str) -> str:
    """The matched control of a level; the untouched level where there is none."""
    if factor in CONTROLS:
        return CONTROLS[factor].get(level, BASELINES[factor])
    return BASELINES[factor] if level == BASELINES[factor] or level.endswith(INERT) else f"{level}{INERT}"


def variant_name(cell: Cell) -> str:
    """The levels that differ from the untouched data, joined by "+"; `original` if none does."""
    return "+".join(level for factor, level in cell.items() if level != BASELINES[factor]) or "original"


def flags(settings: dict[str, Any]) -> str:
    """Settings as command-line flags in the order of their names; nulls and empty values are left out.

    Lists become several values, mappings `key=value` pairs, truth values `--name` or `--no-name`.
    """
    words: list[str] = []
    for name, value in sorted(settings.items()):
        if value is None or value in ([], {}):
            continue
        words.append(f"--{'no-' if value is False else ''}{name.replace('_', '-')}")
        if isinstance(value, dict):
            words += [f"{key}={entry}" for key, entry in sorted(value.items())]
        elif isinstance(value, list):
            words += map(str, value)
        elif not isinstance(value, bool):
            words.append(str(value))
    return shlex.join(words)
