import subprocess
import sys
from itertools import permutations

import numpy as np
import polars as pl
import pytest
import scipy.stats
from synthetic import RMS, fabricate

from tunedrift.agreement.forecast import concordance, forecasts, variant_pairs
from tunedrift.errors import UserError
from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.tables.agreement import AGREEMENT, FORECASTS
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.rewards import REWARDS
from tunedrift.tables.verdicts import VERDICTS

FEW = Bootstrap(draws=200)


def points(reward, safety, dataset="d", seed=0, resolved=()):
    """Forecast points of one model from the variants' rewards and safety; `resolved` names pairs."""
    names = "abcdefghijkl"[: len(reward)]
    rows = [
        {
            **{"rm": "rm", "model": "tiny", "dataset": dataset, "seed": seed, "measure": "SA_g", "rows": 1},
            **{"variant": names[i], "other": names[j], "resolved": names[i] + names[j] in resolved},
            **{
                "reward_difference": float(reward[i] - reward[j]),
                "safety_difference": float(safety[i] - safety[j]),
            },
        }
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    return FORECASTS.frame(rows)


def summary(*parts, dataset="d"):
    rows = concordance(pl.concat(parts), "harm", 0)
    return {row["measure"]: row for row in rows if row.get("dataset") == dataset}


def test_only_tunings_alike_but_for_the_variant_are_paired():
    tunings = ["a/x/seed0", "a/x/seed1", "a/y/seed0", "b/y/seed0", "untuned"]
    assert list(variant_pairs(tunings)) == [("a", 0, "x", "y", 0, 2)]


def test_concordance_by_hand():
    found = summary(points([1, 2, 3], [0.1, 0.3, 0.2], resolved=("ab", "bc")))
    assert found["forecast_concordance"]["estimate"] == pytest.approx(2 / 3)
    assert found["forecast_concordance"]["n"] == 3
    assert found["forecast_concordance"]["clusters"] == 3
    assert found["forecast_concordance_resolved"]["estimate"] == 0.5
    assert found["forecast_concordance_resolved"]["n"] == 2
    # Of the six orders of three variants, three are at least as concordant: S of 3, 1, 1.
    assert found["forecast_p"]["estimate"] == pytest.approx(3 / 6)
    assert (found["forecast_p"]["n"], found["forecast_p"]["safety"]) == (3, "SA_g")
    assert "forecast_spearman" not in found


def test_ties_are_dropped_and_shown():
    found = summary(points([1, 1, 3], [0.1, 0.3, 0.2]))
    assert (found["forecast_concordance"]["estimate"], found["forecast_concordance"]["n"]) == (0.5, 2)
    assert (found["forecast_tie_rate"]["estimate"], found["forecast_tie_rate"]["n"]) == (
        pytest.approx(1 / 3),
        3,
    )
    empty = summary(points([1, 1], [0.1, 0.3]))
    assert (empty["forecast_concordance"]["estimate"], empty["forecast_concordance"]["n"]) == (None, 0)
    assert empty["forecast_p"]["estimate"] == 1.0
    assert empty["forecast_concordance_resolved"]["estimate"] is None


def test_what_differs_by_rounding_alone_is_a_tie():
    found = summary(points([0.1 + 0.2, 0.3, 1.0], [0.1, 0.3, 0.2]))
    assert (found["forecast_tie_rate"]["estimate"], found["forecast_concordance"]["n"]) == (
        pytest.approx(1 / 3),
        2,
    )
    found = summary(points([1.0, 2.0, 3.0], [0.7 - 0.1, 0.6, 0.1]))
    assert (found["forecast_concordance"]["n"], found["forecast_p"]["estimate"]) == (2, 1.0)


def test_variants_that_tie_over_all_seeds_have_one_rank():
    rng = np.random.default_rng(1)
    reward, hits = rng.normal(size=11), rng.integers(0, 4, size=(3, 11))
    parts = [points(reward, hits[seed] / 20, seed=seed) for seed in range(3)]
    theirs = scipy.stats.spearmanr(reward, hits.sum(axis=0)).statistic
    assert summary(*parts)["forecast_spearman"]["estimate"] == pytest.approx(theirs)


def test_the_variants_of_two_datasets_are_relabelled_together():
    first, second = points([1, 2, 3], [1, 2, 3]), points([1, 2, 3], [1, 2, 3], dataset="e")
    found = summary(first, second, dataset=None)
    assert found["forecast_p"]["estimate"] == pytest.approx(1 / 6)
    assert found["forecast_p"]["n"] == 3
    assert found["forecast_concordance"]["n"] == 6
    assert summary(first, second, dataset="e")["forecast_p"]["estimate"] == pytest.approx(1 / 6)


def test_the_exact_p_is_that_of_brute_force_over_both_datasets():
    rng = np.random.default_rng(4)
    reward, safety = rng.normal(size=(2, 4)), np.round(rng.normal(size=(2, 4)), 0)

    def concordant(reward, safety):
        return sum(
            np.sign(reward[i] - reward[j]) * np.sign(safety[i] - safety[j])
            for i in range(4)
            for j in range(i)
        )

    given = concordant(reward[0], safety[0]) + concordant(reward[1], safety[1])
    sums = [
        concordant(reward[0][list(one)], safety[0]) + concordant(reward[1][list(one)], safety[1])
        for one in permutations(range(4))
    ]
    found = summary(points(reward[0], safety[0]), points(reward[1], safety[1], dataset="e"), dataset=None)
    assert found["forecast_p"]["estimate"] == pytest.approx(np.mean(np.array(sums) >= given))


def test_the_exact_p_is_that_of_kendalls_test():
    reward, safety = [1, 2, 3, 4, 5, 6], [2, 1, 3, 5, 4, 6]
    theirs = scipy.stats.kendalltau(reward, safety, method="exact", alternative="greater").pvalue
    assert summary(points(reward, safety))["forecast_p"]["estimate"] == pytest.approx(theirs)


def test_all_seeds_are_relabelled_together():
    # Two seeds that repeat each other are no more evidence than one.
    one, two = points([1, 2, 3], [1, 2, 3]), points([1, 2, 3], [1, 2, 3], seed=1)
    found = summary(one, two)
    assert found["forecast_p"]["estimate"] == pytest.approx(1 / 6)
    assert found["forecast_concordance"]["n"] == 6
    assert found["forecast_p"]["n"] == 3


def test_seeds_that_contradict_each_other_are_no_evidence():
    found = summary(points([1, 2, 3], [3, 2, 1]), points([1, 2, 3], [1, 2, 3], seed=1))
    assert found["forecast_concordance"]["estimate"] == 0.5
    assert found["forecast_p"]["estimate"] == 1.0


def test_many_variants_draw_permutations_and_give_a_correlation():
    reward, safety = np.arange(10), np.array([1, 0, 2, 3, 5, 4, 6, 9, 7, 8])
    found = summary(points(reward, safety))
    theirs = scipy.stats.kendalltau(reward, safety, method="exact", alternative="greater").pvalue
    assert found["forecast_p"]["estimate"] == pytest.approx(theirs, abs=2e-4)
    assert found["forecast_p"]["estimate"] >= 1 / 20_001
    assert found["forecast_spearman"]["estimate"] == pytest.approx(
        scipy.stats.spearmanr(reward, safety).statistic
    )
    random = summary(points(reward, np.random.default_rng(0).permutation(10)))["forecast_p"]["estimate"]
    assert random > 0.05


@pytest.fixture(scope="module")
def study():
    return fabricate(harmful=40, rows=30, seeds=(0, 1))


@pytest.fixture(scope="module")
def found(study):
    return forecasts(study.rewards, study.prompts, study.verdicts, "harm", 0.95)


def test_points_are_the_mean_difference_of_rows_and_the_difference_of_rates(study, found):
    assert len(found) == len(RMS) * 2 * 2 * 21 * 2  # models, datasets, seeds, pairs, measures
    row = found.filter(
        rm="safe", dataset="learning", seed=1, variant="calibrated", other="markdown", measure="SA_a[wrapped]"
    ).row(0, named=True)
    scored = study.rewards.filter(rm="safe", subject="variants/learning")
    means = [scored.filter(group=name)["reward"].mean() for name in ("calibrated", "markdown")]
    assert row["reward_difference"] == pytest.approx(means[0] - means[1])
    wrapped = study.verdicts.filter(
        ~pl.col("prompt_id").str.ends_with("/plain") & (pl.col("judge") == "harm")
    )
    rates = [
        (wrapped.filter(tuning=f"learning/{name}/seed1")["label"] == "safe").mean()
        for name in ("calibrated", "markdown")
    ]
    assert row["safety_difference"] == pytest.approx(rates[0] - rates[1])
    assert row["resolved"]
    assert row["rows"] == 30
    assert 0 < found["resolved"].mean() < 1


def test_the_model_that_values_safety_forecasts_it(found):
    rows = AGREEMENT.check(AGREEMENT.frame(list(concordance(found, "harm", 0))), "agreement")
    p = rows.filter(measure="forecast_p", safety="SA_g").filter(pl.col("dataset").is_null())
    values = dict(zip(p["rm"], p["estimate"], strict=True))
    assert values["safe"] < 0.01 < values["noisy"]
    share = rows.filter(measure="forecast_concordance_resolved", rm="safe", safety="SA_g")["estimate"]
    assert share.min() > 0.8


def test_a_tuned_variant_without_scores_is_an_error(study):
    rewards = study.rewards.filter(
        ~((pl.col("subject") == "variants/learning") & (pl.col("group") == "prefix"))
    )
    with pytest.raises(UserError, match="variants/learning: no reward model has scored 'prefix'"):
        forecasts(rewards, study.prompts, study.verdicts, "harm", 0.95)


def test_one_variant_alone_gives_no_points():
    lone = fabricate(variants={"original": 0.0}, harmful=4, rows=3)
    found = forecasts(lone.rewards, lone.prompts, lone.verdicts, "harm", 0.95)
    assert found.is_empty()
    assert list(concordance(found, "harm", 0)) == []


def test_the_program_writes_all_tables(tmp_path, study):
    tables = ((PROMPTS, "prompts"), (VERDICTS, "verdicts"), (REWARDS, "rewards"))
    for table, name in tables:
        table.write(getattr(study, name), tmp_path / f"{name}.parquet")
    PREFERENCES.write(study.preferences["people"], tmp_path / "people.parquet")
    command = [sys.executable, "scripts/measure_agreement.py", "--primary-judge", "harm", "--draws", "100"]
    for _, name in tables:
        command += [f"--{name}", tmp_path / f"{name}.parquet"]
    command += ["--preferences", tmp_path / "people.parquet", "--patterns", "resources/judges/refusals.yaml"]
    for name in ("one", "two"):
        out = [tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv"]
        points = [tmp_path / f"{name}-points.parquet", tmp_path / f"{name}-points.csv"]
        subprocess.run([*command, "--out", *out, "--forecasts", *points], check=True)
    for suffix in (".parquet", ".csv", "-points.parquet", "-points.csv"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    rows = AGREEMENT.read(tmp_path / "one.parquet")
    assert set(rows["question"]) == {"rm_rm", "rm_people", "forecast", "detection"}
    keyword = rows.filter(rm="refusal keyword", measure="error_rate")["estimate"].item()
    assert keyword == 0.0


@pytest.mark.parametrize("preferences", [False, True])
def test_without_reward_models_both_tables_are_empty(tmp_path, study, preferences):
    for table, name in ((PROMPTS, "prompts"), (VERDICTS, "verdicts")):
        table.write(getattr(study, name), tmp_path / f"{name}.parquet")
    PREFERENCES.write(study.preferences["people"], tmp_path / "people.parquet")
    words = ["--primary-judge", "harm", "--rewards", "--prompts", tmp_path / "prompts.parquet"]
    words += ["--verdicts", tmp_path / "verdicts.parquet", "--out", tmp_path / "agreement.parquet"]
    words += ["--preferences", *([tmp_path / "people.parquet"] if preferences else [])]
    words += ["--forecasts", tmp_path / "forecasts.parquet"]
    subprocess.run([sys.executable, "scripts/measure_agreement.py", *words], check=True)
    assert AGREEMENT.read(tmp_path / "agreement.parquet").is_empty()
    assert FORECASTS.read(tmp_path / "forecasts.parquet").is_empty()
