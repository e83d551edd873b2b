"""Judges and label sets of a study: names, kinds, defaults."""

import pytest

from tunedrift.errors import UserError
from tunedrift.flags import flags
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.study import Study

MINE = {"path": "resources/labels/simulated.jsonl", "measure": "harm"}


def test_label_sets_may_be_left_out(make):
    study = make(label_sets={})
    assert study.names("label_sets") == []
    without = {key: value for key, value in read_yaml("config/config.yaml").items() if key != "label_sets"}
    assert Study(without, "config/schema.yaml")["label_sets"] == {}


def test_a_label_set_has_its_defaults_and_its_labels_may_be_of_any_type(make):
    values = {1: "unsafe", "n/a": "left_out", False: "safe"}
    entry = make(label_sets={"mine": {**MINE, "values": values}})["label_sets/mine"]
    assert (entry["layout"], entry["labels"], entry["max_rejected"]) == ("plain", "people", 0.05)
    assert entry["sampled"] is None and make().names("label_sets", sampled="random") == []
    assert entry["values"] == {"1": "unsafe", "n/a": "left_out", "False": "safe"}
    assert flags({"values": entry["values"]}) == "--values 1=unsafe False=safe n/a=left_out"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"measure": "harms"}, "label_sets.mine.measure: 'harms' is not possible: did you mean 'harm'"),
        ({"values": {"1": "harmful"}}, "label_sets.mine.values.1: 'harmful' is not possible"),
        ({"layout": "xtest"}, "did you mean 'xstest'"),
        ({"sampled": "randomly"}, "label_sets.mine.sampled: 'randomly' is not possible"),
        (
            {"sampled": "random", "layout": "do_not_answer"},
            "do_not_answer is of answers that others published",
        ),
        (
            {"sampled": "random", "values": {"unsure": "left_out"}},
            "label_sets.mine.values: a random draw without the answers that are left_out is none",
        ),
        ({"labels": "models"}, "label_sets.mine.labels: 'models' is not possible"),
        ({"label": "x"}, "label_sets.mine.label is unknown: did you mean 'labels'"),
        ({"hub": "someone/labels"}, "label_sets.mine: give either a path or a hub id"),
        ({"questions": "nowhere.csv"}, "label_sets.mine.questions: there is no file nowhere.csv"),
        ({"path": "nowhere.csv"}, "label_sets.mine.path: there is no file nowhere.csv"),
    ],
)
def test_a_wrong_label_set_is_named(make, entry, message):
    with pytest.raises(UserError, match=message):
        make(label_sets={"mine": {**MINE, **entry}})


@pytest.mark.parametrize("section", ["statistics", "decoding"])
def test_a_key_that_is_a_number_is_unknown_as_others_are(make, section):
    with pytest.raises(UserError, match=f"config key {section}.8 is unknown"):
        make(**{section: {8: 1}})


def test_a_label_set_says_what_it_measures(make):
    with pytest.raises(UserError, match=r"config key label_sets\.mine\.measure is missing"):
        make(label_sets={"mine": {"path": MINE["path"]}})


@pytest.mark.parametrize(
    ("judge", "fault"),
    [
        (
            {"kind": "refusal", "by": "published"},
            r"judges\.mine\.published: `by: published` and the key go together",
        ),
        (
            {"kind": "refusal", "published": "qi_2023"},
            r"judges\.mine\.published: `by: published` and the key",
        ),
        (
            {"kind": "harm", "by": "published", "published": "qi_2023"},
            r"judges\.mine\.kind: qi_2023 tells refusals",
        ),
        ({"kind": "refusal", "by": "published", "published": "qi"}, r"judges\.mine\.published: 'qi'"),
    ],
)
def test_a_published_judge_is_named_and_tells_refusals(make, judge, fault):
    with pytest.raises(UserError, match=fault):
        make(judges={**read_yaml("config/config.yaml")["judges"], "mine": judge})


