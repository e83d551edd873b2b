"""The recount of what judges are worth: equal on fabricated label sets, and every planted fault is named."""

import json
import random
import sys
from pathlib import Path

import measure_judges
import polars as pl
import pytest

from tunedrift.tables.labels import LABELS, LABELS_OF
from tunedrift.tables.verdicts import LABELLED_VERDICTS
from tunedrift.tables.verdicts import LABELS as SAID_OF

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

ANNOTATORS = {
    "two": [("1", "2", "final"), ("1", "2"), ("1",), ("1", "2")],
    "three": [("1", "2", "3"), ("2", "3"), ("final", "1", "2"), ("3",)],
    "final": [("final",)],
    "same": [("final",)],  # the answers of `final` under another name
    "half": [("1", "2"), ("final",)],  # the first half is that of `final`, written otherwise
    "harmful": [("1", "2"), ("final",)],
}
"""Label set → the annotators of its answers, in turn; all but the last are of refusals."""

CONFIG = {
    **{"models": {}, "datasets": {}, "suites": {}},
    "judges": {
        "rules": {"kind": "refusal"},
        "tuned": {"kind": "refusal", "tuned_on": ["final"]},
        "fitted": {"kind": "refusal", "by": "learned"},
        "harm": {"kind": "harm"},
        "utility": {"kind": "utility"},
    },
    "label_sets": {
        name: {"measure": "harm" if name == "harmful" else "refusal"}
        | ({"labels": "simulated"} if name == "two" else {})
        for name in ANNOTATORS
    },
    "statistics": {"confidence": 0.9, "judge_floor": 0.3},
}


@pytest.fixture(scope="module")
def recount():
    """The script as a module, beside those it is split into."""
    sys.path.insert(0, str(BENCHMARKS))
    import recount

    yield recount
    sys.path.remove(str(BENCHMARKS))


