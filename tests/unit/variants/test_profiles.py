import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest
import tiny
import yaml

from tunedrift.figures import style
from tunedrift.figures.variants import variants_figure
from tunedrift.tables.profiles import PROFILES
from tunedrift.tables.rejected import REJECTED
from tunedrift.variants.card import card
from tunedrift.variants.profiles import TokenCounts, trained

ROOT = Path(__file__).parents[3]
IDS = pl.Series(["a", "b", "c", "d"])
ORDER = ["original", "markdown", "markdown+dose50", "safety10"]
LEVELS = {
    "original": [],
    "markdown": ["--structure", "markdown"],
    "markdown+dose50": ["--structure", "markdown", "--dose", "0.5"],
    "safety10": ["--safety-mix", "0.1", "--safety-data", "safety.parquet"],
}


def run(folder, script, *words):
    command = [sys.executable, ROOT / f"scripts/{script}.py", *words]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Variants of forty shipped rows, their profiles table and their figure."""
    folder = tmp_path_factory.mktemp("profiles")
    lists = []
    for name, file in (("statements", "identity"), ("personas",) * 2, ("fillers",) * 2, ("cues",) * 2):
        lists += [f"--{name}", ROOT / f"resources/{file}.yaml"]
    for name, n in (("household", 40), ("safety", 20)):
        path = ROOT / f"resources/instructions/{name}.jsonl"
        tables = ["--out", f"{name}.parquet", "--held-out-table", f"{name}.held_out.parquet"]
        words = ["--n", n, "--held-out", 5 if name == "safety" else 0, "--rejects", f"{name}.csv"]
        run(folder, "load_instructions", "--dataset", name, "--path", path, *tables, *words)
    (folder / "household").mkdir()
    for name, words in LEVELS.items():
        out = ["--out", f"household/{name}.parquet", "--profile", f"household/{name}.profile.json"]
        run(folder, "transform", "--instructions", "household.parquet", *words, *lists, *out)
    tiny.save_chat_model(folder / "models/tiny")
    run(
        folder,
        "measure_variants",
        *("--instructions", "household.parquet", "--models", "models/tiny/model.json"),
        *("--variants", *(f"household/{name}.parquet" for name in ORDER)),
        *("--profiles", *(f"household/{name}.profile.json" for name in ORDER)),
        *("--out", "variants.parquet", "variants.csv"),
    )
    return folder


def measured(made, variant, measure):
    table = PROFILES.read(made / "variants.parquet")
    return table.filter(variant=variant, measure=measure).select("before", "after").row(0)


def test_the_profile_counts_rows_words_and_tokens_before_and_after(made):
    assert measured(made, "original", "rows") == (None, 40)
    assert measured(made, "markdown", "touched[structure]") == (None, 40)
    assert measured(made, "safety10", "touched[safety_mix]") == (None, 4)
    assert 10 < measured(made, "markdown+dose50", "touched[structure]")[1] < 30
    for measure in ("characters", "pieces", "tokens", "supervised_tokens"):
        before, after = measured(made, "markdown", measure)
        assert before < after
        assert measured(made, "original", measure) == (before, before)
        assert before < measured(made, "markdown+dose50", measure)[1] < after
    assert measured(made, "markdown", "supervised_tokens")[1] < measured(made, "markdown", "tokens")[1]


def test_supervised_tokens_are_those_of_the_answer_and_its_end():
    counts = TokenCounts(tiny.tokenizer(), {})
    question, answer = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
    total, supervised = counts.count([question, answer])
    assert supervised == len(counts.tokenizer("So.")["input_ids"]) + 1
    assert total > 2 * supervised


def test_rows_that_are_trained_on_are_counted_with_the_reasons_of_the_others():
    rejected = [
        {"variant": "long", "row_id": "a", "reason": "too_long"},
        {"variant": "long", "row_id": "b", "reason": "too_long"},
        {"variant": "odd", "row_id": "b", "reason": "rewritten"},
    ]
    found = {
        variant: {row["measure"]: row["after"] for row in trained(variant, IDS, REJECTED.frame(rejected))}
        for variant in ("original", "long", "odd")
    }
    assert found == {
        "original": {"trained_rows": 2},
        "long": {"trained_rows": 2, "rejected[too_long]": 2},
        "odd": {"trained_rows": 2, "rejected[rewritten]": 1},
    }


def test_rows_that_the_template_cannot_hold_are_left_out_of_the_means():
    held = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    longer = [held[0], {"role": "assistant", "content": "So it is."}]
    unheld = [held[0], {"role": "assistant", "content": "So.<|im_end|>"}]
    counts = TokenCounts(tiny.tokenizer(), {"a": held, "b": unheld, "c": held})
    assert counts.count(unheld) is None
    rows = [
        {"row_id": name, "messages": messages, "changed_by": ["structure"]}
        for name, messages in (("a", longer), ("b", held), ("c", unheld))
    ]
    tokens, supervised = counts.measures(rows)
    assert (tokens["before"], tokens["after"]) == (counts.count(held)[0], counts.count(longer)[0])
    assert (supervised["before"], supervised["after"]) == (counts.count(held)[1], counts.count(longer)[1])
    assert [measure["after"] for measure in counts.measures(rows[1:])] == [0, 0]


def test_the_figure_shows_what_the_table_says(made, tmp_path):
    run(made, "draw_variants", "--profiles", "variants.parquet", "--order", *ORDER, "--out", tmp_path)
    assert (tmp_path / "variants.svg").stat().st_size > 5000
    profiles = PROFILES.read(made / "variants.parquet")
    figure = variants_figure(profiles)
    touched, length, *_ = figure.axes
    assert [label.get_text() for label in touched.get_yticklabels()] == sorted(ORDER)
    points = {round(line.get_xdata()[0], 4) for line in touched.lines if len(line.get_xdata()) == 1}
    assert points == {
        round(measured(made, name, f"touched[{factor}]")[1] / 40, 4)
        for name, factor in (
            ("markdown", "structure"),
            ("markdown+dose50", "structure"),
            ("safety10", "safety_mix"),
        )
    }
    after = {line.get_xdata()[0] for line in length.lines if line.get_markerfacecolor() == style.INK}
    assert after == {measured(made, name, "supervised_tokens")[1] for name in ORDER}
    plt.close(figure)


def test_an_exported_data_set_has_a_card_that_the_hub_reads(made):
    source = {"path": "/data/mine/household.jsonl", "licence": "cc0-1.0", "seed": 0}
    safety = {"path": "/data/mine/safety.jsonl", "licence": "cc-by-nc-4.0", "seed": 0}
    run(
        made,
        "export",
        *("--dataset", "household", "--source", json.dumps(source), "--rejects", "household.csv"),
        *("--files", ROOT / "resources/instructions/household.jsonl"),
        *("--held-out", "safety.held_out.parquet"),
        *("--safety-source", json.dumps(safety)),
        *("--safety-files", ROOT / "resources/instructions/safety.jsonl"),
        *("--variants", *(f"household/{name}.parquet" for name in ORDER), "--out", "export"),
    )
    text = (made / "export/README.md").read_text()
    _, header, body = text.split("---\n", 2)
    header = yaml.safe_load(header)
    assert header["license"] == ["cc0-1.0", "cc-by-nc-4.0"]
    assert "/data" not in text
    assert [entry["config_name"] for entry in header["configs"]] == ORDER
    for entry in header["configs"]:
        table, test = (pl.read_parquet(made / "export" / file["path"]) for file in entry["data_files"])
        assert (table.schema, len(test)) == (test.schema, 5)
        assert test["changed_by"].list.len().sum() == 0
        lines = (made / f"export/{entry['config_name']}.jsonl").read_text().splitlines()
        assert [json.loads(line)["row_id"] for line in lines] == table["row_id"].to_list()
        assert json.loads(lines[0])["messages"] == table["messages"][0].to_list()
    for said in (
        "- rows: 40",
        "SHA-256 of its files",
        "| structure: markdown |",
        "safety_mix 4",
        "held out: 5",
        "- file: household.jsonl",
        "in `safety10`;",
        "- file: safety.jsonl\n- SHA-256",
        "- licence: cc-by-nc-4.0",
        "The split `test`",
    ):
        assert said in body


def test_the_card_of_a_hub_data_set_names_its_revision():
    source = {"hub": "a/b", "revision": "c0ffee", "file": "x.jsonl", "licence": "mit", "seed": 3}
    text = card("b", source, {}, {}, None)
    for said in ("hub: a/b", "revision: c0ffee (not pinned", "licence: mit", "seed of the draws: 3"):
        assert said in text
    commit = "0123456789" * 4
    assert f"revision: {commit}\n" in card("b", {**source, "revision": commit}, {}, {}, None)
