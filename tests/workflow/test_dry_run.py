"""The default study's plan: which jobs there are, and what they ask of the scheduler."""

import re

import pytest

GPU_RULES = (
    "pretrain",
    "pretrain_reward",
    "qualify",
    "tune",
    "generate",
    "score_preferences",
    "score_responses",
    "score_variants",
)
VARIANTS = 7  # the untouched data, three levels and their three matched controls


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    from conftest import Project

    project = Project.copied(tmp_path_factory.mktemp("plan") / "project")
    run = project.snakemake("--dry-run")
    assert run.code == 0, run.text
    return run


def test_the_default_study_has_these_jobs(plan):
    assert plan.jobs == {
        "all": 1,
        "pretrain": 2,
        "pretrain_reward": 3,
        "qualify": 1,
        "load": 2,
        "transform": 2 * VARIANTS,
        "tune": 2 * VARIANTS,
        "wrap": 3,
        "generate": 2 * VARIANTS + 1,
        "judge": 3,
        "pair": 1,
        "score_preferences": 3,
        "score_responses": 3,
        "score_variants": 6,
        "measure_drift": 1,
        "measure_agreement": 1,
        "draw": 1,
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
    "rule", ["load", "transform", "wrap", "judge", "pair", "measure_drift", "measure_agreement"]
)
def test_a_rule_that_runs_no_model_asks_for_none(plan, rule):
    for asked in resources(plan, rule):
        assert "gpu=0" in asked
