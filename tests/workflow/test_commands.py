"""Every command that a rule can write is one that its program can read, whichever optional keys a study has."""

import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml
from project import ROOT

FULL = Path(__file__).with_name("full.yaml")
TARGETS = ("all", "export_datasets", "costs", "decide")


def keys(schema, path=()):
    """Every key of the schema as a path, with `*` for the names that a user chooses."""
    for key, entry in schema.get("properties", {}).items():
        yield (*path, key)
        if not entry.get("x-partial"):
            yield from keys(entry, (*path, key))
        if isinstance(entry.get("additionalProperties"), dict):
            yield from keys(entry["additionalProperties"], (*path, key, "*"))


def has(config, path):
    key, *rest = path
    if not isinstance(config, dict):
        return False
    if key == "*":
        return any(has(entry, rest) for entry in config.values())
    return key in config and (not rest or has(config[key], rest))


def test_the_full_study_has_every_key():
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text())
    full = yaml.safe_load(FULL.read_text())
    # The safety data come from one place; those of a data set stand for the others.
    elsewhere = {("safety_data", key) for key in ("hub", "revision", "file")}
    assert [path for path in keys(schema) if not has(full, path) and path not in elsewhere] == []


def commands(text):
    """(program, its words) of every command that a dry run printed."""
    for command in re.findall(
        r"^(?:Shell command:)? *(?:[A-Z_]+=\S+ )*python (\S*scripts/\w+\.py .*?)$",
        text.replace("\\\n", " "),
        re.M,
    ):
        program, *words = shlex.split(re.sub(r"\s(2>&1 \| tee|>)\s*\S+( 2>&1)?\s*$", "", command))
        yield Path(program).stem, words


@pytest.mark.parametrize("study", ["default", "full", "full, safety data from the hub"])
def test_each_command_is_read_by_its_program(project, study, capsys):
    (project.folder / "template.jinja").write_text("{{ messages }}")
    arguments = []
    if study != "default":
        config = yaml.safe_load(FULL.read_text())
        if study != "full":
            hub = {key: config["datasets"]["hub"][key] for key in ("hub", "revision", "file")}
            config["safety_data"] = hub
        (project.folder / "full.yaml").write_text(yaml.safe_dump(config))
        arguments = ["--configfile", "full.yaml"]
    run = project.snakemake(*TARGETS, "--dry-run", "--forceall", "--printshellcmds", *arguments)
    assert run.code == 0, run.text
    found = list(commands(run.text))
    assert (
        len(found) == sum(count for rule, count in run.jobs.items() if rule not in TARGETS) + 2
    )  # costs, decide
    for program, words in found:
        try:
            options = importlib.import_module(program).parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{program} {shlex.join(words)}: {capsys.readouterr().err}")
        assert options
