"""A study: its names, its cells and its grid, as the rules need them.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from tunedrift.design import cells
from tunedrift.design.cells import Cell
from tunedrift.design.tunings import UNTUNED, Tuning
from tunedrift.errors import UserError
from tunedrift.sources.finding import files_named_by
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.checks import (
    SAFETY_DATA,
    attack_parts,
    check_attacks,
    check_decision,
    check_files,
    check_headline,
    check_levels,
    check_names,
    check_results,
    check_samples,
    check_sources,
    check_taken,
    lexical_judges,
    locate,
    names,
)
from tunedrift.study.schema import check_schema, fill_defaults, with_numbers

NOT_FOR_LOADING = ("path", "licence", "keep_safety_rows")
"""Settings of a data set that the program `load_instructions` is not told, or in another way."""

LARGE = 2**21
"""Bytes of a data set's files from which on more than one process pays."""


class Study:
    """A checked study with its defaults filled in.

    `config` is what Snakemake merged from files and command line. Raises `UserError` with one
    sentence for the first thing that is wrong: an unknown key, an undefined name, a missing file.
    """

    def __init__(self, config: dict, schema: str | Path):
        rules = read_yaml(schema)
        config = with_numbers(config, rules)
        check_schema(config, rules)
        self.config: dict = fill_defaults(config, rules)
        check_results(self.config)
        locate(self.config)
        check_taken(self.config)
        check_names(self.config)
        check_sources(self.config)
        check_samples(self.config)
        check_files(self.config)
        check_attacks(self.config)
        check_levels(self.config, self.cells)
        check_headline(self.config)
        self.primary()
        check_decision(self.config, self.tunings())

    def __getitem__(self, key: str) -> Any:
        """The setting at a path of names, e.g. `study["models/tiny/seed"]`."""
        value: Any = self.config
        for name in key.split("/"):
            value = value[name]
        return value

    def names(self, section: str, **settings: Any) -> list[str]:
        """Names in a section whose settings hold the given values, in the file's order."""
        return names(self.config, section, **settings)

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

    def check_cores(self, limit: int | None, option: str = "--cores") -> None:
        """Raise `UserError` if a model asks for more threads than one job may have; None is no limit.

        `option` is the word by which Snakemake was told the limit; it would give such a job fewer without a word.
        """
        for section in ("models", "reward_models"):
            for name, entry in self[section].items():
                if limit is not None and entry["threads"] > limit:
                    raise UserError(
                        f"config key {section}.{name}.threads: {entry['threads']} threads are asked for, but a job of "
                        f"this run may have {limit}. Run with `{option} {entry['threads']}`, or lower the key."
                    )

    def warnings(self) -> list[str]:
        """A sentence for each thing that is allowed and yet to be told before anything runs."""
        judges, real = lexical_judges(self.config)
        return [
            f"config key judges.{name}: a harm judge `by: rule` counts the words that an answer shares with its request, "
            f"which tells harm in the toy world alone: believe nothing that it says of {', '.join(real)}."
            for name in judges
            if real
        ]

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

    def judge_module(self, name: str) -> str:
        """The module of the verdicts room that a judge is made by."""
        judge = self["judges"][name]
        modules = {"rule": judge["kind"], "published": judge.get("published")}
        return modules.get(judge["by"], judge["by"])

    def tuned_by(self, *methods: str) -> list[str]:
        """The studied models that are tuned by one of these methods."""
        return [model for model in self.studied if self.tuning(model)["method"] in methods]

    def attack_files(self, suite: str) -> dict[str, str]:
        """Attack → the file in which it is written, for those that act on a suite's prompts, alone or in a stack."""
        attacks = self["attacks"]
        parts = [part for name in self["suites"][suite]["attacks"] for part in attack_parts(attacks, name)]
        return {part: attacks[part]["path"] for part in parts}

    def stacks(self, suite: str) -> dict[str, str]:
        """Stack → its parts in their order, joined by `+`, for the stacks among a suite's attacks."""
        attacks = self["attacks"]
        stacks = [name for name in self["suites"][suite]["attacks"] if "stack" in attacks[name]]
        return {name: "+".join(attack_parts(attacks, name)) for name in stacks}

    def tuning(self, model: str) -> dict:
        """How one model is tuned: the study's settings under the model's own."""
        return {**self["tuning"], **self["models"][model]["tuning"]}

    def judged_sets(self, **settings: Any) -> list[tuple[str, str]]:
        """(judge, label set) wherever a judge's kind is what the set measures, of the judges with these settings."""
        return [
            (judge, label_set)
            for judge in self.names("judges", **settings)
            for label_set in self.names("label_sets", measure=self["judges"][judge]["kind"])
        ]

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The variants by name, the untouched data first and each control behind its level."""
        matched = self["controls"] == "matched"
        return cells.variants(self["factors"], self["design"], self["variants"], matched=matched)

    @cached_property
    def trained_variants(self) -> dict[str, Cell]:
        """The cells that differ in their training data: a test context changes no row."""
        return {name: cell for name, cell in self.cells.items() if "test_context" not in cell}

    def trained_as(self, variant: str) -> str:
        """The variant whose data and adapters a variant uses: its own unless only the test context differs."""
        cell = self.cells[variant]
        trained = {factor: level for factor, level in cell.items() if factor != "test_context"}
        return next(name for name, other in self.trained_variants.items() if other == trained)

    def loading(self, name: str) -> dict:
        """How a data set is loaded, as settings of the program `load_instructions`."""
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
        files = files_named_by(self.dataset(name))
        return 1 if files and sum(Path(file).stat().st_size for file in files) < LARGE else 4

    def controls(self) -> dict[str, str]:
        """Variant → its matched control, for the variants that are compared with another than the untouched data."""
        return cells.controls(self.cells) if self["controls"] == "matched" else {}

    def primary(self) -> dict[str, str]:
        """Factor → the variant by which it enters the primary family."""
        return cells.primary(self.cells, self["primary"])

    def sources(self) -> list[str]:
        """All data that is loaded: the data sets, and the safety data where there is some."""
        return [*self["datasets"], *([SAFETY_DATA] if SAFETY_DATA in self.config else [])]

    def dataset(self, name: str) -> dict:
        """Settings of a data set, or of the safety data under its own name."""
        return self["safety_data"] if name == SAFETY_DATA else self["datasets"][name]

    def held_out(self) -> list[str]:
        """The data sets that keep rows apart from training."""
        return [name for name in self["datasets"] if self.dataset(name)["held_out"]]

    def losses(self) -> list[str]:
        """The tunings whose loss on held-out rows is measured: the untuned model and all that are trained, if any row is."""
        return [UNTUNED, *self.adapters()] if self.held_out() else []

    def safety_source(self) -> dict:
        """Settings of the safety data; empty where no variant has some mixed in."""
        return (
            self[SAFETY_DATA] if any("safety_mix" in cell for cell in self.trained_variants.values()) else {}
        )

    def tunings(self) -> list[str]:
        """`untuned`, then `{dataset}/{variant}/seed{seed}` for the whole grid."""
        return [UNTUNED, *self._grid(self.cells)]

    def adapters(self) -> list[str]:
        """The tunings that train an adapter of their own."""
        return self._grid(self.trained_variants)

    def deciding(self) -> list[str]:
        """`{model}/{tuning}` of the checkpoints whose word counts in the decision, each once."""
        found = []
        for entry in self["decision/checkpoints"]:
            named = entry if isinstance(entry, dict) else {model: [entry] for model in self.studied}
            found += [f"{model}/{tuning}" for model, tunings in named.items() for tuning in tunings]
        return list(dict.fromkeys(found))

    def deciding_judges(self) -> dict[str, str]:
        """The judges by which the decision is made, as settings of the program `decide`: the first of a kind, if any."""
        first = {
            f"{kind}_judge": found[0]
            for kind in ("refusal", "utility")
            if (found := self.names("judges", kind=kind))
        }
        return {"primary_judge": self["primary_judge"], **first}

    def siblings(self, model: str, tuning: str) -> list[str]:
        """The other tunings of a model that leave an adapter and answer the same prompts as this one: the plain suites."""
        alike = self.adapters() if model in self.tuned_by("lora", "qlora") else []
        return [name for name in alike if name != tuning] if tuning in [UNTUNED, *alike] else []

    def _grid(self, variants: Iterable[str]) -> list[str]:
        return [
            Tuning(dataset, variant, seed).name
            for dataset in self["datasets"]
            for variant in variants
            for seed in self["seeds"]
        ]
