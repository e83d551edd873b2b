"""GPUs as the workflow asks for them: the limit, and what a change of the number does."""

import re

import pytest
import yaml
from project import SMALL

MODELS = yaml.safe_load(SMALL.read_text())["models"]
SENTENCE = (
    "config key models.small.gpu: 2 GPUs are asked for, but this run may use 1. Run with `--resources gpu=2`"
)


@pytest.fixture
def greedy(project):
    """A study of which one model wants two GPUs."""
    project.study(models={**MODELS, "small": {**MODELS["small"], "gpu": 2}})
    return project


@pytest.mark.parametrize("limit", [1, None], ids=["given", "the default profile's"])
def test_more_gpus_than_the_limit_is_an_error_at_once(greedy, limit):
    run = greedy.snakemake("--dry-run", "--configfile", "config/small.yaml", gpu=limit)
    assert run.code == 1
    assert SENTENCE in run.text
    assert "Traceback" not in run.text


def test_a_limit_that_is_high_enough_and_no_limit(greedy):
    for arguments, limit in (((), 2), (("--workflow-profile", "none"), None)):
        run = greedy.snakemake("--dry-run", *arguments, "--configfile", "config/small.yaml", gpu=limit)
        assert run.code == 0, run.text
        assert "gpu=2" in run.text


def test_every_command_that_runs_a_model_takes_what_was_asked(greedy):
    text = greedy.small("--dry-run", "--printshellcmds").text.replace("\\\n", " ")
    for script, asked in (
        ("pretrain_reward", "1"),
        ("check_gate", "2"),
        ("tune", "2"),
        ("generate", "2"),
        ("score", "1"),
    ):
        commands = re.findall(rf"python scripts/{script}\.py .*", text)
        assert commands
        assert all(f"--gpus {asked} " in command for command in commands)
    assert {*re.findall(r"python scripts/pretrain\.py .* (--gpus \d) ", text)} == {"--gpus 1", "--gpus 2"}


def test_the_number_of_gpus_is_no_reason_to_run_again(finished, tmp_path):
    project = finished.clone(tmp_path / "project")
    project.study(models={**MODELS, "small": {**MODELS["small"], "gpu": 2}})
    # The settings on record change, nothing else.
    assert set(project.small("--dry-run").jobs) <= {"all", "record_provenance"}


def test_a_model_tuned_whole_in_two_processes(finished, tmp_path):
    project = finished.clone(tmp_path / "project")
    whole = {**MODELS["small"], "gpu": 2, "tuning": {"method": "full", "learning_rate": 0.001}}
    project.study(models={**MODELS, "small": whole})
    run = project.small("responses", "--forcerun", "generate")
    assert run.code == 0, run.text
    assert run.jobs == {"tune_full": 3, "generate": 4, "responses": 1}
    for variant in ("original", "markdown", "length"):
        tuned = project.folder / f"results/adapters/small/household/{variant}/seed0"
        assert {"model.safetensors", "config.json", "steps.jsonl"} <= {path.name for path in tuned.iterdir()}
        log = (project.folder / f"results/logs/generate/small/household/{variant}/seed0.log").read_text()
        assert ", 0 computed" not in log
    assert "Nothing to be done" in project.small("responses").text
