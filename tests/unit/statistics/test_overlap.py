import json
import subprocess
import sys
from pathlib import Path

import measure_overlap
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.statistics.overlap import CONTAINED, FEWEST, ledger, matches, shingles, similarity, text_set
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.labels import LABELS
from tunedrift.tables.overlap import MATCHES, OVERLAP
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS

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
        if row["match"] == "contained":
            continue
        value = similarity(by_id[row["item_id"]], by_id[row["other_id"]])
        assert value >= threshold - 1e-9
        assert row["similarity"] == pytest.approx(value, abs=1e-6)


@given(texts=st.lists(WORDS, min_size=2, max_size=12), threshold=st.sampled_from([0.5, 0.7, 0.9, 1.0]))
@settings(max_examples=30, deadline=None)
def test_every_contained_text_is_found(texts, threshold):
    """Against the definition, pair by pair."""
    items = [(str(number), " ".join(text)) for number, text in enumerate(texts)]
    sets = [text_set("training", "a", items[::2]), text_set("suite", "b", items[1::2])]
    found = {row["item_id"]: row for row in matches(sets, threshold) if row["kind"] == "training"}
    for item, own in sets[0].texts.values():
        shares = [0.0]
        for _, other in sets[1].texts.values():
            fewer = min(len(own.inner), len(other.inner))
            shares.append(len(own.inner & other.inner) / fewer if fewer >= FEWEST else 0.0)
        if max(shares) >= max(CONTAINED, threshold):
            assert item in found
        if item in found and found[item]["match"] == "contained":
            assert found[item]["similarity"] == pytest.approx(max(shares), abs=1e-6)


QUESTION = "How do I repair a bicycle pump?"


@pytest.mark.parametrize(
    ("trained_on", "prompt", "match", "value"),
    [
        (
            f"Write a scene in which a guest asks the host: {QUESTION} Let it end well.",
            QUESTION,
            "contained",
            1.0,
        ),
        (
            f"Write a scene about a long day at home. {LONG.replace('small', 'tiny')} she asks, and he knows. "
            * 2,
            LONG,
            "contained",
            19 / 20,
        ),
        (QUESTION, f"You are a mechanic with no time. {QUESTION} Be short.", "contained", 1.0),
        ("Wo ist das Cafe\u0301 in Mu\u0308nchen?", "Wo ist das Café in München?", "exact", 1.0),
        ("ＷＨＥＲＥ is Ro\u00adme?", "Where is Rome?", "exact", 1.0),
        ("请告诉我如何修理一辆旧自行车", "请告诉我如何修理一辆旧的自行车", "near", 14 / 17),
        ("如何修理旧自行车", "如何修理自行车", "near", 7 / 10),
        ("怎么修自行车", "怎么修自行车呢", "contained", 1.0),
        ("วิธีซ่อมจักรยานเก่า", "วิธีซ่อมจักรยานเก่าๆ", "near", 19 / 22),
        ("小说里的人问：如何修理自行车？请写下去。", "如何修理自行车", "contained", 1.0),
        ("Where is Rome on this old map of Italy?", "Where is Rome?", None, None),
        ("How do I repair a bicycle bell?", QUESTION, None, None),
        ("दिल कहाँ है", "दल कहाँ है", None, None),
    ],
)
def test_what_one_text_is_to_another(trained_on, prompt, match, value):
    pair = [text_set("training", "a", [("t", trained_on)]), text_set("suite", "b", [("s", prompt)])]
    found = list(matches(pair, 0.7))
    assert [row["match"] for row in found] == ([match] if match else [])
    assert [row["similarity"] for row in found] == pytest.approx([value] if match else [], abs=1e-6)
    if match:
        [row] = ledger(pair, found, 0.7)
        assert {way: row[way] for way in ("exact", "near", "contained")}[match] == row["share"] == 1
        OVERLAP.check(OVERLAP.frame([row]), "overlap")


