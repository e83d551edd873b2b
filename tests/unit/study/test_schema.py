import pytest

from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.checks import check_known
from tunedrift.study.schema import check_schema, fill_defaults, with_numbers

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
                    "rate": {"type": "number"},
                    "rows": {"type": ["integer", "null"]},
                    "sign": {"enum": [1, -1]},
                    "id": {"type": "string"},
                    "shares": {"type": "array", "items": {"type": "number"}},
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
        (
            {"models": {"a": {"gpu": "one"}}},
            "config key models.a.gpu: 'one' is not of type 'integer'. Write a whole number, such as 8.",
        ),
        (
            {"models": {"a": {"rate": "2e–4"}}},
            "config key models.a.rate: '2e–4' is not of type 'number'. Write a number, such as 0.0002 or 2e-4.",
        ),
        (
            {"models": {"a": {"id": 12}}},
            "config key models.a.id: 12 is not of type 'string'. Put it in quotes, so that YAML reads it as text.",
        ),
        ({"models": {"A b": {}}}, "config key models.A b: a name has lower-case letters"),
    ],
)
def test_one_sentence_names_the_key_and_the_nearest_name(config, message):
    with pytest.raises(UserError) as caught:
        check_schema(config, SCHEMA)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ({"rate": "2e-4"}, {"rate": 0.0002}),
        ({"rate": " +1.5E3 "}, {"rate": 1500.0}),
        ({"rate": ".5"}, {"rate": 0.5}),
        ({"rate": 1e3}, {"rate": 1000.0}),
        ({"gpu": "1e3"}, {"gpu": 1000}),
        ({"gpu": "1_000"}, {"gpu": 1000}),
        ({"gpu": 2.0}, {"gpu": 2}),
        ({"rows": "5"}, {"rows": 5}),
        ({"sign": "-1"}, {"sign": -1}),
        ({"rows": None}, {"rows": None}),
        ({"shares": ["1e-2", 0.5]}, {"shares": [0.01, 0.5]}),
        ({"id": "2e-4"}, {"id": "2e-4"}),
        ({"kind": "1e3"}, {"kind": "1e3"}),
    ],
)
def test_text_that_spells_a_number_is_one_where_a_number_is_wanted(entry, read):
    config = {"models": {"a": entry}, "results": "1e3"}
    found = with_numbers(config, SCHEMA)
    assert found == {"models": {"a": read}, "results": "1e3"}
    assert [type(value) for value in found["models"]["a"].values()] == [
        type(value) for value in read.values()
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "1,5", "0x10", "2e", "1.5.2", "", "1 000", "two"])
def test_other_text_stays_for_the_check_to_name(text):
    config = {"models": {"a": {"rate": text, "gpu": "1.5"}}}
    assert with_numbers(config, SCHEMA)["models"]["a"]["rate"] == text
    with pytest.raises(UserError, match=r"config key models\.a\.(rate|gpu): .* is not of type"):
        check_schema(with_numbers(config, SCHEMA), SCHEMA)


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