def fabricate(name, measure):
    """A labels table and what a judge that is mostly right says, with ties and all that cannot be scored."""
    chance = random.Random("final" if name == "same" else name)
    labels, said = [], []
    for number in range(60):
        language = ("en", "en", "de", None)[number % 4]
        answer = f"Answer {number} of {name.replace('same', 'final')}."
        if name == "half" and number < 30:
            answer = f"answer  {number} of FINAL."
        about = {
            **{"label_set": name, "answer_id": f"a{number:02}", "prompt_id": f"p{number // 3}"},
            **{"prompt": f"Question {number // 3}?", "answer": answer},
            **{"model": ("one", "other", None)[number % 3], "language": language, "measure": measure},
        }
        truth = chance.choice(LABELS_OF[measure])
        for annotator in ANNOTATORS[name][number % len(ANNOTATORS[name])]:
            label = truth if chance.random() < 0.7 else chance.choice(LABELS_OF[measure])
            labels.append({**about, "annotator": annotator, "label": label})
        # Of `harmful` only a few are unjudged: its others alone would certify its judge.
        unjudged = number % 8 < 4 if name != "harmful" else number < 3
        outcome = "unjudged" if language == "de" and unjudged else truth
        outcome = outcome if chance.random() < 0.9 else chance.choice(SAID_OF[measure][:-1])
        said.append({"label_set": name, "answer_id": about["answer_id"], "label": outcome})
    return LABELS.frame(labels), said


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Relative path → table of labels, verdicts on them, and judges."""
    folder, tables = tmp_path_factory.mktemp("judges"), {}
    for name, entry in CONFIG["label_sets"].items():
        tables[f"labels/{name}"], said = fabricate(name, entry["measure"])
        for judge, own in CONFIG["judges"].items():
            if own["kind"] == entry["measure"]:
                rows = [{"judge": judge, "kind": own["kind"], **row} for row in said]
                tables[f"verdicts/{judge}/labels/{name}"] = LABELLED_VERDICTS.frame(rows)
    written = write(tables, folder)
    options = ["--labels", *(path for path in written if "/labels/" in path and "/verdicts/" not in path)]
    options += ["--verdicts", *(path for path in written if "/verdicts/" in path)]
    options += ["--simulated", "two", "--fitted", f"{folder}/judges/fitted.json", "--tuned-on", "tuned=final"]
    options += ["--judge-floor", "0.3", "--confidence", "0.9", "--draws", "50"]
    measure_judges.main(
        measure_judges.parser().parse_args([*options, "--out", str(folder / "judges.parquet")])
    )
    return {**tables, "tables/judges": pl.read_parquet(folder / "judges.parquet")}


def write(tables, folder):
    """Write the tables, and of which label set a learned judge has learnt; return the paths of the tables."""
    paths = {path: folder / f"{path}.parquet" for path in tables}
    for path, place in paths.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        tables[path].write_parquet(place)
    (folder / "judges").mkdir(exist_ok=True)
    (folder / "judges/fitted.json").write_text(json.dumps({"fitted_on": [{"label_set": "three"}]}))
    return [str(place) for place in paths.values()]


def recounted(recount, study, folder):
    write(study, folder)
    (found,) = recount.judges(recount.Results(folder, CONFIG))
    return found


def test_judges_are_recounted_to_the_last_row(recount, study, tmp_path):
    found = recounted(recount, study, tmp_path)
    assert not found.differing and not found.open
    table = study["tables/judges"]
    columns = ("estimate", "n", "prompts", "positives", "n_unscored", "n_unjudged", "n_shared", "certified")
    columns += ("reason",)
    assert {found.equal[column] for column in columns} == {len(table)}
    assert (
        found.equal["low"] == table["statistic"].is_in(["sensitivity", "specificity", "partial_recall"]).sum()
    )
    assert set(table["reason"]) == {None, "fitted on it", "unjudged answers", "below the floor"}
    assert (
        "human_kappa" in set(table["statistic"]) and table["n_unscored"].sum() and table["n_unjudged"].sum()
    )


def test_the_same_answers_under_another_name_have_been_seen(recount, study, tmp_path):
    recounted(recount, study, tmp_path)
    seen = study["tables/judges"].filter(judge="tuned", reason="fitted on it")["label_set"].unique()
    assert set(seen) == {"final", "same"}
    half = study["tables/judges"].filter(judge="tuned", label_set="half")
    assert half.filter(pl.col("model").is_null(), pl.col("language").is_null())["n_shared"][0] == 30


def where(name, value, **of):
    """A change of one column in the rows with those values."""

    def change(table):
        chosen = pl.all_horizontal(pl.col(column) == wanted for column, wanted in of.items())
        return table.with_columns(pl.when(chosen).then(pl.lit(value)).otherwise(pl.col(name)).alias(name))

    return change


FAULTS = {
    "changed final label": (
        "labels/final",
        lambda table: table.with_columns(label=pl.lit("compliance")),
        "positives is",
    ),
    "changed label of one annotator": (
        "labels/two",
        where("label", "partial_refusal", annotator="2"),
        "statistic=human_kappa",
    ),
    "dropped annotator": ("labels/two", lambda table: table.filter(annotator="1"), "statistic=human_kappa"),
    "answer of another prompt": ("labels/final", where("prompt_id", "p0", prompt_id="p1"), "prompts is"),
    "answer of another model": ("labels/final", where("model", "one", answer_id="a01"), "model=other"),
    "changed verdict": (
        "verdicts/harm/labels/harmful",
        where("label", "failed", answer_id="a00"),
        "n_unscored is",
    ),
    "verdict where there was none": (
        "verdicts/rules/labels/two",
        where("label", "refusal", label="unjudged"),
        "n_unjudged is",
    ),
    "dropped verdict": (
        "verdicts/rules/labels/two",
        lambda table: table[1:],
        "answer a00 has a label or a verdict, not both",
    ),
    "dropped label": (
        "labels/final",
        lambda table: table[1:],
        "answer a00 has a label or a verdict, not both",
    ),
    "another certificate": (
        "tables/judges",
        lambda table: table.with_columns(~pl.col("certified")),
        "certified is",
    ),
    "people in place of a simulation": (
        "tables/judges",
        where("labels", "people", label_set="two"),
        "labels is people",
    ),
    "narrower interval": (
        "tables/judges",
        where("low", 0.99, statistic="specificity"),
        "low is 0.99",
    ),
    "dropped row": ("tables/judges", lambda table: table[1:], "not in the table"),
    "row of another statistic": (
        "tables/judges",
        where("statistic", "human_kappa", statistic="kappa", label_set="final"),
        "follows from no row table",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(recount, study, tmp_path, fault):
    path, change, said = FAULTS[fault]
    found = recounted(recount, {**study, path: change(study[path])}, tmp_path)
    assert any(said in line for line in found.differing)


def test_ties_and_final_labels(recount):
    settled = recount.recount_judges.settled
    assert settled({"1": "refusal", "2": "compliance", "final": "compliance"}) == "compliance"
    assert settled({"1": "refusal", "2": "compliance", "3": "refusal"}) == "refusal"
    assert settled({"1": "refusal", "2": "compliance"}) is None
    assert settled({"1": True, "2": False, "3": True}) is True


def test_an_interval_by_hand(recount):
    rate = recount.recount_judges.rate
    estimate, low, high = rate([(str(number), number < 8) for number in range(10)], 0.95)
    # Wilson's interval of 8 in 10.
    assert (estimate, round(low, 4), round(high, 4)) == (0.8, 0.4902, 0.9433)
    one_prompt = rate([("p", True)] * 5, 0.95)
    assert one_prompt == rate([("p", True)], 0.95)
    assert rate([], 0.95) == (None, None, None)
