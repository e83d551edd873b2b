"""The loss on held-out rows as rows of the drift table, counted by hand."""

import measure_drift
import numpy as np
import polars as pl
import pytest
import scipy.stats
from synthetic import CONTROLS, fabricate

from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.losses import loss_drift
from tunedrift.errors import UserError
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.losses import LOSSES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.verdicts import VERDICTS


def losses(said, held_out="d", prompts="wxyz"):
    """A losses table of tuning → the losses of its rows, one prompt each by default."""
    return LOSSES.frame(
        [
            {
                **{"model": "tiny", **parse_tuning(tuning).columns, "held_out": held_out, "row_id": f"r{n}"},
                **{"prompt": prompts[n], "loss": loss, "tokens": 5},
            }
            for tuning, values in said.items()
            for n, loss in enumerate(values)
        ]
    )


SAID = {
    "untuned": [4.0, 3.0, 2.0, 3.0],
    "d/original/seed0": [2.0, 2.0, 1.0, 1.0],
    "d/markdown/seed0": [3.0, 2.5, 1.5, 2.0],
}


def by_name(table):
    return {(row["contrast"], row["variant"], row["reference"]): row for row in table.iter_rows(named=True)}


def test_losses_are_averaged_over_rows_and_compared_on_the_same_rows():
    found = by_name(loss_drift(losses(SAID), {}, 0.95))
    estimates = {key: row["estimate"] for key, row in found.items()}
    assert estimates == pytest.approx(
        {
            ("rate", None, None): 3.0,
            ("rate", "original", None): 1.5,
            ("rate", "markdown", None): 2.25,
            ("tuned - untuned", "original", "untuned"): -1.5,
            ("tuned - untuned", "markdown", "untuned"): -0.75,
            ("level - control", "markdown", "original"): 0.75,
        }
    )
    assert {(row["measure"], row["judge"], row["suite"]) for row in found.values()} == {
        ("held_out_loss", "none", "d")
    }
    rate = found["rate", None, None]
    # Student's interval over the rows, without the bounds of a share.
    reach = scipy.stats.t.ppf(0.975, 3) * np.std(SAID["untuned"], ddof=1) / 2
    assert (rate["low"], rate["high"]) == pytest.approx((3.0 - reach, 3.0 + reach))
    moved = found["tuned - untuned", "original", "untuned"]
    assert moved["low"] < -1.0
    assert (rate["worst"], rate["best"], rate["prompts"]) == (3.0, 3.0, 4)


def test_rows_alike_have_an_interval_without_width():
    alike = {"untuned": [2.0, 2.0], "d/original/seed0": [1.5, 1.5]}
    row = by_name(loss_drift(losses(alike), {}, 0.95))["tuned - untuned", "original", "untuned"]
    assert (row["estimate"], row["low"], row["high"]) == (-0.5, -0.5, -0.5)


def test_two_answers_to_one_prompt_are_drawn_together():
    table = losses(
        {"untuned": [1.0, 1.0, 5.0, 5.0], "d/original/seed0": [1.0, 1.0, 5.0, 5.0]}, prompts="wwzz"
    )
    row = by_name(loss_drift(table, {}, 0.95))["rate", None, None]
    # Two prompts with means of 1 and 5: 3 +- 12.7062 * 2.
    assert (row["estimate"], row["prompts"]) == (3.0, 2)
    assert (row["low"], row["high"]) == pytest.approx((3 - 25.4124, 3 + 25.4124), abs=1e-4)


def test_seeds_that_differ_widen_the_interval():
    one = by_name(loss_drift(losses(SAID), {}, 0.95))["rate", "original", None]
    said = {**SAID, "d/original/seed1": [6.0, 6.0, 5.0, 5.0]}
    both = by_name(loss_drift(losses(said), {}, 0.95))["rate", "original", None]
    assert both["estimate"] == pytest.approx(3.5)
    assert both["high"] - both["low"] > 4 * (one["high"] - one["low"])


def test_a_row_that_one_tuning_lacks_is_an_error():
    table = losses(SAID).filter((pl.col("tuning") != "d/markdown/seed0") | (pl.col("row_id") != "r1"))
    with pytest.raises(UserError, match=r"tiny, 'd/markdown/seed0': 4 rows were held out of 'd'"):
        loss_drift(table, {}, 0.95)


def test_the_program_writes_losses_beside_the_rates_and_changes_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = fabricate(datasets=("household",))
    PROMPTS.write(study.prompts, "prompts.parquet")
    VERDICTS.write(study.verdicts, "verdicts.parquet")
    said = {tuning: [2.0, 1.0, 3.0] for tuning in study.verdicts["tuning"].unique()}
    LOSSES.write(losses(said, "household"), "losses.parquet")
    judge = study.verdicts.filter(kind="harm")["judge"][0]
    words = ["--prompts", "prompts.parquet", "--verdicts", "verdicts.parquet", "--primary-judge", judge]
    words += ["--controls", *(f"{level}={control}" for level, control in CONTROLS.items())]
    for out, more in (("without.parquet", []), ("with.parquet", ["--losses", "losses.parquet"])):
        measure_drift.main(measure_drift.parser().parse_args([*words, *more, "--out", out]))
    without, found = DRIFT.read("without.parquet"), DRIFT.read("with.parquet")
    assert found.filter(pl.col("measure") != "held_out_loss").equals(without)
    own = found.filter(measure="held_out_loss")
    assert set(own["contrast"]) == {"rate", "tuned - untuned", "level - control", "level - original"}
    assert own.filter(contrast="rate")["estimate"].to_list() == [2.0] * len(said)
