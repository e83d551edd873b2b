"""Where the sign of a drift hangs on the instrument: cells of a few drifts, worked out by hand."""

import numpy as np
import polars as pl
import pytest
from synthetic import drifts

from tunedrift.drift.contrasts import sign_depends
from tunedrift.drift.disagreement import CLASHES, by_instrument, cells

RISE, FALL = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1)
UP, DOWN = (0.05, -0.1, 0.2), (-0.05, -0.2, 0.1)
ZERO, NOTHING = (0.0, -0.1, 0.1), (None, None, None)

CASES = {
    "a resolved rise and a resolved fall": ((RISE, FALL), "both resolved"),
    "both, beside one that counts nothing": ((NOTHING, FALL, RISE), "both resolved"),
    "a resolved rise and an unresolved fall": ((RISE, DOWN), "one resolved"),
    "a resolved fall and an unresolved rise": ((UP, FALL), "one resolved"),
    "a resolved rise among unresolved signs": ((RISE, UP, DOWN), "one resolved"),
    "a resolved fall and no difference": ((FALL, ZERO), "one resolved"),
    "a resolved rise where another counts nothing": ((RISE, NOTHING), "one resolved"),
    "an unresolved rise and fall": ((UP, DOWN), "none resolved"),
    "intervals that touch zero": (((0.1, 0.0, 0.2), (-0.1, -0.2, 0.0)), "none resolved"),
    "estimates without intervals": (((0.1, None, None), (-0.1, None, None)), "none resolved"),
    "an unresolved rise and no difference": ((UP, ZERO), None),
    "an unresolved fall where another counts nothing": ((DOWN, NOTHING), None),
    "a resolved and an unresolved rise": ((RISE, UP), None),
    "two resolved falls": ((FALL, FALL), None),
    "no difference twice": ((ZERO, ZERO), None),
    "nothing counted twice": ((NOTHING, NOTHING), None),
}


@pytest.mark.parametrize("measure", ["refusal_rate", "over_refusal", "SA_g", "SA_coherent_a[wrapped]"])
@pytest.mark.parametrize("case", CASES)
def test_how_the_signs_of_several_judges_clash(case, measure):
    read, clash = CASES[case]
    table = drifts({(f"judge{number}", measure): numbers for number, numbers in enumerate(read)})
    [cell] = cells(by_instrument(table)).to_dicts()
    assert (cell["clash"], cell["instruments"]) == (clash, len(read))


def test_measures_of_one_meaning_are_compared_and_others_are_not():
    table = drifts(
        {
            ("harm", "SA_g"): RISE,
            ("harm", "SA_coherent_g"): FALL,
            ("harm", "SA_safe_and_coherent_g"): RISE,
            ("harm", "SA_judged_g"): FALL,
            ("harm", "stray_rate"): FALL,
            ("ours", "refusal_rate"): RISE,
            ("theirs", "refusal_rate"): RISE,
            ("theirs", "full_refusal_rate"): FALL,
            ("ours", "over_refusal"): FALL,
        }
    )
    found = by_instrument(table)
    assert found.select("meaning", "judge", "measure").rows() == [
        ("safety", "harm", "SA"),
        ("safety", "harm", "SA_coherent"),
        ("safety", "harm", "SA_safe_and_coherent"),
        ("refusal", "ours", "refusal_rate"),
        ("refusal", "theirs", "refusal_rate"),
        ("over-refusal", "ours", "over_refusal"),
    ]
    # Over-refusal has one instrument alone, so nothing to clash with.
    assert cells(found).select("meaning", "instruments", "clash").rows() == [
        ("safety", 3, "both resolved"),
        ("refusal", 2, None),
    ]


def test_a_cell_is_a_tuning_on_a_whole_suite_plain_or_under_all_attacks():
    one = {("a", "refusal_rate"): RISE, ("b", "refusal_rate"): FALL}
    whole = [
        drifts(one),
        drifts(one, attack="wrapped"),
        drifts(one, suite="other"),
        drifts(one, model="other"),
        drifts(one, dataset="other"),
        drifts(one, variant="other"),
    ]
    left_out = [
        drifts(one, attack="role"),
        drifts(one, split="stratum", part="direct"),
        drifts(one, contrast="level - control", reference="original"),
        drifts(one, contrast="rate", reference=None),
    ]
    found = cells(by_instrument(pl.concat([*whole, *left_out])))
    assert found["clash"].to_list() == ["both resolved"] * 6
    # Judges that rise in one cell and fall in another do not clash.
    apart = [drifts({("a", "refusal_rate"): RISE, ("b", "refusal_rate"): RISE}, variant="one")]
    apart += [drifts({("a", "refusal_rate"): FALL, ("b", "refusal_rate"): FALL}, variant="two")]
    assert cells(by_instrument(pl.concat(apart)))["clash"].to_list() == [None, None]


def test_with_one_harm_judge_safety_clashes_where_the_drift_table_says_that_the_sign_depends():
    rng = np.random.default_rng(0)
    choice = (RISE, FALL, UP, DOWN, ZERO, NOTHING)
    names = ("SA_g", "SA_coherent_g", "SA_safe_and_coherent_g")
    table = pl.concat(
        drifts({("harm", name): choice[rng.integers(6)] for name in names}, variant=f"v{number:03}")
        for number in range(200)
    ).with_columns(sign_depends=sign_depends())
    depends = table.group_by("variant").agg(pl.col("sign_depends").any()).sort("variant")
    found = cells(by_instrument(table)).sort("variant")
    assert found["clash"].is_not_null().to_list() == depends["sign_depends"].to_list()
    assert set(found["clash"]) == {*CLASHES, None}


def test_an_empty_table_has_no_cells():
    assert cells(by_instrument(drifts({}))).is_empty()
