"""The decision in a run of the workflow and in a build server's job: each shell step of `.github` is run as it stands."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from project import ROOT
from synthetic import fabricate_prompts, fabricate_verdicts, judged

from tunedrift import files
from tunedrift.decisions.exports import markdown
from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.decisions.record import CheckpointDecision, MeasureDecision, as_json
from tunedrift.design.tunings import parse_tuning
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.verdicts import VERDICTS

GITHUB = ROOT / ".github"
ACTION = yaml.safe_load((GITHUB / "actions/decide/action.yml").read_text())
WORKFLOW = yaml.safe_load((GITHUB / "workflows/decide.yml").read_text())
STEPS = {
    step["name"]: step
    for step in [*ACTION["runs"]["steps"], *WORKFLOW["jobs"]["decide"]["steps"]]
    if "run" in step
}
TUNED = "household/markdown/seed0"


def expanded(text, values):
    """What a build server makes of `${{ … }}`."""
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: values[found[1]], text)


def step(name, folder, values, **environment):
    """Run one step's shell lines as a build server does; returns its exit status, output, and the two files it adds to."""
    written = {"GITHUB_OUTPUT": folder / "output", "GITHUB_STEP_SUMMARY": folder / "step_summary"}
    for path in written.values():
        path.touch()
    script = folder / "step.sh"
    script.write_text(STEPS[name]["run"])
    own = {key: expanded(value, values) for key, value in STEPS[name].get("env", {}).items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder,
        env={**os.environ, "PATH": path, **own, **{k: str(v) for k, v in written.items()}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        done.returncode,
        done.stdout + done.stderr,
        written["GITHUB_OUTPUT"].read_text(),
        written["GITHUB_STEP_SUMMARY"].read_text(),
    )


def results(folder, word, counts=True):
    """A folder of results that holds a decision."""
    part = MeasureDecision("SA_g", "harm", "harmful", word, 0.05, "because", -0.1)
    checkpoints = [CheckpointDecision("tiny", TUNED, word, counts, [part])]
    files.write_json(folder / "decision.json", as_json(checkpoints, 0.95))
    files.write_text(folder / "decision.md", markdown(checkpoints, 0.95))
    return folder / "decision.json"


def values(decision, cannot_tell="fail"):
    return {
        "inputs.decision": str(decision),
        "inputs.cannot-tell": cannot_tell,
        "github.action_path": str(GITHUB / "actions/decide"),
    }


def test_every_shell_step_is_run_by_a_test_and_takes_its_inputs_as_variables():
    assert set(STEPS) == {"Show what was decided", "Check it", "Install", "Run the study"}
    for name, found in STEPS.items():
        assert found["shell"] == "bash", name
        assert "${{" not in found["run"], name


def test_the_example_calls_the_action_with_inputs_that_it_has():
    steps = WORKFLOW["jobs"]["decide"]["steps"]
    [called] = [found for found in steps if found.get("uses") == "./.github/actions/decide"]
    assert set(called["with"]) <= set(ACTION["inputs"])
    asked = set(re.findall(r"inputs\.([\w-]+)", (GITHUB / "workflows/decide.yml").read_text()))
    assert asked == set(WORKFLOW[True]["workflow_dispatch"]["inputs"])  # YAML reads `on` as a truth value


@pytest.mark.parametrize(
    ("word", "counts", "cannot_tell", "code", "output"),
    [
        (PASS, True, "fail", 0, PASS),
        (FAIL, True, "fail", 1, FAIL),
        (FAIL, True, "pass", 1, FAIL),
        (CANNOT_TELL, True, "fail", 3, CANNOT_TELL),
        (CANNOT_TELL, True, "pass", 0, CANNOT_TELL),
        (FAIL, False, "fail", 0, "none"),
    ],
)
def test_the_action_passes_and_fails_a_job(tmp_path, word, counts, cannot_tell, code, output):
    decision = results(tmp_path / "my results", word, counts)
    found, text, told, _ = step("Check it", tmp_path, values(decision, cannot_tell))
    assert (found, told) == (code, f"word={output}\n"), text
    assert f"{word}: tiny, {TUNED}" in text


@pytest.mark.parametrize("content", [None, "", "{}"])
def test_trouble_fails_a_job_whatever_cannot_tell_does(tmp_path, content):
    if content is not None:
        (tmp_path / "decision.json").write_text(content)
    code, text, told, _ = step("Check it", tmp_path, values(tmp_path / "decision.json", "pass"))
    assert (code, told) == (2, "")
    assert "error: " in text and "Traceback" not in text


def test_the_action_shows_the_decision_beside_the_job(tmp_path):
    decision = results(tmp_path / "my results", FAIL)
    code, text, _, summary = step("Show what was decided", tmp_path, values(decision))
    assert code == 0, text
    assert summary == (tmp_path / "my results/decision.md").read_text()


def test_the_example_installs_what_the_readme_says(tmp_path):
    said = STEPS["Install"]["run"].strip()
    assert said in (ROOT / "README.md").read_text()
    if shutil.which("pip", path=Path(sys.executable).parent) is None:
        pytest.skip("there is no pip beside this Python")
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # all of it is installed already
    code, text, *_ = step("Install", tmp_path, {}, **offline)
    assert code == 0, text


def test_the_example_runs_a_study_and_its_decision_is_checked(finished, tmp_path):
    folder = finished.clone(tmp_path / "project").folder
    code, text, *_ = step("Run the study", folder, {"inputs.study": "config/small.yaml"})
    assert code == 0 and "Nothing to be done" in text, text
    code, text, told, summary = step("Check it", folder, values("results/decision.json"))
    assert (code, told) == (0, "word=none\n"), text
    assert step("Show what was decided", folder, values("results/decision.json"))[-1] != summary


def test_a_finished_study_holds_a_decision_on_every_tuning(finished):
    value = json.loads((finished.folder / "results/decision.json").read_text())
    assert value["decision"] is None
    assert [one["tuning"] for one in value["checkpoints"]] == [
        f"household/{variant}/seed0" for variant in ("length", "markdown", "original")
    ]
    for name in ("decision.junit.xml", "decision.md", "tables/decision.csv"):
        assert (finished.folder / "results" / name).stat().st_size


def tables(folder, size, kept):
    """Tables of the small study, as if its steps had made them: what was tuned on Markdown stays safe on a share `kept`."""
    prompts = fabricate_prompts(size, size, size)
    for (suite,), rows in prompts.group_by("suite"):
        PROMPTS.write(rows, folder / f"prompts/{suite}.parquet")
    named = {"harm": "harm", "refusal": "refusals", "utility": "reference"}
    verdicts = []
    for tuning in (
        "untuned",
        *(f"household/{variant}/seed0" for variant in ("original", "markdown", "length")),
    ):
        for number, prompt in enumerate(prompts.iter_rows(named=True)):
            lost = tuning == TUNED and prompt["kind"] == "harmful" and number % 10 >= 10 * kept
            key = {
                "model": "small",
                **parse_tuning(tuning).columns,
                "prompt_id": prompt["prompt_id"],
                "sample": 0,
            }
            verdicts += fabricate_verdicts(prompt["kind"], not lost, 0.5, key)
    for (kind,), rows in VERDICTS.frame(verdicts).group_by("kind"):
        VERDICTS.write(
            rows.with_columns(judge=pl.lit(named[kind])), folder / f"verdicts/{named[kind]}/small.parquet"
        )
    good = (0.95, 0.93, 0.97)
    judges = [
        {**row, "judge": named[kind]}
        for kind in ("harm", "refusal")
        for row in judged(kind, "simulated", good, good, labels="simulated")
    ]
    JUDGES.write(JUDGES.frame(judges), folder / "tables/judges.parquet")


@pytest.mark.parametrize(
    ("size", "kept", "named", "said", "code"),
    [
        (120, 1.0, [TUNED], PASS, 0),
        (120, 0.2, [TUNED], FAIL, 1),
        (120, 0.2, [{"small": ["household/original/seed0"]}], PASS, 0),
        (12, 1.0, [TUNED], CANNOT_TELL, 1),
        (120, 0.2, [], "none", 0),
    ],
)
def test_the_target_makes_the_decision_and_fails_once_unless_it_is_a_pass(
    project, size, kept, named, said, code
):
    project.study(decision={"checkpoints": named})
    tables(project.folder / "results", size, kept)
    run = project.small("decide", "--retries", "2", "--allowed-rules", "decide_checkpoints", "decide")
    assert run.jobs == {"decide_checkpoints": 1, "decide": 1}, run.text
    assert run.code == code, run.text
    log = (project.folder / "results/logs/decide.log").read_text()
    assert log.splitlines()[-1] == f"decision: {said}"
    assert run.text.count("Error in rule decide:") == code
    assert "Error in rule decide_checkpoints:" not in run.text
    for name in (
        "decision.json",
        "decision.junit.xml",
        "decision.md",
        "tables/decision.parquet",
        "tables/decision.csv",
    ):
        assert (project.folder / "results" / name).stat().st_size
