"""The attacks of a study: files, and stacks of other attacks."""

import pytest

from tunedrift.errors import UserError
from tunedrift.flags import flags

TOY = "resources/toy_attacks.yaml"
ATTACKS = {
    "role": {"path": TOY},
    "prefix": {"path": TOY},
    "rot13": {},
    "base64": {},
    "outer": {"stack": ["inner", "role"]},
    "inner": {"stack": ["rot13", "base64"]},
}


def study(make, attacks, used):
    suites = {"mine": {"kind": "harmful", "path": "resources/prompts/harmful.jsonl", "attacks": used}}
    return make(suites=suites, attacks=attacks)


def test_a_suite_needs_the_files_of_its_attacks_and_of_the_parts_of_stacks(make):
    made = study(make, ATTACKS, ["outer", "prefix"])
    shipped = "resources/attacks.yaml"
    assert made.attack_files("mine") == {"rot13": shipped, "base64": shipped, "role": TOY, "prefix": TOY}
    assert made.stacks("mine") == {"outer": "rot13+base64+role"}
    assert flags({"stacks": made.stacks("mine")}) == "--stacks outer=rot13+base64+role"
    made = study(make, ATTACKS, ["prefix"])
    assert (made.attack_files("mine"), made.stacks("mine")) == ({"prefix": TOY}, {})


@pytest.mark.parametrize(
    ("attacks", "message"),
    [
        (
            {"both": {"stack": ["rolle", "rot13"]}},
            r"config key attacks\.both\.stack: 'rolle' is not one of attacks: did you mean 'role'",
        ),
        (
            {"both": {"stack": ["role", "both"]}},
            r"config key attacks\.both\.stack: the stack is a part of itself \(both → both\)\. Take 'both' out",
        ),
        (
            {"a": {"stack": ["b", "role"]}, "b": {"stack": ["role", "c"]}, "c": {"stack": ["rot13", "b"]}},
            r"config key attacks\.c\.stack: the stack is a part of itself \(b → c → b\)\. Take 'b' out",
        ),
        ({"both": {"stack": []}}, r"config key attacks\.both\.stack: \[\] "),
        ({"both": {"stack": ["role"]}}, r"config key attacks\.both\.stack: \['role'\] is too short"),
        ({"both": {"stack": "role"}}, r"config key attacks\.both\.stack: 'role' is not of type 'array'"),
        (
            {"both": {"stack": ["role", "rot13"], "path": TOY}},
            r"config key attacks\.both: path and stack cannot stand together\. Leave one out",
        ),
        (
            {"both": {"stak": ["role", "rot13"]}},
            r"config key attacks\.both\.stak is unknown: did you mean 'stack'",
        ),
    ],
)
def test_a_stack_that_cannot_be_is_told_when_the_study_is_read(make, attacks, message):
    with pytest.raises(UserError, match=message):
        study(make, {**ATTACKS, **attacks}, ["role"])


def test_one_attack_may_stand_in_several_stacks_and_twice_in_one(make):
    attacks = {**ATTACKS, "deep": {"stack": ["base64", "base64", "inner"]}}
    assert study(make, attacks, ["deep", "inner"]).stacks("mine") == {
        "deep": "base64+base64+rot13+base64",
        "inner": "rot13+base64",
    }
