import numpy as np
import polars as pl
import pytest
import statsmodels.stats.multitest
from synthetic import CONTROLS, fabricate

from tunedrift.drift.contrasts import drift
from tunedrift.drift.family import family
from tunedrift.errors import UserError
from tunedrift.statistics.multiplicity import holm

PRIMARY = {"structure": "markdown", "identity": "calibrated", "role_play": "persona"}


def of(study, primary=PRIMARY, controls=CONTROLS):
    return family(study.prompts, study.verdicts, primary, controls, "harm")


@pytest.fixture(scope="module")
def study():
    return fabricate(seeds=(0, 1, 2, 3, 4), harmful=60)


def test_an_effect_is_the_mean_over_data_sets_of_the_differences_in_the_drift_table(study):
    table = drift(study.prompts, study.verdicts, CONTROLS).filter(
        pl.col("attack").is_in(["plain", "wrapped"]), contrast="level - control", split="all", judge="harm"
    )
    found = of(study)
    assert len(found) == 6
    for row in found.iter_rows(named=True):
        parts = table.filter(measure=row["measure"], variant=row["variant"], reference=row["reference"])
        assert len(parts) == row["datasets"] == 2
        assert row["estimate"] == pytest.approx(parts["estimate"].mean())
        assert row["low"] < row["estimate"] < row["high"]
        assert row["seeds"] == 5
        assert row["prompts"] == 60
        # Two data sets tell more than one.
        assert row["high"] - row["low"] < (parts["high"] - parts["low"]).max()


def test_the_adjustment_is_holms_over_the_rows_of_the_model(study):
    found = of(study)
    theirs = statsmodels.stats.multitest.multipletests(found["p"].to_numpy(), method="holm")[1]
    assert found["p_holm"].to_numpy() == pytest.approx(theirs, abs=1e-11)
    assert (found["p_holm"] >= found["p"]).all()
    fewer = of(study, {"structure": "markdown"})
    assert fewer["p"].to_list() == found.filter(factor="structure")["p"].to_list()
    assert fewer["p_holm"].to_numpy() == pytest.approx(holm(fewer["p"].to_list()), abs=1e-11)


def test_a_word_follows_the_adjusted_p_and_the_sign(study):
    found = of(study)
    for row in found.iter_rows(named=True):
        named = None if row["p_holm"] > 0.05 else "raises" if row["estimate"] > 0 else "lowers"
        assert row["word"] == named
    assert set(found.filter(factor="structure")["word"]) == {"lowers"}  # the study was made so
    assert set(found.filter(factor="identity")["word"]) == {"raises"}


def test_of_one_seed_nothing_is_said():
    found = of(fabricate(seeds=(0,), harmful=60))
    assert set(found["seeds"]) == {1}
    assert found["p_holm"].min() < 0.05
    assert found["word"].null_count() == len(found)
    assert found["detectable"].null_count() == 0


def test_only_seeds_that_all_data_sets_have_count(study):
    less = study.verdicts.filter(pl.col("tuning") != "learning/markdown/seed4")
    found = family(study.prompts, less, PRIMARY, CONTROLS, "harm")
    assert dict(found.select("factor", "seeds").unique().iter_rows()) == {
        "structure": 4,
        "identity": 5,
        "role_play": 5,
    }


def test_without_a_control_the_untouched_data_is_the_reference(study):
    found = of(study, controls={})
    assert set(found["reference"]) == {"original"}


def test_a_level_that_was_not_tuned_is_an_error(study):
    with pytest.raises(UserError, match="names 'itemized' of structure, which was tuned on no data set"):
        of(study, {"structure": "itemized"})


def test_a_study_without_harmful_prompts_has_an_empty_family(study):
    assert family(study.prompts.filter(kind="safe"), study.verdicts, PRIMARY, CONTROLS, "harm").is_empty()
    assert of(study, {}).is_empty()


def test_where_nothing_differs_nothing_is_named():
    same = fabricate(variants=dict.fromkeys(["original", "markdown", "length"], 0.0), seeds=(0, 1, 2, 3, 4))
    alike = same.verdicts.with_columns(
        label=pl.when(pl.col("kind") == "harm").then(pl.lit("safe")).otherwise("label")
    )
    found = family(same.prompts, alike, {"structure": "markdown"}, {"markdown": "length"}, "harm")
    assert found["estimate"].to_list() == [0.0, 0.0]
    assert found["word"].null_count() == 2
    assert np.isfinite(found["p"].to_numpy()).all()
