"""A mistake in a study gives one sentence before anything runs."""

import pytest

CASES = {
    "an unknown key": ({"seed": [1]}, "config key seed is unknown: did you mean 'seeds'?"),
    "an unknown key in an entry": (
        {"models": {"small": {"kind": "embedded", "sede": 1}}},
        "config key models.small.sede is unknown: did you mean 'seed'?",
    ),
    "an undefined level": (
        {"factors": {"structure": ["markdwon"]}},
        "config key factors.structure: 'markdwon' is not a level of structure: did you mean 'markdown'?",
    ),
    "an undefined persona": (
        {"factors": {"role_play": ["smugler"]}},
        "config key factors.role_play: 'smugler' is not a level of role_play: did you mean 'smuggler'?",
    ),
    "an undefined attack": (
        {
            "suites": {
                "harmful": {
                    "kind": "harmful",
                    "path": "resources/prompts/harmful.jsonl",
                    "attacks": ["rolle"],
                }
            }
        },
        "config key suites.harmful.attacks: 'rolle' is not one of attacks: did you mean 'role'?",
    ),
    "a safety mix without safety data": (
        {"factors": {"safety_mix": [0.1]}},
        "config key safety_data is missing: safety_mix needs rows to mix in.",
    ),
    "a cue without a structure": (
        {"variants": [{"cue": "instruction", "identity": "calibrated"}]},
        "config key variants.0.cue: 'instruction' has nothing to act on",
    ),
    "a dose that is no share": (
        {"factors": {"structure": ["markdown"], "dose": [50]}},
        "config key factors.dose.0: 50 is greater than the maximum of 1.",
    ),
    "a hub id without a revision": (
        {"datasets": {"theirs": {"hub": "someone/data", "file": "train.jsonl"}}},
        "config key datasets.theirs.revision is missing: a hub id needs it. Take the full commit from the data set's",
    ),
    "a hub id and a path": (
        {"datasets": {"theirs": {"hub": "someone/data", "path": "train.jsonl"}}},
        "config key datasets.theirs: give either a path or a hub id.",
    ),
    "a primary judge that judges no harm": (
        {"primary_judge": "refusals"},
        "config key primary_judge: 'refusals' is not a judge of kind harm: known: harm.",
    ),
    "a missing file": (
        {"datasets": {"household": {"path": "resources/instructions/none.jsonl"}}},
        "config key datasets.household.path: there is no file resources/instructions/none.jsonl.",
    ),
    "a folder in place of a file": (
        {"datasets": {"household": {"path": "resources/instructions"}}},
        "config key datasets.household.path: resources/instructions is a folder: name a file",
    ),
    "a reward model without a base": (
        {"reward_models": {"safe": {"kind": "embedded"}}},
        "config key reward_models.safe.base is missing",
    ),
    "a base that is no model": (
        {"reward_models": {"safe": {"kind": "embedded", "base": "smal-base"}}},
        "config key reward_models.safe.base: 'smal-base' is not an embedded model: did you mean 'small-base'?",
    ),
    "one name for two things": (
        {"reward_models": {"small": {"kind": "embedded", "base": "small-base"}}},
        "config key reward_models.small: a model bears this name already.",
    ),
    "a number out of range": ({"seeds": [-1]}, "config key seeds.0: -1 is less than the minimum of 0."),
    "no model to study": (
        {
            "models": {"small-base": {"kind": "embedded", "studied": False}},
            "reward_models": {"safe": {"kind": "embedded", "base": "small-base"}},
        },
        "config key models: no model has `studied: true`",
    ),
    "a local model that is not there": (
        {
            "models": {
                "mine": {"kind": "local", "path": "nowhere"},
                "small-base": {"kind": "embedded", "studied": False},
            }
        },
        "config key models.mine.path: there is no file nowhere.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_before_anything_runs(project, case):
    changes, sentence = CASES[case]
    project.study(**changes)
    run = project.small("--dry-run")
    assert run.code == 1
    assert sentence in run.text
    assert "Traceback" not in run.text


def test_a_name_given_twice(project):
    path = project.study()
    path.write_text(path.read_text() + "seeds: [1]\n")
    run = project.small("--dry-run")
    assert run.code == 1
    assert "'seeds' is given twice (first in line" in run.text


def test_globs_name_the_inputs_of_the_job(project):
    for name in ("in/d1/x.jsonl", "in/d2/x.jsonl", "in/x[1].jsonl"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("{}")
    paths = ["in/d*/x.jsonl", f"{project.folder}/in/d?/x.jsonl", "in/**/x.jsonl", "in/x[1].jsonl"]
    project.study(datasets={f"set{number}": {"path": path} for number, path in enumerate(paths)})
    run = project.small("instructions", "--dry-run")
    assert run.code == 0, run.text
    both = "in/d1/x.jsonl, {0}in/d2/x.jsonl, resources/safety_rows.yaml"
    assert run.text.count(f"input: {both.format('')}") == 2
    assert f"input: {project.folder}/{both.format(f'{project.folder}/')}" in run.text
    assert "input: in/x[1].jsonl, resources/safety_rows.yaml" in run.text


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_dataset_without_rows_stops_at_load(project, content):
    (project.folder / "empty.jsonl").write_text(content)
    project.study(datasets={"nothing": {"path": "empty.jsonl"}})
    run = project.small("instructions")
    assert run.code == 1
    assert "error: empty.jsonl" in run.text
    assert "Traceback" not in run.text
