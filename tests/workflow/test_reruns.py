"""What reruns when: every line of the README's table, on a finished small study.

Jobs are read off a dry run. The rows are counted by a real run, and held against what the tables hold now and did not
hold before.
"""

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml

from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.rejected import REJECTED
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.variants import VARIANTS as VARIANT_TABLE

SMALL = yaml.safe_load((Path(__file__).parent / "small.yaml").read_text())
REPORT = {
    "measure_drift": 1,
    "measure_agreement": 1,
    "decide_checkpoints": 1,
    "draw_drift": 1,
    "draw_agreement": 1,
    "summarize": 1,
    "record_provenance": 1,
    "all": 1,
}
"""The jobs at the end of the chain, which follow every change in answers or verdicts."""
OF_REWARDS = {rule: 1 for rule in REPORT if rule not in ("measure_drift", "draw_drift", "decide_checkpoints")}
"""Those among them that follow a change in scores."""
VARIANTS = {"measure_variants": 1, "draw_variants": 1}
"""What sets the variants side by side."""
OVERLAP = {"measure_overlap": 1}
LOSSES = {"draw_losses": 1}
TUNINGS = 4  # untuned, original, markdown, length


@pytest.fixture
def project(finished, tmp_path):
    return finished.clone(tmp_path / "project")


def changed(section, **entries):
    return {section: {**SMALL[section], **entries}}


def edit(project, path, before, after):
    file = project.folder / path
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


# --- Edits of the study ------------------------------------------------------------------------------------------

STUDY_EDITS = {
    "a new model": (
        changed("models", second={"kind": "embedded", "seed": 1, "chats": 400}),
        {
            "pretrain": 1,
            "check_gate": 1,
            "select_rows": 1,
            "tune": 3,
            **LOSSES,
            "generate": TUNINGS,
            "judge": 3,
            "score_responses": 2,
            **VARIANTS,
            **REPORT,
        },
    ),
    "a new variant and its control": (
        {"variants": [{"structure": "markdown", "identity": "calibrated"}]},
        {
            "transform": 2,
            "select_rows": 1,
            "tune": 2,
            **LOSSES,
            "generate": 2,
            "judge": 3,
            "score_responses": 2,
            "score_variants": 2,
            **VARIANTS,
            **REPORT,
        },
    ),
    "a new dataset": (
        changed("datasets", learning={"path": "resources/instructions/learning.jsonl", "n": 24}),
        {
            "load_instructions": 1,
            "transform": 3,
            "select_rows": 1,
            "tune": 3,
            **LOSSES,
            "generate": 3,
            "judge": 3,
            "score_responses": 2,
            "score_variants": 2,
            **VARIANTS,
            **OVERLAP,
            **REPORT,
        },
    ),
    "a new reward model": (
        changed(
            "reward_models", noisy={"kind": "embedded", "base": "small-base", "bias": "noisy", "pairs": 60}
        ),
        {
            "pretrain_reward": 1,
            "score_preferences": 1,
            "score_responses": 1,
            "score_variants": 1,
            **OF_REWARDS,
        },
    ),
    "a new judge": (
        changed("judges", strict={"kind": "refusal", "threshold": 0.9}),
        {
            **{"judge": 1, "measure_drift": 1, "draw_drift": 1, "decide_checkpoints": 1},
            **{"judge_labels": 1, "measure_judges": 1, "measure_invariance": 1, "draw_judges": 1},
            **{"summarize": 1, "record_provenance": 1, "all": 1},
        },
    ),
    "a new attack": (
        {
            **changed("attacks", prefix={"path": "resources/toy_attacks.yaml"}),
            **changed("suites", harmful={**SMALL["suites"]["harmful"], "attacks": ["role", "prefix"]}),
        },
        {"load_prompts": 1, "generate": TUNINGS, "judge": 3, "score_responses": 2, **OVERLAP, **REPORT},
    ),
    "a new seed": (
        {"seeds": [0, 1]},
        {"tune": 3, **LOSSES, "generate": 3, "judge": 3, "score_responses": 2, **REPORT},
    ),
    "a new suite": (
        changed(
            "suites", more={"kind": "harmful", "path": "resources/prompts/harmful.jsonl", "n": 5, "seed": 1}
        ),
        {"load_prompts": 1, "generate": TUNINGS, "judge": 3, "score_responses": 2, **OVERLAP, **REPORT},
    ),
    "ten more prompts in a suite": (
        changed("suites", harmful={**SMALL["suites"]["harmful"], "n": 22}),
        {"load_prompts": 1, "generate": TUNINGS, "judge": 3, "score_responses": 2, **OVERLAP, **REPORT},
    ),
    "a learning rate of one model": (
        changed("models", small={**SMALL["models"]["small"], "tuning": {"learning_rate": 0.001}}),
        {"tune": 3, **LOSSES, "generate": 3, "judge": 3, "score_responses": 2, **REPORT},
    ),
}


