"""A small study from the first command to the report, and what a second command does."""

import os
import re
import subprocess
import sys

import polars as pl
import yaml
from project import ROOT, SMALL, Project

from tunedrift.tables.agreement import AGREEMENT, FORECASTS
from tunedrift.tables.drift import DRIFT


def test_the_tables_hold_what_the_study_asked(finished):
    tables = finished.folder / "results/tables"
    drift = DRIFT.read(tables / "drift.parquet")
    assert set(drift["contrast"]) == {"rate", "tuned - untuned", "level - control", "level - original"}
    assert {"SA_g", "SA_a[wrapped]", "refusal_rate", "p_refusal", "over_refusal", "utility"} <= set(
        drift["measure"]
    )
    assert {"SA_coherent_g", "SA_safe_and_coherent_a[wrapped]", "full_over_refusal"} <= set(drift["measure"])
    fates = drift.filter(pl.col("measure").str.starts_with("fate["), contrast="rate", split="all")
    sums = fates.group_by("suite", "attack", "model", "variant").agg(pl.col("estimate").sum())["estimate"]
    assert len(sums) and ((sums - 1).abs() < 1e-9).all()
    assert set(drift["variant"].drop_nulls()) == {"original", "markdown", "length"}
    effect = drift.filter(contrast="level - control", variant="markdown")
    assert set(effect["reference"]) == {"length"}
    whole = drift.filter(contrast="rate", measure="SA_g", split="all")
    assert set(whole["prompts"]) == {12}
    agreement = AGREEMENT.read(tables / "agreement.parquet")
    assert set(agreement["question"]) == {"rm_rm", "rm_people", "forecast", "detection"}
    assert {"longer wins", "random", "safe", "style"} <= set(agreement.filter(measure="error_rate")["rm"])
    assert (
        len(FORECASTS.read(tables / "forecasts.parquet")) == 2 * 2 * 3
    )  # models × measures × pairs of variants
    for name in ("drift", "agreement", "forecasts"):
        assert (
            pl.read_csv(tables / f"{name}.csv").height == pl.read_parquet(tables / f"{name}.parquet").height
        )


def test_figures_and_summary_are_there(finished):
    results = finished.folder / "results"
    for name in (
        "drift",
        "effects",
        "splits",
        "disagreement",
        "judges",
        "rm_agreement",
        "rm_errors",
        "forecast",
        "variants",
        "losses",
    ):
        assert (results / f"figures/{name}.svg").read_text().startswith("<?xml")
        assert (results / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    summary = (results / "summary.md").read_text()
    assert "tiny model that the workflow trained by itself" in summary
    assert "conditional on its one adapter" in summary


def test_a_second_call_does_nothing(finished, tmp_path):
    assert "Nothing to be done" in finished.clone(tmp_path / "project").small().text


def test_a_clean_run_from_another_folder_gives_the_same_bytes(finished, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    run = finished.small("--directory", elsewhere)
    assert run.code == 0, run.text

    def contents(folder):
        made = {
            path.relative_to(folder): path
            for top in ("models", "results")
            for path in (folder / top).rglob("*.*")
        }
        # Logs, benchmarks and the provenance tell times.
        return {
            name: path.read_bytes()
            for name, path in made.items()
            if path.is_file() and path.suffix not in (".log", ".jsonl") and path.name != "provenance.json"
        }

    first, second = contents(finished.folder), contents(elsewhere)
    assert first.keys() == second.keys()
    assert [str(name) for name in first if first[name] != second[name]] == []
    assert {path.name for path in elsewhere.iterdir()} == {".snakemake", "models", "results", "work"}


MODULE = """
configfile: "mine.yaml"


module tunedrift:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from tunedrift as drift_*


rule everything:
    default_target: True
    input:
        rules.drift_all.input,
"""


def test_the_workflow_is_a_module_of_another_with_a_study_of_its_own(finished, tmp_path):
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=finished.folder / "Snakefile"))
    study = {**yaml.safe_load(SMALL.read_text()), "results": "theirs"}
    study["datasets"] = {"mine": {"path": "mine.jsonl"}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "mine.jsonl").write_text('{"instruction": "Q", "output": "A."}\n')
    run = Project(tmp_path).snakemake("--dry-run", "--printshellcmds")
    assert run.code == 0, run.text
    assert run.jobs["drift_tune"] == run.jobs["drift_transform"] == 3
    assert "theirs/tables/drift.csv" in run.text
    # Its own file, our program and our list.
    assert (
        f"{os.path.relpath(finished.folder, tmp_path)}/scripts/load_instructions.py --dataset mine"
        in run.text
    )
    assert "--path mine.jsonl" in run.text
    assert "resources/safety_rows.yaml" in run.text


def test_every_named_target_runs(finished, tmp_path):
    targets = re.findall(r"^rule (\w+):", (ROOT / "rules/targets.smk").read_text(), re.M)
    assert {"instructions", "rewards", "tables", "export_datasets", "costs"} <= set(targets)
    project = finished.clone(tmp_path / "project")
    run = project.small(*targets)
    assert run.code == 0, run.text
    # The others had nothing left to do.
    assert set(run.jobs) == {"costs", "export", "export_datasets"}
    exported = project.folder / "results/export/household"
    assert {path.name for path in exported.iterdir()} == {
        "README.md",
        "held_out.parquet",
        *(
            f"{variant}.{suffix}"
            for variant in ("original", "markdown", "length")
            for suffix in ("parquet", "jsonl")
        ),
    }


def test_the_report_is_made_offline(finished, tmp_path):
    project = finished.clone(tmp_path / "project")
    run = project.small("--report", "report.html")
    assert run.code == 0, run.text
    report = (project.folder / "report.html").read_text()
    assert "Agreement between reward models" in report
    assert "<script src=" not in report


def test_every_script_says_at_once_how_it_is_used(finished):
    for script in sorted((finished.folder / "scripts").glob("*.py")):
        done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("usage:")


def test_the_small_study_is_a_complete_study():
    assert yaml.safe_load(SMALL.read_text())["results"] == "results"
