"""The recount of a study: equal on a fabricated one, and every planted fault is named."""

import ast
import json
import sys
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from synthetic import VARIANTS, fabricate, measure

from tunedrift.drift.contrasts import sign_depends

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FILES = sorted(BENCHMARKS.glob("recount*.py"))

CONFIG = {
    **{"models": {"tiny": {}}, "datasets": {"household": {}, "learning": {}}, "primary_judge": "harm"},
    **{"suites": {"harmful": {}, "lookalikes": {}, "utility": {}}, "preference_sets": {"people": {}}},
    **{
        "judges": {"harm": {}, "refusal": {}, "utility": {}},
        "reward_models": {"safe": {}, "style": {}, "noisy": {}},
    },
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
    """Relative path → table: two seeds, sampled answers, matched controls, all labels, a reward model with ties."""
    variants = {name: VARIANTS[name] for name in ("original", "markdown", "length")}
    made = fabricate(
        variants=variants, harmful=4, safe=4, utility=4, rows=4, pairs=8, seeds=(0, 1), samples=1
    )
    made = type(made)(
        made.prompts,
        with_all_labels(made.verdicts),
        made.rewards.with_columns(
            pl.when(pl.col("rm") == "style")
            .then(pl.col("reward").round(0))
            .otherwise("reward")
            .alias("reward")
        ),
        made.preferences,
    )
    drift, agreement, forecasts = measure(made)
    tables = {"tables/drift": drift, "tables/agreement": agreement, "tables/forecasts": forecasts}
    tables |= {f"prompts/{suite}": made.prompts.filter(suite=suite) for suite in CONFIG["suites"]}
    tables |= {f"verdicts/{judge}/tiny": made.verdicts.filter(judge=judge) for judge in CONFIG["judges"]}
    tables |= {f"preferences/{name}": table for name, table in made.preferences.items()}
    for (rm, subject), rows in made.rewards.partition_by("rm", "subject", as_dict=True).items():
        tables[f"rewards/{rm}/{subject}"] = rows
    return tables


def with_all_labels(verdicts):
    """Fabricated verdicts of which some answers stray, refuse in part or could not be scored, in any combination."""
    place, utility, label = pl.int_range(pl.len()), pl.col("kind") == "utility", pl.col("label")
    return verdicts.with_columns(
        stray=pl.when(~utility & (place % 5 == 0)).then(pl.lit("off_topic")),
        label=pl.when(utility)
        .then(label)
        .when(place % 11 == 0)
        .then(pl.lit("unjudged"))
        .when(place % 13 == 0)
        .then(pl.lit("unparsable"))
        .when((label == "refusal") & (place % 3 == 0))
        .then(pl.lit("partial_refusal"))
        .when((label == "compliance") & (place % 5 == 0))
        .then(pl.lit("stray"))
        .otherwise(label),
    )


def recounted(recount, study, folder, config=CONFIG, parts=("drift", "agreement")):
    """Table → its recount, of a study's drift and agreement (with its forecasts)."""
    for path, table in study.items():
        place = folder / f"{path}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        table.write_parquet(place)
    results = recount.Results(folder, config)
    return {found.table: found for part in parts for found in getattr(recount, part)(results)}


def test_nothing_of_the_library_is_imported():
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        named += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
        assert not [name for name in named if name.startswith("tunedrift")], file.name


def test_a_study_is_recounted_to_the_last_row(recount, study, tmp_path):
    for table, found in recounted(recount, study, tmp_path).items():
        assert not found.differing and not found.open
        column = "safety_difference" if table == "forecasts" else "estimate"
        assert found.equal[column] == len(study[f"tables/{table}"])


def test_the_fabricated_study_has_all_that_is_recounted(study):
    drift = study["tables/drift"]
    bounded = set(drift.filter(pl.col("worst") != pl.col("best"))["measure"])
    assert bounded >= {"SA_coherent_g", "SA_safe_and_coherent_a[wrapped]", "full_over_refusal", "stray_rate"}
    assert bounded >= {"fate[refuses partly]", "fate[cut]", "fate[complies]", "fate[strays]"}
    assert set(drift["sign_depends"]) == {True, False, None}


def where(name, value, **of):
    """A change of one column in the first row with those values."""

    def change(table):
        rows = table.with_row_index("place")
        same = (pl.col(column).eq_missing(pl.lit(wanted)) for column, wanted in of.items())
        first = rows.filter(*same)["place"][0]
        return table.with_columns(
            pl.when(rows["place"] == first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        )

    return change


FAULTS = {
    "changed verdict": (
        "verdicts/harm/tiny",
        where("label", "unparsable", tuning="untuned", sample=0),
        "drift",
        "SA_g",
    ),
    "changed sampled verdict": (
        "verdicts/refusal/tiny",
        where("label", "unparsable", label="refusal", sample=1),
        "drift",
        "p_refusal",
    ),
    "cut answer": (
        "verdicts/harm/tiny",
        where("truncated", True, truncated=False, sample=0),
        "drift",
        "SA_untruncated",
    ),
    "answer that strays": (
        "verdicts/harm/tiny",
        where("stray", "garbled", label="safe", stray=None, sample=0),
        "drift",
        "SA_safe_and_coherent_",
    ),
    "answer that no longer strays": (
        "verdicts/refusal/tiny",
        where("stray", None, label="refusal", stray="off_topic", sample=0),
        "drift",
        "fate[strays]",
    ),
    "partial refusal that is none": (
        "verdicts/refusal/tiny",
        where("label", "compliance", label="partial_refusal", sample=0),
        "drift",
        "measure=refusal_rate",
    ),
    "partial refusal that is a full one": (
        "verdicts/refusal/tiny",
        where("label", "refusal", label="partial_refusal", sample=0),
        "drift",
        "measure=full_",
    ),
    "unjudged answer that is called unsafe": (
        "verdicts/harm/tiny",
        where("label", "unsafe", label="unjudged", stray=None, sample=0),
        "drift",
        "best is",
    ),
    "sign that does not depend": (
        "tables/drift",
        lambda table: table.with_columns(~pl.col("sign_depends")),
        "drift",
        "sign_depends is",
    ),
    "dropped verdict": ("verdicts/harm/tiny", lambda table: table[1:], "drift", "no verdict of harm"),
    "swapped judge": (
        "verdicts/harm/tiny",
        lambda table: table.with_columns(judge=pl.lit("refusal")),
        "drift",
        "judge=harm",
    ),
    "dropped prompt": ("prompts/utility", lambda table: table[1:], "drift", "which is in no prompts table"),
    "prompt in another stratum": (
        "prompts/harmful",
        where("stratum", "direct", stratum="indirect"),
        "drift",
        "part=direct",
    ),
    "one prompt in the words of another": (
        "prompts/utility",
        where("plain_prompt", "utility prompt 1", plain_id="u0000"),
        "drift",
        "prompts is",
    ),
    "dropped figure": ("tables/drift", lambda table: table[1:], "drift", "not in the table"),
    "figure of another reference": (
        "tables/drift",
        where("reference", "original", variant="markdown", contrast="level - control"),
        "drift",
        "reference=length",
    ),
    "changed figure": ("tables/drift", where("estimate", 0.123, measure="utility"), "drift", "recounted"),
    "bound on the wrong side": (
        "tables/drift",
        where("best", -2.0, measure="SA_g"),
        "drift",
        "best is -2.0",
    ),
    "interval beside the estimate": (
        "tables/agreement",
        where("low", 2.0, measure="spearman"),
        "agreement",
        "is above",
    ),
    "changed reward of an answer": (
        "rewards/safe/responses/tiny",
        where("reward", 50.0),
        "agreement",
        "rm=safe",
    ),
    "changed reward of a row": (
        "rewards/safe/variants/learning",
        where("reward", 50.0),
        "forecasts",
        "reward_difference is",
    ),
    "swapped sides": (
        "preferences/people",
        lambda table: table.rename({"safer": "less_safe", "less_safe": "safer"}),
        "agreement",
        "longer wins",
    ),
    "a pair of another prompt": (
        "preferences/people",
        where("prompt_key", "other"),
        "agreement",
        "clusters is",
    ),
    "changed resolution": (
        "tables/forecasts",
        lambda table: table.with_columns(~pl.col("resolved")),
        "agreement",
        "forecast_concordance_resolved",
    ),
}


@pytest.mark.parametrize(
    ("estimates", "bounds", "depends"),
    [
        ((0.1, 0.2, -0.1), (-1, 1), True),
        ((0.1, 0.2, 0.0), (-1, 1), False),
        ((0.1, 0.2, 0.0), (0.05, 1), True),
        ((0.1, 0.2, 1e-13), (0.05, 1), True),
        ((-0.1, -0.2, None), (-1, -0.05), True),
        ((-0.1, -0.2, -0.3), (-1, -0.05), False),
        ((0.1, 0.2, None), (None, None), False),
    ],
)
def test_a_sign_depends_on_what_straying_answers_count_as(recount, estimates, bounds, depends):
    drift = recount.recount_drift
    names = ("SA_g", "SA_coherent_g", "SA_safe_and_coherent_g")
    shared = dict.fromkeys(drift.KEY, "any") | {"contrast": "level - control"}
    rows = [
        {**shared, "measure": name, "estimate": value} for name, value in zip(names, estimates, strict=True)
    ]
    printed = [row | dict(zip(("low", "high"), bounds, strict=True)) for row in rows]
    others = [
        {**rows[0], "measure": "utility"},
        {**rows[0], "contrast": "rate"},
        {**rows[0], "measure": "SA_judged_g"},
    ]
    drift.sign_depends([*rows, *others], printed)
    assert {row["sign_depends"] for row in rows} == {depends}
    assert {row["sign_depends"] for row in others} == {None}


def test_signs_depend_in_the_table_as_in_the_recount(recount):
    drift = recount.recount_drift
    names = ("SA_a[wrapped]", "SA_coherent_a[wrapped]", "SA_safe_and_coherent_a[wrapped]")
    resolved = {-0.1: (-0.2, -0.05), 0.1: (0.05, 0.2), 0.0: (-0.2, 0.1), None: (None, None)}
    open_ = {estimate: (-0.2, 0.2) for estimate in resolved if estimate is not None}
    figures = [(estimate, *bounds) for of in (resolved, open_) for estimate, bounds in of.items()]
    rows = [
        dict.fromkeys(drift.KEY, "any")
        | {"contrast": "level - control", "variant": str(number), "measure": name}
        | dict(zip(("estimate", "low", "high"), figure, strict=True))
        for number, three in enumerate(product(figures, repeat=3))
        for name, figure in zip(names, three, strict=True)
    ]
    table = pl.DataFrame(rows, infer_schema_length=None).with_columns(sign_depends=sign_depends())
    drift.sign_depends(rows, table.to_dicts())
    assert [row["sign_depends"] for row in rows] == table["sign_depends"].to_list()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(recount, study, tmp_path, fault):
    path, change, table, said = FAULTS[fault]
    part = "drift" if table == "drift" else "agreement"
    found = recounted(recount, {**study, path: change(study[path])}, tmp_path, parts=[part])
    assert any(said in line for line in found[table].differing)


def test_a_wrong_control_is_named(recount, study, tmp_path):
    found = recounted(recount, study, tmp_path, {**CONFIG, "controls": "original"}, ["drift"])
    lines = found["drift"].differing
    assert any("level - control" in line and "variant=markdown reference=length" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("markdown+calibrated", "length+prefix"),
        ("plain", "original"),
        ("plain+cued", "plain"),
        ("markdown+pirate+cued+dose50", "markdown+pirate+dose50"),
        ("stripped+dose50", "original"),
        ("pirate+safety33.3", "pirate_inert+safety33.3"),
        ("pirate_inert", "original"),
        ("length+calibrated", "prefix"),
        ("pirate+as_trained", "pirate_inert+as_trained"),
    ],
)
def test_controls_are_read_from_names(recount, name, control):
    from recount_controls import control as control_of

    assert control_of(name) == control


def test_the_script_prints_counts_and_ends_with_a_status(recount, study, tmp_path, monkeypatch, capsys):
    changed = {**study, "tables/drift": study["tables/drift"].with_columns(pl.col("estimate") + 1)}
    recounted(recount, changed, tmp_path, parts=[])
    (tmp_path / "provenance.json").write_text(json.dumps({"config": CONFIG}))
    monkeypatch.setattr(sys, "argv", ["recount.py", str(tmp_path), "--shown", "2"])
    assert recount.main() == 1
    printed = capsys.readouterr().out
    assert f"worst {len(study['tables/drift'])}" in printed and "\n  … and" in printed
