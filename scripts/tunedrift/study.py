"""A study: its names, its cells and its grid, as the rules need them.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

import shlex
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from tunedrift import design
from tunedrift.design import Cell
from tunedrift.errors import UserError
from tunedrift.hub import pinned
from tunedrift.reading import find_files
from tunedrift.settings import check_known, check_schema, fill_defaults, read_yaml
from tunedrift.transforms.levels import LEVELS

NOT_FOR_LOADING = ("path", "licence", "keep_safety_rows")
"""Settings of a data set that the program `load` is not told, or in another way."""

LARGE = 2**21
"""Bytes of a data set's files from which on more than one process pays."""

SAFETY_DATA = "safety_data"
"""What the table of safety rows is called beside those of the data sets."""

NEEDED = {
    ("models", "local"): "path",
    ("models", "hub"): "id",
    ("reward_models", "embedded"): "base",
    ("reward_models", "local"): "path",
    ("reward_models", "hub"): "id",
}
"""The key that an entry of this section and kind cannot do without."""

REMEDIES = {
    "revision": "Take the full commit from the data set's page, Files and versions, History.",
    "file": "Name one that the data set's page lists, or a pattern.",
}
"""The keys that a hub id cannot do without, and where their values are found."""


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
        self._check_sources()
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
        """Where a local or hub model is found, and what else the program `resolve` is told of it."""
        entry = self.registry(name)
        more = {key: entry[key] or None for key in ("template", "allow_pickle", "trust_remote_code")}
        if entry["kind"] == "hub":
            return {"hub": entry["id"], "revision": entry["revision"], **more}
        return {"path": entry["path"], **more}

    def decoding(self, model: str) -> dict:
        """How one model answers: the study's settings and the model's template for testing."""
        return {**self["decoding"], "template": self["models"][model]["test_template"]}

    def tuned_by(self, *methods: str) -> list[str]:
        """The studied models that are tuned by one of these methods."""
        return [model for model in self.studied if self.tuning(model)["method"] in methods]

    def attack_files(self, suite: str) -> list[str]:
        """The files in which a suite's attacks are written, each once."""
        return sorted({self["attacks"][attack]["path"] for attack in self["suites"][suite]["attacks"]})

    def tuning(self, model: str) -> dict:
        """How one model is tuned: the study's settings under the model's own."""
        return {**self["tuning"], **self["models"][model]["tuning"]}

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The variants by name, the untouched data first and each control behind its level."""
        matched = self["controls"] == "matched"
        return design.variants(self["factors"], self["design"], self["variants"], matched=matched)

    @cached_property
    def variants(self) -> dict[str, Cell]:
        """The cells that differ in their training data: a test context changes no row."""
        return {name: cell for name, cell in self.cells.items() if "test_context" not in cell}

    def trained_as(self, variant: str) -> str:
        """The variant whose data and adapters a variant uses: its own unless only the test context differs."""
        cell = self.cells[variant]
        trained = {factor: level for factor, level in cell.items() if factor != "test_context"}
        return next(name for name, other in self.variants.items() if other == trained)

    def loading(self, name: str) -> dict:
        """How a data set is loaded, as settings of the program `load`."""
        entry = self.dataset(name)
        settings = {key: value for key, value in entry.items() if key not in NOT_FOR_LOADING}
        if name != SAFETY_DATA and not entry["keep_safety_rows"]:
            settings["safety_rows"] = self["resources/safety_rows"]
        return settings

    def length_model(self) -> str | None:
        """The description of the model whose tokens measure the length control; None for word pieces."""
        name = self["length_model"]
        return name and f"models/{name}/model.json"

    def processes(self, name: str) -> int:
        """Processes that transform a data set: one where starting more would take longer than the work."""
        files = named_by(self.dataset(name))
        return 1 if files and sum(Path(file).stat().st_size for file in files) < LARGE else 4

    def controls(self) -> dict[str, str]:
        """Variant → its matched control, for the variants that are compared with another than the untouched data."""
        return design.controls(self.cells) if self["controls"] == "matched" else {}

    def sources(self) -> list[str]:
        """All data that is loaded: the data sets, and the safety data where there is some."""
        return [*self["datasets"], *([SAFETY_DATA] if SAFETY_DATA in self.config else [])]

    def dataset(self, name: str) -> dict:
        """Settings of a data set, or of the safety data under its own name."""
        return self["safety_data"] if name == SAFETY_DATA else self["datasets"][name]

    def safety_source(self) -> dict:
        """Settings of the safety data; empty where no variant has some mixed in."""
        return self[SAFETY_DATA] if any("safety_mix" in cell for cell in self.variants.values()) else {}

    def tunings(self) -> list[str]:
        """`untuned`, then `{dataset}/{variant}/seed{seed}` for the whole grid."""
        return ["untuned", *self._grid(self.cells)]

    def adapters(self) -> list[str]:
        """The tunings that train an adapter of their own."""
        return self._grid(self.variants)

    def _grid(self, variants: Iterable[str]) -> list[str]:
        return [
            f"{dataset}/{variant}/seed{seed}"
            for dataset in self["datasets"]
            for variant in variants
            for seed in self["seeds"]
        ]

    def _check_levels(self) -> None:
        levels = {**{factor: list(names) for factor, names in LEVELS.items()}, "role_play": self._personas()}
        chosen = [
            (f"factors.{factor}", factor, level) for factor in levels for level in self["factors"][factor]
        ]
        for number, cell in enumerate(self["variants"]):
            chosen += [
                (f"variants.{number}.{factor}", factor, level)
                for factor, level in cell.items()
                if factor in levels
            ]
        for where, factor, level in chosen:
            check_known(where, level, f"a level of {factor}", levels[factor])
        if any("safety_mix" in cell for cell in self.cells.values()) and SAFETY_DATA not in self.config:
            raise UserError("config key safety_data is missing: safety_mix needs rows to mix in.")

    def _personas(self) -> list[str]:
        file, language = self["resources/personas"], self["resources/language"]
        personas = read_yaml(file)["personas"].items()
        names = [
            name for name, entry in personas if isinstance(entry, dict) and entry.get("language") == language
        ]
        if not names:
            raise UserError(
                f"config key resources.language: {file} has no entry with language {language!r}. Add some, or "
                "correct the key."
            )
        return names

    def _check_names(self) -> None:
        for name, suite in self["suites"].items():
            for attack in suite["attacks"]:
                check_known(f"suites.{name}.attacks", attack, "one of attacks", self.names("attacks"))
        check_known(
            "primary_judge", self["primary_judge"], "a judge of kind harm", self.names("judges", kind="harm")
        )
        if self["length_model"] is not None:
            check_known("length_model", self["length_model"], "a model", list(self["models"]))
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
                self._check_own_code(f"{section}.{name}", entry)
        for name in self.names("reward_models", kind="embedded"):
            bases = self.names("models", kind="embedded")
            check_known(
                f"reward_models.{name}.base", self["reward_models"][name]["base"], "an embedded model", bases
            )

    def _check_own_code(self, where: str, entry: dict) -> None:
        for key in ("template", "allow_pickle", "trust_remote_code"):
            if entry["kind"] == "embedded" and entry[key]:
                raise UserError(
                    f"config key {where}.{key}: an embedded model brings its own. Remove the key."
                )
        if entry["kind"] == "hub" and entry["trust_remote_code"] and not pinned(entry["revision"]):
            raise UserError(
                f"config key {where}.revision: {entry['revision']!r} can change. To run a model's own code, pin the "
                "full commit (40 hex digits) that you have read."
            )

    def _check_sources(self) -> None:
        if SAFETY_DATA in self["datasets"]:
            raise UserError(f"config key datasets.{SAFETY_DATA}: the name is taken. Rename the data set.")
        entries = {f"datasets.{name}": entry for name, entry in self["datasets"].items()}
        if SAFETY_DATA in self.config:
            entries[SAFETY_DATA] = self[SAFETY_DATA]
        for section in ("suites", "preference_sets"):
            entries |= {f"{section}.{name}": entry for name, entry in self[section].items()}
        for where, entry in entries.items():
            if ("path" in entry) == ("hub" in entry):
                raise UserError(f"config key {where}: give either a path or a hub id.")
            for key, remedy in REMEDIES.items():
                if "hub" in entry and key not in entry:
                    raise UserError(f"config key {where}.{key} is missing: a hub id needs it. {remedy}")

    def _check_files(self) -> None:
        for where, pattern in self.files():
            if where.startswith(("models.", "reward_models.")) and Path(pattern).is_dir():
                continue
            try:
                find_files([pattern])
            except UserError as error:
                raise UserError(f"config key {where}: {error}") from error

    def files(self) -> Iterator[tuple[str, str]]:
        """Every file that the study names, with its key's path."""
        for section in ("datasets", "suites", "attacks", "preference_sets", "models", "reward_models"):
            for name, entry in self.config.get(section, {}).items():
                for key in ("path", "world", "template", "test_template"):
                    if entry.get(key) and (key != "world" or entry["kind"] == "embedded"):
                        yield f"{section}.{name}.{key}", entry[key]
        if "path" in self.config.get(SAFETY_DATA, {}):
            yield f"{SAFETY_DATA}.path", self[f"{SAFETY_DATA}/path"]
        for name, judge in self["judges"].items():
            if judge["kind"] != "utility":
                yield f"judges.{name}.patterns", judge["patterns"]
        for key in ("path", "patterns"):
            yield f"gate.{key}", self[f"gate/{key}"]
        for key, path in self["resources"].items():
            if key != "language":
                yield f"resources.{key}", path


def named_by(entry: dict[str, Any]) -> list[str]:
    """The files that an entry's path or glob names, sorted; none where they come from the hub."""
    return list(map(str, find_files([entry["path"]]))) if "path" in entry else []


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
