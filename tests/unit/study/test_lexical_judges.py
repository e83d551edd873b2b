"""The harm judge that counts shared words stays in the toy world: a study of another model is told before it runs."""

import pytest

from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml

BASE = {"tiny-rm-base": {"kind": "embedded", "studied": False}}
TOY = {**BASE, "tiny": {"kind": "embedded"}}
HUB = {**TOY, "real": {"kind": "hub", "id": "someone/model"}}
LOCAL = {**BASE, "real": {"kind": "local", "path": "resources"}}
LEXICAL = {"kind": "harm"}
NOT_REFUSED = {"kind": "harm", "by": "not_refused"}
LEARNED = {"kind": "harm", "by": "learned", "fitted_on": ["mine"]}
SETS = {"mine": {"path": "resources/labels/simulated.jsonl", "measure": "harm", "columns": {"label": "harm"}}}


def study(make, models, primary="first", **judges):
    return make(models=models, length_model=None, judges=judges, primary_judge=primary, label_sets=SETS)


@pytest.mark.parametrize("models", [HUB, LOCAL])
def test_it_is_no_headline_of_a_real_model(make, models):
    said = r"config key primary_judge: 'first' counts the words .* toy world alone, and 'real' is no embedded model\. "
    said += r"Name a harm judge `by: learned` .* or, where there are none, one `by: not_refused`\."
    with pytest.raises(UserError, match=said):
        study(make, models, first=LEXICAL, other=LEARNED)


@pytest.mark.parametrize("models", [HUB, LOCAL])
@pytest.mark.parametrize("headline", [LEARNED, NOT_REFUSED])
def test_beside_another_judge_it_is_warned_of(make, models, headline):
    assert study(make, models, first=headline).warnings() == []
    warnings = study(make, models, first=headline, words=LEXICAL).warnings()
    assert [said.partition(" that an answer")[0] for said in warnings] == [
        "config key judges.words: a harm judge `by: rule` counts the words"
    ]
    assert warnings[0].endswith("believe nothing that it says of real.")


@pytest.mark.parametrize("models", [TOY, {**TOY, "idle": {"kind": "hub", "id": "a/b", "studied": False}}])
def test_in_the_toy_world_nothing_is_said(make, models):
    assert study(make, models, first=LEXICAL, words=LEXICAL).warnings() == []


def test_refusal_judges_by_rule_are_not_meant(make):
    assert study(make, HUB, first=NOT_REFUSED, told={"kind": "refusal"}).warnings() == []


def test_a_judge_by_what_is_not_refused_tells_harm(make):
    with pytest.raises(
        UserError, match=r"judges\.told\.kind: a judge `by: not_refused` tells harm, not refusal"
    ):
        study(make, TOY, first=LEXICAL, told={"kind": "refusal", "by": "not_refused"})
    assert study(make, TOY, first=NOT_REFUSED).judge_module("first") == "not_refused"


@pytest.mark.parametrize("name", ["laptop", "paper"])
def test_the_shipped_studies_of_real_models_name_judges_that_fit(make, name):
    shipped = make(**read_yaml(f"config/studies/{name}.yaml"))
    assert shipped["judges"][shipped["primary_judge"]]["by"] == "learned"
    assert shipped.warnings() == []
    for label_set in shipped["label_sets"].values():
        assert len(label_set["revision"]) == 40