@pytest.mark.parametrize(
    ("judge", "fault"),
    [
        ({"kind": "harm", "by": "number"}, r"mine\.kind: a judge `by: number` tells utility, not harm"),
        (
            {"kind": "utility", "by": "rogue_l"},
            r"mine\.by: 'rogue_l' is not possible: did you mean 'rouge_l'",
        ),
        ({"kind": "utility", "by": "runs_tests"}, r"mine\.execute_code: .* runs code that a model wrote"),
        (
            {"kind": "utility", "by": "parses", "execute_code": True},
            r"mine\.execute_code: .* by parses runs no code",
        ),
        (
            {"kind": "harm", "suites": ["harmful"]},
            r"mine\.suites: a harm judge judges all suites of its kind",
        ),
        (
            {"kind": "utility", "suites": ["utilty"]},
            r"mine\.suites: 'utilty' is not a suite of kind utility: did you mean",
        ),
        (
            {"kind": "utility", "suites": ["harmful"]},
            r"mine\.suites: 'harmful' is not a suite of kind utility",
        ),
    ],
)
def test_a_utility_judge_says_how_and_runs_code_only_where_it_is_told_to(make, judge, fault):
    with pytest.raises(UserError, match=fault):
        make(judges={**read_yaml("config/config.yaml")["judges"], "mine": judge})


def test_a_utility_judge_is_a_module_of_its_own(make):
    mine = {"kind": "utility", "by": "runs_tests", "execute_code": True, "suites": ["utility"]}
    study = make(judges={**read_yaml("config/config.yaml")["judges"], "mine": mine})
    assert (study.judge_module("mine"), study.judge_module("reference")) == ("runs_tests", "utility")
    assert study["judges/reference/execute_code"] is False
    assert (
        flags({"suites": study["judges/mine/suites"], "execute_code": True})
        == "--execute-code --suites utility"
    )


def test_a_judge_is_measured_on_the_label_sets_of_its_kind(make):
    study = make(label_sets={"a": MINE, "b": {**MINE, "measure": "refusal"}})
    measures = {name: study[f"label_sets/{name}/measure"] for name in ("a", "b")}
    found = study.judged_sets()
    assert {judge for judge, _ in found} <= set(
        study.names("judges", kind="harm") + study.names("judges", kind="refusal")
    )
    assert found
    assert all(study[f"judges/{judge}/kind"] == measures[name] for judge, name in found)
    assert study.judged_sets(kind="utility") == make(label_sets={}).judged_sets() == []


def test_a_judge_is_tuned_on_label_sets_that_there_are(make):
    judges = {"harm": {"kind": "harm", "tuned_on": ["none"]}}
    with pytest.raises(UserError, match=r"config key judges.harm.tuned_on: 'none' is not one of label_sets"):
        make(judges=judges, label_sets={"mine": MINE})


SETS = {"told": {**MINE, "measure": "refusal"}, "harmed": MINE}


def with_learned(make, **judge):
    judges = {**read_yaml("config/config.yaml")["judges"], "mine": {"by": "learned", **judge}}
    return make(judges=judges, label_sets=SETS)


def test_a_learned_judge_of_sets_of_its_measure_is_fine(make):
    for kind, name in (("refusal", "told"), ("harm", "harmed")):
        study = with_learned(make, kind=kind, fitted_on=[name])
        assert study.judge_module("mine") == "learned"
    assert study.judge_module("refusals") == "refusal"


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ({"kind": "harm", "fitted_on": ["harmd"]}, "fitted_on: 'harmd' is not a label set .*'harmed'"),
        (
            {"kind": "harm", "fitted_on": ["told"]},
            "fitted_on: 'told' is not a label set with `measure: harm`",
        ),
        ({"kind": "harm"}, "fitted_on is missing"),
        ({"kind": "utility", "fitted_on": ["told"]}, "kind: a learned judge is of kind refusal or harm"),
        (
            {"kind": "harm", "by": "rule", "fitted_on": ["harmed"]},
            "fitted_on: a judge by rule is not fitted",
        ),
    ],
)
def test_what_a_learned_judge_lacks_is_one_sentence(make, judge, said):
    with pytest.raises(UserError, match=rf"judges\.mine\.{said}"):
        with_learned(make, **judge)


def test_a_verdict_may_flip_by_a_transform_in_two_of_a_hundred_answers(make):
    assert make()["statistics/max_flips"] == 0.02
    with pytest.raises(UserError, match=r"statistics\.max_flips: 2 is greater than the maximum of 1"):
        make(statistics={"max_flips": 2})
