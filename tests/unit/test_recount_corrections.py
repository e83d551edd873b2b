"""The recount of corrected rates: equal on a fabricated study, and planted faults are named."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from synthetic import CONTROLS, VARIANTS, fabricate, judged

from tunedrift.drift.contrasts import drift
from tunedrift.labels.answers import answers_by_set
from tunedrift.labels.own_answers import given_answers, own_labels
from tunedrift.statistics.prediction_powered import Answers, prediction_powered
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.labels import LABELS
from tunedrift.tables.responses import RESPONSES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SURE, WEAK = (0.9, 0.86, 0.94), (0.85, 0.8, 0.9)
CONFIG = {
    **{"models": {"tiny": {}}, "datasets": {"household": {}, "learning": {}}, "primary_judge": "harm"},
    **{"suites": {"harmful": {}, "lookalikes": {}, "utility": {}}},
    **{"judges": {"harm": {}, "refusal": {}, "utility": {}}, "reward_models": {}, "preference_sets": {}},
    "label_sets": {"own": {"measure": "harm", "sampled": "random"}, "others": {"measure": "refusal"}},
}


@pytest.fixture(scope="module")
def recount():
    """The script as a module, beside those it is split into."""
    sys.path.insert(0, str(BENCHMARKS))
    import recount

    yield recount
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def study():
    """Relative path → table: two seeds; harm labelled in the untuned and half of the tuned answers, refusals by others."""
    variants = {name: VARIANTS[name] for name in ("original", "markdown", "length")}
    made = fabricate(
        variants=variants, harmful=80, safe=4, utility=4, rows=4, pairs=4, seeds=(0, 1), samples=1
    )
    place = pl.int_range(pl.len())
    verdicts = made.verdicts.with_columns(
        label=pl.when((pl.col("kind") == "harm") & (place % 17 == 0)).then(pl.lit("empty")).otherwise("label")
    )
    given = verdicts.filter(judge="harm")
    answer = pl.format("{} to {} by {}, {}", "label", "prompt_id", "tuning", "sample")
    responses = given.select(
        *(name for name in RESPONSES.columns if name in given.columns),
        answer=answer,
        thought=pl.lit(None, pl.String),
        finish=pl.lit("stop"),
        tokens=pl.lit(3, pl.Int64),
    ).select(*RESPONSES.columns)
    drawn = responses.join(made.prompts.select("prompt_id", "plain_prompt", "kind"), on="prompt_id").filter(
        pl.col("kind") == "harmful",
        pl.col("sample") == 0,
        (pl.col("dataset").is_null() | (pl.col("dataset") == "household")),
        pl.col("prompt_id").hash(3) % 10 < 9,
        ~pl.col("answer").str.starts_with("empty"),
    )
    order = pl.int_range(pl.len())
    labels = drawn.select(
        label_set=pl.lit("own"),
        answer_id=order.cast(pl.String),
        annotator=pl.lit("final"),
        prompt_id=pl.col("prompt_id"),
        prompt=pl.col("plain_prompt"),
        answer=pl.col("answer"),
        model=pl.col("model"),
        language=pl.lit(None, pl.String),
        measure=pl.lit("harm"),
        label=pl.when((order % 7 == 0) ^ pl.col("answer").str.starts_with("safe"))
        .then(pl.lit("safe"))
        .otherwise(pl.lit("unsafe")),
        study_prompt=pl.col("prompt_id"),
        tuning=pl.col("tuning"),
        sample=pl.col("sample"),
    )
    judges = JUDGES.frame([*judged("harm", "own", SURE, WEAK), *judged("refusal", "others", SURE, WEAK)])
    _, answers = answers_by_set(labels)["own"]
    own, _ = own_labels("own", "harm", answers, given_answers(made.prompts, responses))
    table = drift(made.prompts, verdicts, CONTROLS, 0.95, judges, labelled=own)
    tables = {"tables/drift": table, "tables/judges": judges, "labels/own": labels}
    tables |= {f"prompts/{suite}": made.prompts.filter(suite=suite) for suite in CONFIG["suites"]}
    tables |= {f"verdicts/{judge}/tiny": verdicts.filter(judge=judge) for judge in CONFIG["judges"]}
    for (tuning,), rows in responses.partition_by("tuning", as_dict=True).items():
        tables[f"responses/tiny/{tuning}"] = rows
    return tables


def recounted(recount, study, folder):
    for path, table in study.items():
        place = folder / f"{path}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        table.write_parquet(place)
    [found] = recount.drift(recount.Results(folder, CONFIG))
    return found


def test_corrected_rates_are_recounted(recount, study, tmp_path):
    table = study["tables/drift"]
    assert LABELS.check(study["labels/own"], "labels").height > 400
    assert set(table["correction"]) == {"rogan_gladen", "prediction_powered", None}
    assert set(table.filter(correction="prediction_powered")["contrast"]) == set(table["contrast"])
    found = recounted(recount, study, tmp_path)
    assert not found.differing
    corrected = table.drop_nulls("corrected")
    assert found.equal["corrected"] == len(corrected)
    assert found.equal["corrected_low"] == len(corrected.filter(correction="prediction_powered")) > 20


@pytest.mark.parametrize(
    ("path", "change", "fault"),
    [
        (
            "labels/own",
            {"label": pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("unsafe")).otherwise(pl.lit("safe"))},
            "corrected is",
        ),
        (
            "labels/own",
            {"answer": pl.lit("another answer")},
            "correction is prediction_powered, recounted rogan_gladen",
        ),
        ("tables/drift", {"corrected_low": pl.col("corrected_low") - 0.01}, "corrected_low is"),
        ("tables/drift", {"labelled": pl.col("labelled") + 1}, "labelled is"),
        ("tables/judges", {"estimate": pl.col("estimate") - 0.1}, "measure=refusal_rate"),
    ],
)
def test_a_planted_fault_is_named(recount, study, tmp_path, path, change, fault):
    changed = {**study, path: study[path].with_columns(**change)}
    assert any(fault in line for line in recounted(recount, changed, tmp_path).differing)


@pytest.mark.parametrize("seeds", [1, 3, 6])
@pytest.mark.parametrize("against", [False, True])
def test_the_recount_and_the_library_agree_on_any_number_of_seeds(recount, seeds, against):
    import recount_corrections

    random = np.random.default_rng(seeds)
    judged = random.random((80, seeds + 1)) < np.linspace(0.3, 0.8, seeds + 1)
    labelled = random.random(judged.shape) < 0.5
    labels = (judged ^ (random.random(judged.shape) < 0.2)) & labelled
    ones = np.ones(judged.shape)
    answers = Answers(*map(np.float64, (judged, ones, ones, labelled, labels, judged & labelled)))
    sides = [
        recount_corrections.Side(
            [
                (f"{row}", [(bool(judged[row, column]), True, float(labels[row, column]) if drawn else None)])
                for row, drawn in enumerate(labelled[:, column])
            ]
        )
        for column in range(seeds + 1)
    ]
    others = [0] * seeds if against else []
    expected = recount_corrections.powered(sides[1:], [sides[0]] * len(others), 0.95)
    found = prediction_powered(answers, list(range(1, seeds + 1)), others, 0.95)
    assert (found.estimate, found.low, found.high) == pytest.approx(expected)
