import polars as pl
import pytest

from tunedrift.drift.splits import slices
from tunedrift.errors import UserError


def prompts(*rows):
    """(attack, dimension, stratum, category, language) of each prompt."""
    names = ("attack", "dimension", "stratum", "category", "language")
    return pl.DataFrame(
        [dict(zip(names, row, strict=True)) | {"suite": "s"} for row in rows],
        schema_overrides={"language": pl.String},
    )


TABLE = prompts(
    ("plain", "none", "a", "theft", "en"),
    ("plain", "none", "b", "fraud", None),
    ("role", "role_play", "a", "theft", "en"),
    ("json", "output_format", "b", "fraud", None),
    ("tale", "role_play", "a", "theft", "en"),
)


def found(table, *split_by):
    return {tuple(row): mask.tolist() for *row, mask in slices(table, split_by)}


def test_the_whole_suite_stands_under_each_attack_and_all_together():
    assert found(TABLE) == {
        ("plain", "all", "all"): [True, True, False, False, False],
        ("json", "all", "all"): [False, False, False, True, False],
        ("role", "all", "all"): [False, False, True, False, False],
        ("tale", "all", "all"): [False, False, False, False, True],
        ("wrapped", "all", "all"): [False, False, True, True, True],
    }


def test_a_dimension_pools_its_attacks():
    split = {row: mask for row, mask in found(TABLE, "dimension").items() if row[1] == "dimension"}
    assert split == {
        ("wrapped", "dimension", "role_play"): [False, False, True, False, True],
        ("wrapped", "dimension", "output_format"): [False, False, False, True, False],
    }


def test_categories_and_languages_stand_plain_and_under_all_attacks_together():
    split = found(TABLE, "category", "language")
    assert {row for row in split if row[1] == "category"} == {
        (attack, "category", part) for attack in ("plain", "wrapped") for part in ("theft", "fraud")
    }
    assert split["wrapped", "category", "theft"] == [False, False, True, False, True]
    assert split["plain", "language", "none"] == [False, True, False, False, False]


def test_strata_stand_under_each_attack_too():
    assert ("json", "stratum", "b") in found(TABLE, "stratum")
    assert ("json", "stratum", "a") not in found(TABLE, "stratum")


def test_what_is_the_same_everywhere_splits_nothing():
    one = prompts(("plain", "none", "all", "theft", "en"), ("role", "role_play", "all", "theft", "en"))
    assert {row[1] for row in found(one, "stratum", "category", "language")} == {"all"}
    named = prompts(("plain", "none", "direct", "theft", "en"))
    assert set(found(named, "stratum", "category")) == {
        ("plain", "all", "all"),
        ("plain", "stratum", "direct"),
    }


@pytest.mark.parametrize(
    "row", [("wrapped", "none", "a", "theft", "en"), ("plain", "none", "all", "theft", "en")]
)
def test_names_that_mean_something_else_are_an_error(row):
    with pytest.raises(UserError, match="cannot be named"):
        list(slices(pl.concat([TABLE, prompts(row)])))
