"""What is allowed and yet to be told is told once, before anything runs."""

import pytest

REAL = {
    "models": {
        "real": {"kind": "hub", "id": "someone/model"},
        "small-base": {"kind": "embedded", "studied": False},
    },
    "judges": {
        "refusals": {"kind": "refusal"},
        "words": {"kind": "harm"},
        "headline": {"kind": "harm", "by": "not_refused"},
    },
    "primary_judge": "headline",
}
TOLD = (
    "config key judges.words: a harm judge `by: rule` counts the words that an answer shares with its request"
)


@pytest.mark.parametrize(
    "words",
    [
        ["--dry-run"],
        ["--dry-run", "--quiet"],
        ["results/labels/harm.parquet", "results/labels/refusals.parquet"],
    ],
)
def test_a_lexical_harm_judge_beside_a_real_model_is_told_of_once(project, words):
    project.study(**REAL)
    run = project.small(*words)
    assert run.code == 0, run.text
    assert run.text.count(TOLD) == 1
    if len(words) == 2 and "--quiet" not in words:  # jobs ran, and the warning came before them
        assert run.text.index(TOLD) < run.text.index("load_labels")


def test_in_the_toy_world_nothing_is_told(project):
    project.study()
    assert "judges.harm" not in project.small("--dry-run").text