@pytest.mark.parametrize("case", STUDY_EDITS)
def test_an_edit_of_the_study_reruns_and_computes_what_it_touches(project, case):
    known = Known(project)
    changes, jobs = STUDY_EDITS[case]
    project.study(**changes)
    run = project.small("--dry-run")
    assert run.code == 0, run.text
    assert run.jobs == jobs
    made = computed_by_a_run(project)
    assert {name.split("/")[0] for name in made} == {
        rule.split("_")[0] for rule in jobs if rule.split("_")[0] in ("generate", "judge", "score")
    }
    retuned = case == "a learning rate of one model"
    assert made == known.computed_since(Known(project), retuned=retuned)
    if case == "ten more prompts in a suite":
        # Plain, under the attack, and one sampled answer.
        answers = {name: rows for name, rows in made.items() if name.startswith("generate/")}
        assert answers == dict.fromkeys(answers, 10 * 3)


# --- Edits of code -----------------------------------------------------------------------------------------------

OF_TUNING = (
    "scripts/tunedrift/adapters/trainer.py",
    "supervised.sum(1).clamp_min(1)",
    "supervised.sum(1).clamp_min(2)",
)

CODE_EDITS = {
    "a comment": ("scripts/tunedrift/adapters/tuning.py", "import math\n", "import math  # numbers\n", set()),
    "a docstring": ("scripts/tunedrift/drift/contrasts.py", '"""Drift:', '"""What drifted:', set()),
    "a reformat": (
        "scripts/tune.py",
        "import json\nimport os\n",
        "import json\n\n\nimport os\n",
        set(),
    ),
    "a log path": ("rules/adapters.smk", "<results>/logs/tune/", "<results>/logs/adapters/", set()),
    "what a job says while it waits": ("scripts/tunedrift/jobs/locks.py", "waiting for", "waits for", set()),
    "the store's garbage collection": (
        "scripts/tunedrift/reuse/garbage.py",
        "removed, freed",
        "freed, removed",
        set(),
    ),
    "a figure's colour": (
        "scripts/tunedrift/figures/style.py",
        "#0072B2",
        "#0072B3",
        {
            *("draw_drift", "draw_judges", "draw_agreement", "draw_variants", "draw_losses"),
            "record_provenance",
        },
    ),
    "a function of tuning": (
        *OF_TUNING,
        {"tune", "draw_losses", "generate", "judge", "score_responses", *REPORT},
    ),
    "a function of scoring": (
        "scripts/tunedrift/rewards/classifier.py",
        "(-len(ids[i]), texts[i])",
        "(len(ids[i]), texts[i])",
        {
            "score_preferences",
            "score_responses",
            "score_variants",
            *OF_REWARDS,
        },
    ),
}


@pytest.mark.parametrize("case", CODE_EDITS)
def test_an_edit_of_code_reruns_the_steps_that_use_it(project, case):
    path, before, after, rules = CODE_EDITS[case]
    edit(project, path, before, after)
    jobs = set(project.small("--dry-run").jobs)
    assert jobs == (rules | {"all"} if rules else set())


# --- Times and environments --------------------------------------------------------------------------------------


def test_a_touch_of_every_file_reruns_nothing(project):
    later = time.time() + 5
    for path in project.folder.rglob("*"):
        if ".snakemake" not in path.parts:
            os.utime(path, (later, later))
    run = project.small()
    assert "Nothing to be done" in run.text, run.text


def test_a_checkout_reruns_nothing(project):
    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=project.folder, check=True, capture_output=True)

    (project.folder / ".gitignore").write_text("results\nmodels\nwork\n.snakemake\n")
    for command in (("init", "-b", "one"), ("add", "."), ("commit", "-m", "one"), ("checkout", "-b", "two")):
        git(*command)
    edit(project, *OF_TUNING)
    git("commit", "-am", "two")
    git("checkout", "one")
    assert "Nothing to be done" in project.small("--dry-run").text


def test_an_environment_installed_anew_reruns_nothing(project):
    for path in (project.folder / "envs").iterdir():
        path.write_text(path.read_text() + "\n# installed again\n")
    assert "Nothing to be done" in project.small("--dry-run").text


def test_changed_content_with_an_old_time_is_seen(project):
    source = project.folder / "resources/instructions/household.jsonl"
    before = source.stat()
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[1:]))
    os.utime(source, (before.st_atime - 1e6, before.st_mtime - 1e6))
    assert {"load_instructions", "transform", "tune", "generate"} <= set(project.small("--dry-run").jobs)


def test_a_table_that_is_rewritten_with_the_same_rows_stops_the_rerun(project):
    edit(project, "scripts/load_instructions.py", "def main(", "EXTRA = 1\n\n\ndef main(")
    assert {"load_instructions", "transform"} <= set(project.small("--dry-run").jobs)
    assert project.small("--until", "load_instructions").code == 0
    assert "Nothing to be done" in project.small("--dry-run").text