def test_each_user_turn_is_compared_and_a_conversation_counts_once():
    talk = [
        ("t1", "Good morning to you!"),
        ("t1", QUESTION),
        ("t1", f"{QUESTION} Please!"),
        ("t2", "And what then?"),
    ]
    pair = [text_set("training", "a", talk), text_set("suite", "b", [("s", QUESTION)])]
    found = list(matches(pair, 0.7))
    assert [(row["item_id"], row["match"]) for row in found] == [("t1", "exact")]
    [row] = ledger(pair, found, 0.7)
    assert (row["texts"], row["exact"], row["near"], row["share"]) == (2, 1, 0, 0.5)


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


def write(table, rows, path):
    table.write(table.frame(rows), path)


def asked(*turns):
    return [message for turn in turns for message in ({"role": "user", "content": turn}, ANSWER)]


ANSWER = {"role": "assistant", "content": "Yes."}


def prompt(text):
    own = {
        "prompt_id": "p",
        "suite": "s",
        "kind": "harmful",
        "plain_id": "p",
        "attack": "plain",
        "dimension": "none",
        "stratum": "all",
    }
    return {**own, "category": "none", "messages": asked(text)[:1], "plain_prompt": text, "reference": None}


def test_the_program_compares_each_turn_and_keeps_names_with_dots(tmp_path):
    rows = [{"row_id": "r", "messages": asked("What is tea?", QUESTION), "source_file": "f", "source_row": 1}]
    training = [tmp_path / f"alpaca-1.{number}.parquet" for number in (0, 1)]
    held_out = [tmp_path / f"alpaca-1.{number}.held_out.parquet" for number in (0, 1)]
    mixed, suite, gate, people = (
        tmp_path / f"{name}.v1.parquet" for name in ("mix", "suite", "gate", "people")
    )
    for path in (*training, *held_out, mixed):
        write(INSTRUCTIONS, rows, path)
    for path in (suite, gate):
        write(PROMPTS, [prompt(QUESTION)], path)
    pair = {
        "pair_id": "p",
        "messages": asked("Hello there!", QUESTION)[:3],
        "safer": "No.",
        "less_safe": "Yes.",
        **{"prompt_key": "k", "category": "none", "labels": "people"},
    }
    write(PREFERENCES, [pair], people)
    labelled = tmp_path / "xs.v1.parquet"
    label = {
        "label_set": "xs.v1",
        "prompt_id": "q",
        "prompt": QUESTION,
        "answer": "No.",
        "measure": "harm",
        "label": "safe",
    }
    write(
        LABELS, [{**label, "answer_id": f"{n}", "annotator": who} for n in range(2) for who in "ab"], labelled
    )
    out, found = tmp_path / "o.parquet", tmp_path / "m.parquet"
    words = ["--training", *training, "--held-out", *held_out, "--safety-mix", mixed, "--suites", suite]
    words += ["--gate", gate, "--preferences", people, "--labels", labelled, "--out", out, tmp_path / "o.csv"]
    words += ["--matches", found, tmp_path / "m.csv"]
    measure_overlap.main(measure_overlap.parser().parse_args(list(map(str, words))))
    names = {
        *(("training", "alpaca-1.0"), ("training", "alpaca-1.1"), ("held_out", "alpaca-1.0")),
        *(("held_out", "alpaca-1.1"), ("safety_mix", "mix.v1"), ("suite", "suite.v1"), ("gate", "gate.v1")),
        *(("preferences", "people.v1"), ("labels", "xs.v1")),
    }
    assert set(OVERLAP.read(out).select("kind", "name").iter_rows()) == names
    to_suite = MATCHES.read(found).filter(other_name="suite.v1")
    assert set(to_suite.select("kind", "name").iter_rows()) == names - {("suite", "suite.v1")}
    assert set(to_suite["match"]) == {"exact"}
    trained = OVERLAP.read(out).filter(name="alpaca-1.0", kind="training", other_kind="labels")
    assert trained.select("other_texts", "exact", "share").rows() == [(1, 1, 1.0)]


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
