import pytest

from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.checks import check_known
from tunedrift.study.schema import check_schema, fill_defaults

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["models"],
    "properties": {
        "models": {
            "type": "object",
            "propertyNames": {"type": "string", "pattern": "^[a-z]+$"},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "kind": {"enum": ["local", "hub"], "default": "hub"},
                    "gpu": {"type": "integer", "minimum": 0, "default": 1},
                    "over": {
                        "type": "object",
                        "x-partial": True,
                        "properties": {"rate": {"default": 1}},
                        "default": {},
                    },
                },
            },
        },
        "results": {"type": "string", "default": "results"},
    },
}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "config key models is missing."),
        ({"models": {}, "result": "x"}, "config key result is unknown: did you mean 'results'?"),
        ({"models": {"a": {"kin": "hub"}}}, "config key models.a.kin is unknown: did you mean 'kind'?"),
        (
            {"models": {"a": {"kind": "hab"}}},
            "config key models.a.kind: 'hab' is not possible: did you mean 'hub'?",
        ),
        ({"models": {"a": {"gpu": -1}}}, "config key models.a.gpu: -1 is less than the minimum of 0."),
        ({"models": {"a": {"gpu": "one"}}}, "config key models.a.gpu: 'one' is not of type 'integer'."),
        ({"models": {"A b": {}}}, "config key models.A b: a name has lower-case letters"),
    ],
)
def test_one_sentence_names_the_key_and_the_nearest_name(config, message):
    with pytest.raises(UserError) as caught:
        check_schema(config, SCHEMA)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_good_config_passes():
    assert check_schema({"models": {"a": {"gpu": 2}}}, SCHEMA) is None


def test_defaults_are_filled_at_every_depth_and_the_original_is_kept():
    config = {"models": {"a": {"gpu": 2}}}
    assert fill_defaults(config, SCHEMA) == {
        "models": {"a": {"gpu": 2, "kind": "hub", "over": {}}},
        "results": "results",
    }
    assert config == {"models": {"a": {"gpu": 2}}}


def test_a_key_given_twice_names_both_lines(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("models:\n  tiny: {}\n  other: {}\n  tiny: {}\n")
    with pytest.raises(UserError, match=r"study\.yaml, line 4: 'tiny' is given twice \(first in line 2\)"):
        read_yaml(path)


def test_broken_yaml_names_the_line(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("models:\n  tiny: [1, 2\nseeds: 3\n")
    with pytest.raises(UserError, match=r"study.yaml, line 3: this is not valid YAML"):
        read_yaml(path)


def test_an_unknown_name_with_nothing_near_lists_all():
    with pytest.raises(UserError, match=r"'zzz' is not one of attacks: known: prefix, role\."):
        check_known("suites.s.attacks", "zzz", "one of attacks", ["prefix", "role"])


def test_a_file_that_is_absent_or_no_mapping_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: there is no such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(UserError, match=r"list\.yaml must hold a mapping"):
        read_yaml(tmp_path / "list.yaml")
