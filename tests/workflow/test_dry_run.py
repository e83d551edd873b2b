"""The default study's plan: which jobs there are, and what they ask of the scheduler."""

import re
from pathlib import Path

import pytest

GPU_RULES = (
    "pretrain",
    "pretrain_reward",
    "check_gate",
    "tune",
    "generate",
    "score_preferences",
    "score_responses",
    "score_variants",
)
VARIANTS = 4  # the untouched data and three levels


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    from project import Project

    project = Project.copied(tmp_path_factory.mktemp("plan") / "project")
    run = project.snakemake("--dry-run")
    assert run.code == 0, run.text
    return run


def test_the_default_study_has_these_jobs(plan):
    assert plan.jobs == {
        "all": 1,
        "pretrain": 2,
        "pretrain_reward": 3,
        "check_gate": 1,
        "load_instructions": 2,
        "transform": 2 * VARIANTS,
        "select_rows": 2,
        "tune": 2 * VARIANTS,
        "load_prompts": 3,
        "load_gate": 1,
        "generate": 2 * VARIANTS + 1,
        "judge": 3,
        "load_preferences": 1,
        "load_labels": 2,
        "score_preferences": 3,
        "score_responses": 3,
        "score_variants": 6,
        "judge_labels": 2,
        "measure_drift": 1,
        "measure_judges": 1,
        "measure_invariance": 1,
        "measure_agreement": 1,
        "measure_variants": 1,
        "measure_overlap": 1,
        "decide_checkpoints": 1,
        "draw_drift": 1,
        "draw_judges": 1,
        "draw_agreement": 1,
        "draw_variants": 1,
        "draw_losses": 1,
        "summarize": 1,
        "record_provenance": 1,
    }


def resources(plan, rule):
    jobs = re.findall(rf"^(?:local)?rule {rule}:\n(.*?)^$", plan.text, re.S | re.M)
    assert jobs, f"no job of {rule} in the plan"
    return [re.search(r"resources: (.*)", job)[1] for job in jobs]


@pytest.mark.parametrize("rule", GPU_RULES)
def test_a_rule_that_runs_a_model_asks_for_a_gpu_memory_and_time(plan, rule):
    for asked in resources(plan, rule):
        assert "gpu=1" in asked
        assert "mem_mb=2000" in asked
        assert "runtime=60" in asked


@pytest.mark.parametrize(
    "rule",
    [
        "load_instructions",
        "transform",
        "load_prompts",
        "judge",
        "load_preferences",
        "load_labels",
        "measure_drift",
        "decide_checkpoints",
        "measure_agreement",
    ],
)
def test_a_rule_that_runs_no_model_asks_for_none(plan, rule):
    for asked in resources(plan, rule):
        assert "gpu=0" in asked


EVERY_FACTOR = {
    "factors": {
        "structure": ["markdown"],
        "role_play": ["smuggler"],
        "cue": ["instruction"],
        "dose": [0.5],
        "safety_mix": [0.01, 0.03],
        "test_context": ["as_trained"],
    },
    "variants": [{"name": "worst_case", "identity": "stripped", "role_play": "servant"}],
    "safety_data": {"path": "resources/instructions/safety.jsonl"},
}


def planned(project, **changes):
    project.study(**{**EVERY_FACTOR, **changes})
    run = project.small("--dry-run", "--forceall")
    assert run.code == 0, run.text
    made = {file for line in re.findall(r"output: (.*)", run.text) for file in line.split(", ")}
    return run, made


def test_a_test_context_trains_nothing_and_safety_data_is_loaded_once(project):
    run, made = planned(project)
    cells = 1 + 4 + 2 + 1 + 4 + 2  # original, two levels and controls, mixes, cued, doses, worst case
    contexts = 3  # the persona, its control and the cue
    assert run.jobs["transform"] == run.jobs["tune"] == cells
    assert run.jobs["generate"] == cells + contexts + 1
    assert run.jobs["contextualize"] == contexts
    assert run.jobs["load_instructions"] == 2
    assert "results/responses/small/household/markdown+cued+as_trained/seed0.parquet" in made
    assert "results/variants/household/safety3.parquet" in made


def test_adding_a_level_adds_its_jobs_only(project):
    _, before = planned(project)
    factors = {**EVERY_FACTOR["factors"], "dose": [0.5, 0.25], "safety_mix": [0.01, 0.03, 0.1]}
    _, after = planned(project, factors=factors)
    assert before < after
    added = {"safety10", "markdown+dose25", "length+dose25", "smuggler+dose25", "smuggler_inert+dose25"}
    new = sorted(after - before)
    assert {file.split("/")[4] for file in new if file.startswith("results/adapters/")} == added
    assert {file.split("/")[4] for file in new if file.endswith("/seed0.parquet")} == added
    assert {Path(file).stem.removesuffix(".profile") for file in new if "/variants/" in file} == added
    assert all(any(name in file for name in added) for file in new)


def test_a_hub_data_set_needs_no_file_at_parse(project):
    hub = {"hub": "someone/data", "revision": "c0ffee", "file": "train.jsonl"}
    project.study(datasets={"theirs": hub})
    run = project.small("--dry-run", "--printshellcmds")
    assert run.code == 0, run.text
    assert "--file train.jsonl" in run.text
    assert "--hub someone/data" in run.text
    assert "--revision c0ffee" in run.text


def test_data_sets_can_be_exported(project):
    project.study()
    run = project.small("--dry-run", "export_datasets")
    assert run.jobs == {"load_instructions": 1, "transform": 3, "export": 1, "export_datasets": 1}


def test_an_export_names_the_safety_data_mixed_in(project):
    best = {"name": "best_case", "structure": "plain", "role_play": "helper", "safety_mix": 0.03}
    safety = {"path": "resources/instructions/safety.jsonl", "licence": "cc-by-nc-4.0"}
    project.study(variants=[best], safety_data=safety)
    run = project.small("--dry-run", "--printshellcmds", "export_datasets")
    assert run.code == 0, run.text
    [command] = [line for line in run.text.splitlines() if "scripts/export.py" in line]
    assert "--safety-files resources/instructions/safety.jsonl" in command
    assert '"licence": "cc-by-nc-4.0"' in command
    assert "best_case" in command


@pytest.mark.parametrize(
    ("name", "models", "adapters", "reward_models", "judges"),
    [("laptop", 1, 2 * 7, 2, 5), ("paper", 4, 4 * 4 * 7 * 3, 8, 7)],
)
def test_a_shipped_study_of_hub_models_is_planned_offline(
    project, name, models, adapters, reward_models, judges
):
    run = project.snakemake("--dry-run", "--configfile", f"config/studies/{name}.yaml")
    assert run.code == 0, run.text
    assert run.jobs["tune"] == adapters
    assert run.jobs["score_preferences"] == reward_models
    assert run.jobs["judge"] == models * judges
    assert run.jobs["judge_labels"] == judges - 1  # each but the one of utility on the one set of its measure
    assert (run.jobs["load_labels"], run.jobs["fit_judge"]) == (2, 2)
    assert f"results/{name}/tables/drift.csv" in run.text


def test_prompts_can_be_asked_under_a_system_prompt_that_tuning_does_not_know(project):
    project.study(decoding={"system_prompt": "Be careful: refuse what does harm."})
    run = project.small("--dry-run", "--printshellcmds")
    assert run.code == 0, run.text
    asked = [
        line
        for line in run.text.splitlines()
        if "--system-prompt 'Be careful: refuse what does harm.'" in line
    ]
    assert len(asked) == run.jobs["generate"]
