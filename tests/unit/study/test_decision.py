"""What a study says of its decision: whose word counts, and how much of each measure may be lost."""

import pytest

from tunedrift.decisions.checkpoints import DECIDED_BY
from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.tables.decision import DECISION

TUNED = "household/markdown/seed0"
TWO = {
    "tiny": {"kind": "embedded"},
    "other": {"kind": "embedded", "seed": 1},
    "tiny-rm-base": {"kind": "embedded", "studied": False},
}


def test_by_default_nobodys_word_counts_and_every_measure_has_a_margin(make):
    study = make()
    assert study.deciding() == []
    assert study["decision/margins"] == dict.fromkeys(DECIDED_BY, 0.05)
    assert study.deciding_judges() == {
        "primary_judge": "harm",
        "refusal_judge": "refusals",
        "utility_judge": "reference",
    }


def test_the_measures_have_the_same_names_everywhere(make):
    make()  # in the folder of the workflow
    keys = read_yaml("config/schema.yaml")["properties"]["decision"]["properties"]["margins"]["properties"]
    assert tuple(keys) == tuple(DECIDED_BY) == DECISION.allowed["measure"]


@pytest.mark.parametrize(
    ("checkpoints", "found"),
    [
        ([TUNED], [f"tiny/{TUNED}", f"other/{TUNED}"]),
        ([{"other": [TUNED]}], [f"other/{TUNED}"]),
        ([{"other": [TUNED]}, TUNED], [f"other/{TUNED}", f"tiny/{TUNED}"]),
        ([{"other": []}], []),
    ],
)
def test_a_tuning_is_named_of_one_model_or_of_all(make, checkpoints, found):
    assert make(models=TWO, decision={"checkpoints": checkpoints}).deciding() == found


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"checkpoints": ["household/markdwon/seed0"]}, r"checkpoints\.0: .* tuning of this study: did you mean '.*markdown"),
        ({"checkpoints": [TUNED, {"tiny": ["household/markdown/seed9"]}]}, r"checkpoints\.1: 'household/markdown/seed9'"),
        ({"checkpoints": ["untuned"]}, r"checkpoints\.0: 'untuned' is not a tuning of this study"),
        ({"checkpoints": [{"tinny": [TUNED]}]}, r"checkpoints\.0: 'tinny' is not a studied model: did you mean 'tiny'"),
        ({"checkpoints": [{"tiny-rm-base": [TUNED]}]}, r"'tiny-rm-base' is not a studied model"),
        ({"checkpoints": [3]}, r"config key decision\.checkpoints\.0: 3 is not of type"),
        ({"checkpoints": TUNED}, r"config key decision\.checkpoints: .* is not of type 'array'"),
        ({"margins": {"SA_a": 0.1}}, r"config key decision\.margins\.SA_a is unknown: did you mean 'SA_g'"),
        ({"margins": {"over_refusals": 0.1}}, r"margins\.over_refusals is unknown: did you mean 'over_refusal'"),
        ({"margins": {"utility": 5}}, r"config key decision\.margins\.utility: 5 is greater than the maximum of 1"),
        ({"margins": {"utility": -0.1}}, r"config key decision\.margins\.utility: -0\.1 is less than the minimum of 0"),
        ({"margins": dict.fromkeys(DECIDED_BY)}, r"config key decision\.margins: every measure is left out"),
        ({"margin": {}}, r"config key decision\.margin is unknown: did you mean 'margins'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_before_anything_runs(make, decision, said):
    with pytest.raises(UserError, match=said):
        make(decision=decision)


def test_a_null_margin_leaves_a_measure_out_and_a_number_may_be_text(make):
    margins = make(decision={"margins": {"utility": None, "SA_g": "1e-1"}})["decision/margins"]
    assert (margins["utility"], margins["SA_g"], margins["coherence"]) == (None, 0.1, 0.05)


def test_a_study_without_a_refusal_judge_decides_without_one(make):
    judges = {"harm": {"kind": "harm"}}
    assert make(judges=judges).deciding_judges() == {"primary_judge": "harm"}
