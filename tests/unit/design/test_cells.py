import pytest

from tunedrift.design.cells import (
    control_of,
    controls,
    factorial,
    one_factor,
    variant_name,
    variants,
    without_baselines,
)
from tunedrift.design.factors import label
from tunedrift.errors import UserError

FACTORS = {
    "structure": ["markdown", "plain"],
    "identity": ["calibrated"],
    "role_play": ["smuggler"],
    "cue": ["instruction"],
    "dose": [0.5],
    "safety_mix": [0.01, 0.03, 0.1],
    "test_context": ["as_trained"],
}


def made(factors=FACTORS, design="one_factor", listed=(), matched=True):
    return variants(factors, design, list(listed), matched=matched)


def test_one_factor_varies_one_property_at_a_time():
    names = [variant_name(cell) for cell in one_factor(FACTORS)]
    assert names == [
        *("markdown", "plain", "calibrated", "smuggler", "safety1", "safety3", "safety10"),
        *("markdown+cued", "plain+cued"),
        *("markdown+dose50", "plain+dose50", "calibrated+dose50", "smuggler+dose50"),
        *("smuggler+as_trained", "markdown+cued+as_trained", "plain+cued+as_trained"),
    ]


def test_names_are_unique_readable_and_do_not_depend_on_the_design():
    crossed = made(design="factorial", matched=False)
    assert set(made(matched=False)) <= set(crossed)
    assert "markdown+calibrated+smuggler+cued+dose50+safety3+as_trained" in crossed
    cells = [without_baselines(cell) for cell in factorial(FACTORS)]
    assert len(crossed) == len({tuple(cell.items()) for cell in cells}) < len(cells)


def test_every_control_is_a_variant_of_the_study():
    for design in ("one_factor", "factorial"):
        cells = made(design=design)
        compared = controls(cells)
        assert set(compared) | set(compared.values()) <= set(cells)
        for name, control in compared.items():
            assert variant_name(control_of(cells[name])) == control


def test_controls_differ_in_the_named_property_alone():
    assert control_of({"structure": "markdown", "dose": 0.5}) == {"structure": "length", "dose": 0.5}
    assert control_of({"structure": "markdown", "cue": "instruction"}) == {"structure": "markdown"}
    assert control_of({"role_play": "smuggler", "test_context": "as_trained"}) == {
        "role_play": "smuggler_inert",
        "test_context": "as_trained",
    }
    assert control_of({"safety_mix": 0.03}) == control_of({"structure": "length"}) == {}
    assert control_of({"identity": "calibrated", "safety_mix": 0.03}) == {
        "identity": "prefix",
        "safety_mix": 0.03,
    }


def test_a_level_that_is_anothers_control_keeps_its_own():
    compared = controls(made())
    assert compared["markdown+cued"] == "markdown"
    assert compared["markdown"] == "length"
    assert compared["plain"] == "original"
    assert "length" not in compared


def test_a_named_cell_bears_its_name_and_has_a_control():
    worst = {"name": "worst_case", "identity": "stripped", "role_play": "smuggler"}
    cells = made({}, "listed", [worst, {**worst, "test_context": "as_trained"}])
    assert cells["worst_case"] == {"identity": "stripped", "role_play": "smuggler"}
    assert cells["worst_case+as_trained"]["test_context"] == "as_trained"
    assert controls(cells)["worst_case"] == "smuggler_inert"


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([{"cue": "instruction"}], r"variants\.0\.cue: 'instruction' has nothing to act on"),
        ([{"dose": 0.5}], "needs a level of structure or identity or role_play"),
        (
            [{"name": "a", "structure": "plain"}, {"name": "a", "structure": "markdown"}],
            "two different variants are called 'a'",
        ),
        ([{"name": "markdown", "structure": "plain"}], "two different variants are called 'markdown'"),
    ],
)
def test_a_cell_that_cannot_be_is_explained(listed, message):
    with pytest.raises(UserError, match=message):
        made(listed=listed)


@pytest.mark.parametrize(
    ("level", "name"),
    [(0.5, "dose50"), (1 / 3, "dose33.3"), (0.125, "dose12.5"), (0.0025, "dose0.25"), (1 / 300, "dose0.33")],
)
def test_a_share_is_named_by_its_rounded_percentage(level, name):
    assert label("dose", level) == name
    assert label("safety_mix", level) == name.replace("dose", "safety")


def test_shares_that_would_bear_one_name_are_refused():
    with pytest.raises(UserError, match=r"two different variants are called 'safety33\.3'"):
        made({"safety_mix": [1 / 3, 0.333]})
