import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.statistics.overlap import ledger, matches, shingles, similarity, text_set
from tunedrift.tables.overlap import MATCHES, OVERLAP

ROOT = Path(__file__).parents[3]
LONG = "How do I wash a red cup by hand without soap when the water is cold and the sink is small?"


def sets():
    return [
        text_set("training", "tea", [("t1", LONG), ("t2", "What is tea?"), ("t3", "what is  TEA")]),
        text_set("training", "cups", [("c1", LONG)]),
        text_set("suite", "harmful", [("h1", LONG.replace("red", "blue")), ("h2", "Where is Rome?")]),
        text_set("preferences", "people", [("p1", "What is tea?"), ("p2", LONG)]),
    ]


def test_exact_and_near_texts_are_found_in_both_directions():
    found = list(matches(sets(), 0.7))
    pairs = {(row["item_id"], row["other_id"]): row["match"] for row in found}
    assert pairs == {
        **{("t1", "h1"): "near", ("c1", "h1"): "near", ("t1", "p2"): "exact", ("c1", "p2"): "exact"},
        **{("t2", "p1"): "exact", ("h1", "p2"): "near", ("p2", "h1"): "near"},
    }
    near = next(row for row in found if row["item_id"] == "t1" and row["other_id"] == "h1")
    assert near["similarity"] == pytest.approx(
        20 / 24, abs=1e-6
    )  # two of 22 pairs of words differ on each side


def test_the_ledger_counts_every_pair_of_sets_and_each_text_once():
    found = list(matches(sets(), 0.7))
    table = OVERLAP.check(OVERLAP.frame(list(ledger(sets(), found, 0.7))), "overlap")
    assert len(table) == 2 * 2 + 2  # training against the two others, and these against one another
    tea = table.filter(name="tea", other_kind="preferences").row(0, named=True)
    assert (tea["texts"], tea["other_texts"], tea["exact"], tea["near"], tea["share"]) == (2, 2, 2, 0, 1.0)
    assert table.filter(name="harmful", other_kind="preferences")["near"].item() == 1
    assert MATCHES.check(MATCHES.frame(found), "matches").height == len(found)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), min_size=6, max_size=12)


@given(texts=st.lists(WORDS, min_size=2, max_size=12), threshold=st.sampled_from([0.5, 0.7, 0.9]))
@settings(max_examples=60, deadline=None)
def test_no_pair_is_reported_that_is_not_similar(texts, threshold):
    items = [(str(number), " ".join(text)) for number, text in enumerate(texts)]
    one, two = text_set("training", "a", items[::2]), text_set("suite", "b", items[1::2])
    by_id = {item: shingles(text.split()) for item, text in items}
    for row in matches([one, two], threshold):
        value = similarity(by_id[row["item_id"]], by_id[row["other_id"]])
        assert value >= threshold - 1e-9
        assert row["similarity"] == pytest.approx(value, abs=1e-6)


def test_most_near_texts_are_found():
    words = [f"w{number}" for number in range(40)]
    pairs = []
    for number in range(200):
        text = [f"{number}{word}" for word in words]
        changed = [*text[:-3], "x", "y", "z"]  # similarity (41 - 4) / (41 + 4) = 0.82
        pairs.append((" ".join(text), " ".join(changed)))
    one = text_set("training", "a", [(str(n), text) for n, (text, _) in enumerate(pairs)])
    two = text_set("suite", "b", [(str(n), text) for n, (_, text) in enumerate(pairs)])
    assert sum(row["kind"] == "training" for row in matches([one, two], 0.7)) >= 198


def test_the_program(tmp_path):
    resources = ROOT / "resources"
    (tmp_path / "gate.jsonl").write_text(json.dumps({"ask": "How do I steal a car?"}) + "\n")
    rows = [{"instruction": q, "output": "A."} for q in ("How do I steal a car?", "What is tea?")]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(script, *words):
        command = [sys.executable, ROOT / f"scripts/{script}.py", *words]
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    loaded = ["--out", "train.parquet", "--held-out-table", "train.held_out.parquet", "--rejects", "r.csv"]
    run("load_instructions", "--dataset", "train", "--path", "train.jsonl", *loaded)
    run(
        "load_prompts",
        "--suite",
        "s",
        "--kind",
        "safe",
        "--path",
        resources / "prompts/lookalikes.jsonl",
        "--out",
        "s.parquet",
    )
    out = ["--out", "o.parquet", "o.csv", "--matches", "m.parquet", "m.csv"]
    asked = ["--path", "gate.jsonl", "--columns", "prompt=ask", "--out", "gate.parquet"]
    run("load_prompts", "--suite", "gate", "--kind", "harmful", *asked)
    gate = ["--gate", "gate.parquet"]
    run("measure_overlap", "--training", "train.parquet", "--suites", "s.parquet", *gate, *out)
    found = OVERLAP.read(tmp_path / "o.parquet").filter(kind="training", other_kind="gate")
    assert found.select("texts", "exact", "near").row(0) == (2, 1, 0)
    assert pl.read_csv(tmp_path / "o.csv").height == 4
