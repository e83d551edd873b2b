"""Threads and memory as the workflow asks for them: the cores of a run, and what a retry or a change does."""

import re
import subprocess
import sys

import pytest
import yaml
from project import SMALL

STUDY = yaml.safe_load(SMALL.read_text())
SENTENCE = (
    "config key models.small.threads: 2 threads are asked for, but a job of this run may have 1. Run with "
)
OF_MODELS = {"check_gate": "2", "tune": "2", "generate": "2", "score": "1"}
"""Program → the threads that it is told in a study whose chat model has two."""


def with_threads(project, threads=2, mem_mb=2000):
    small = {**STUDY["models"]["small"], "threads": threads, "mem_mb": mem_mb}
    project.study(models={**STUDY["models"], "small": small})
    return project


def plain(project, *words):
    """Snakemake with these words alone: what is printed, and whether it went well."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words, "--configfile", "config/small.yaml"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--cores", "1"], "`--cores 2`"),
        (["-j1"], "`--cores 2`"),
        (["--dry-run", "-c1"], "`--cores 2`"),
        (["--dry-run", "--cores", "4", "--max-threads", "1"], "`--max-threads 2`"),
    ],
    ids=" ".join,
)
def test_fewer_cores_than_a_model_computes_with_stop_the_run_at_once(project, words, remedy):
    well, text = plain(with_threads(project), *words)
    assert not well
    assert SENTENCE + remedy in text
    assert "Traceback" not in text


def test_one_core_in_a_profile_stops_the_run_before_its_first_job(project, tmp_path):
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text("cores: 1\n")
    target = "results/instructions/household.parquet"
    well, text = plain(with_threads(project), target, "--profile", str(tmp_path / "profile"))
    assert not well and SENTENCE in text
    assert not (project.folder / target).exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--dry-run"],
        ["--dry-run", "-j8"],
        ["--dry-run", "--cores", "2"],
        ["--dry-run", "--jobs", "100", "--workflow-profile", "profiles/slurm"],
        ["--summary"],
    ],
    ids=" ".join,
)
def test_enough_cores_and_plans_without_a_number_are_no_error(project, words):
    well, text = plain(with_threads(project), *words)
    assert well, text


def commands(text, program):
    found = re.findall(rf"python scripts/{program}\.py .*", text.replace("\\\n", " "))
    assert found, program
    return found


def test_every_program_that_computes_with_a_model_is_told_its_threads(project):
    text = with_threads(project).small("--dry-run", "--printshellcmds").text
    for program, threads in OF_MODELS.items():
        assert all(f" --threads {threads} " in command for command in commands(text, program)), program


@pytest.mark.parametrize("attempt", ["1", "3"])
def test_a_further_attempt_asks_for_more_memory_and_tunes_alike(project, attempt):
    run = with_threads(project, mem_mb=1500).small("--dry-run", "--printshellcmds", "--attempt", attempt)
    assert f"mem_mb={1500 * int(attempt)}" in run.text
    assert all(" --memory-mb 1500 " in command for command in commands(run.text, "tune"))


def test_more_threads_and_memory_are_no_reason_to_run_again(finished, tmp_path):
    project = with_threads(finished.clone(tmp_path / "project"), mem_mb=4000)
    # The settings on record change, nothing else.
    assert set(project.small("--dry-run").jobs) <= {"all", "record_provenance"}