def test_a_row_that_is_lost_to_one_variant_tunes_all_of_its_data_set_anew(project):
    path = project.folder / "results/adapters/small/household/rejected.parquet"
    row_id = VARIANT_TABLE.read(project.folder / "results/variants/household/original.parquet")["row_id"][0]
    lost = [{"variant": "markdown", "row_id": row_id, "reason": "too_long"}]
    REJECTED.write(REJECTED.frame(lost), path)
    jobs = project.small("--dry-run").jobs
    assert jobs == {
        **{"tune": 3, **LOSSES, "generate": 3, "judge": 3, "score_responses": 2},
        **{**VARIANTS, **REPORT},
    }


# --- Rows --------------------------------------------------------------------------------------------------------


def computed_by_a_run(project):
    """Log file → rows computed anew, over all answers, verdicts and scores that a run makes."""
    shutil.rmtree(project.folder / "results/logs")
    run = project.small("verdicts", "rewards")
    assert run.code == 0, run.text
    made = Counter()
    for log in (project.folder / "results/logs").rglob("*.log"):
        name, text = (
            log.relative_to(project.folder / "results/logs").with_suffix("").as_posix(),
            log.read_text(),
        )
        if count := re.search(r"(\d+) computed", text):
            made[name] += int(count[1])
        # What a process that had the model loaded did for another tuning of it.
        for number, tuning in re.findall(r"^(\d+) answers of (\S+) computed beside$", text, re.M):
            made[f"{'/'.join(name.split('/')[:2])}/{tuning}"] += int(number)
    return dict(made)


class Known:
    """What a project's tables hold: the distinct texts that answers, verdicts and scores are made from."""

    def __init__(self, project):
        results = project.folder / "results"
        asked = pl.concat([PROMPTS.read(path) for path in (results / "prompts").glob("*.parquet")])
        answers = pl.concat([RESPONSES.read(path) for path in (results / "responses").rglob("*.parquet")])
        self.rows = {}  # log file → its distinct texts
        for (model, tuning), group in answers.join(asked, on="prompt_id").group_by("model", "tuning"):
            for row in group.iter_rows(named=True):
                self.add(f"generate/{model}/{tuning}", row["messages"], row["sample"])
                kinds = ("reference",) if row["kind"] == "utility" else ("refusals", "harm", "strict")
                for judge in kinds:
                    self.add(f"judge/{judge}/{model}", row["kind"], row["plain_prompt"], row["answer"])
                if row["sample"] == 0:
                    self.add(f"score/responses/{model}", row["plain_prompt"], row["answer"])
        for path in (results / "variants").rglob("*.parquet"):
            for row in VARIANT_TABLE.read(path).iter_rows(named=True):
                self.add(f"score/variants/{path.parent.name}", row["original_prompt"], row["messages"][-1])
        for path in (results / "preferences").glob("*.parquet"):
            for row in PREFERENCES.read(path).iter_rows(named=True):
                self.add(f"score/preferences/{path.stem}", row["messages"], row["safer"])
                self.add(f"score/preferences/{path.stem}", row["messages"], row["less_safe"])
        # What has a log was done by that judge or reward model.
        self.logs = {
            log.relative_to(results / "logs").with_suffix("").as_posix()
            for log in (results / "logs").rglob("*.log")
        }

    def add(self, log, *text):
        self.rows.setdefault(log, set()).add(repr(text))

    def computed_since(self, after, retuned):
        """Log file → rows that a later state must have computed, for each log that its run wrote."""
        expected = {}
        for log in after.logs:
            stage, who, *rest = log.split("/")
            if stage == "generate":
                expected[log] = len(after.rows[log] - (set() if retuned else self.rows.get(log, set())))
            elif stage in ("judge", "score"):
                texts = log if stage == "judge" else "/".join([stage, *rest])
                expected[log] = len(after.rows[texts] - self.seen_by(stage, who))
        return expected

    def seen_by(self, stage, who):
        """Every text that a judge or reward model has seen; none if it has written no log."""
        if not any(log.startswith(f"{stage}/{who}/") for log in self.logs):
            return set()
        texts = f"judge/{who}/" if stage == "judge" else "score/"
        return set().union(*(rows for log, rows in self.rows.items() if log.startswith(texts)))


def test_a_deleted_store_costs_time_and_nothing_else(project):
    shutil.rmtree(project.folder / "work/store")
    assert "Nothing to be done" in project.small("--dry-run").text
    table = project.folder / "results/responses/small/untuned.parquet"
    before = table.read_bytes()
    table.unlink()
    assert project.small(str(table.relative_to(project.folder))).code == 0
    assert table.read_bytes() == before
