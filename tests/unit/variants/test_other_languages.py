"""Rows in another language than the word lists: none of their sentences is put in, and controls stay matched."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tunedrift.design.factors import BASELINES, CONTROLS, related
from tunedrift.hashing import digest
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.variants import VARIANTS
from tunedrift.variants import blocks
from tunedrift.variants.card import card
from tunedrift.variants.cell import Rewriter
from tunedrift.variants.profiles import measures
from tunedrift.variants.word_lists import read_lists

ROOT = Path(__file__).parents[3]
NAMES = ("identity", "personas", "fillers", "cues")
PATHS = [ROOT / "resources" / f"{name}.yaml" for name in NAMES]
LISTS = read_lists(*PATHS)
PAIRS = {
    "en": (
        "How do I cook rice?",
        "It is easy to cook rice. Wash it well. Boil it in water. Let it rest for a while.",
    ),
    "zh": ("怎样洗苹果？", "先把苹果放在水里。再用手轻轻擦洗。最后用布擦干。"),
    "de": (
        "Wie koche ich Reis?",
        "Reis zu kochen ist leicht. Wasche ihn gut. Koche ihn in Wasser. Lass ihn ruhen.",
    ),
    # The question in another language, the answer in English, and the other way round.
    "fr": ("Comment est-ce que je fais cuire du riz à la maison ?", "Wash the rice. Boil it. Let it rest."),
    "es": (
        "Say in Spanish that rice is easy.",
        "Es fácil cocinar el arroz. Lávalo bien. Déjalo reposar un rato.",
    ),
}
OTHERS = sorted(set(PAIRS) - {"en"})
LEVELS = [
    *(
        {factor: level}
        for factor, levels in CONTROLS.items()
        for level in sorted({*levels, *levels.values()} - {"original"})
    ),
    {"role_play": "smuggler"},
    {"role_play": "smuggler_inert"},
    {"role_play": "helper"},
    {"structure": "plain", "cue": "instruction"},
    {"structure": "markdown", "cue": "instruction"},
    {"structure": "markdown", "identity": "calibrated", "role_play": "dragon", "dose": 0.5},
]


def instructions(codes):
    rows = [
        {"row_id": digest(code), "source_file": "f", "source_row": 1}
        | {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for code, (asked, said) in PAIRS.items()
        if code in codes
    ]
    return INSTRUCTIONS.frame(rows)


def transform(levels, codes=PAIRS, eligible="common", lists=LISTS):
    """Code → the variant's row, and the profile."""
    compared = {factor: related(factor, {**BASELINES, **levels}[factor]) for factor in CONTROLS}
    cell = Rewriter({**BASELINES, **levels}, lists, compared if eligible == "common" else {})
    table, tally = blocks.transform_block(instructions(codes), cell, blocks.NOTHING)
    rows = {row["row_id"]: row for row in table.iter_rows(named=True)}
    return {code: rows[digest(code)] for code in codes}, tally.profile(cell)


def texts(row):
    return [message["content"] for message in row["messages"]]


@pytest.mark.parametrize("eligible", ["common", "all"])
@pytest.mark.parametrize("levels", LEVELS, ids=lambda levels: "+".join(map(str, levels.values())))
def test_no_sentence_of_the_lists_is_put_into_a_row_of_another_language(levels, eligible):
    rows, profile = transform(levels, eligible=eligible)
    for code in OTHERS:
        spoken = "".join("".join(texts(rows[code])).split())
        kept = "".join("".join(PAIRS[code]).split())
        # Structure may move marks, never words.
        assert [c for c in spoken if c.isalpha()] == [c for c in kept if c.isalpha()], code
        assert not {"identity", "role_play", "cue"} & set(rows[code]["changed_by"])
        assert rows[code]["put_before"] == rows[code]["put_behind"] == 0
    assert profile["other_languages"] == dict.fromkeys(OTHERS, 1)
    assert profile["eligible"]["role_play"] == 1


@pytest.mark.parametrize("level", ["markdown", "length", "itemized", "itemized_length"])
def test_a_level_and_its_control_change_the_same_rows(level):
    rows, profile = transform({"structure": level})
    assert [code for code in PAIRS if rows[code]["changed_by"]] == ["en"]
    assert profile["eligible"]["structure"] == profile["touched"]["structure"] == 1


def test_structure_alone_needs_no_list():
    rows, _ = transform({"structure": "itemized"}, eligible="all")
    assert texts(rows["de"])[1].count("\n- ") == 3


def test_lists_of_the_rows_language_are_put_in(tmp_path):
    paths = []
    for path in PATHS:
        paths.append(tmp_path / path.name)
        paths[-1].write_text(path.read_text().replace("language: en", "language: zh-CN"))
    lists = read_lists(*paths, "zh-CN")
    assert lists.language == "zh"
    rows, profile = transform({"identity": "calibrated"}, lists=lists)
    assert {code for code in PAIRS if rows[code]["changed_by"]} == {"zh"}
    assert (
        profile["other_languages"] == {"de": 1, "en": 2, "es": 1, "fr": 1}
        or "en" in profile["other_languages"]
    )


def test_the_program_and_the_profile_say_so(tmp_path):
    INSTRUCTIONS.write(instructions(("zh", "de")), tmp_path / "i.parquet")
    said = {}
    for name, words in (("original", []), ("markdown", ["--structure", "markdown"])):
        command = [sys.executable, ROOT / "scripts/transform.py", "--instructions", "i.parquet", *words]
        command += ["--out", f"{name}.parquet", "--profile", f"{name}.json"]
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said[name] = done.stdout.splitlines()
    assert said["original"] == ["original.parquet: 2 rows; changed by nothing"]
    assert said["markdown"] == [
        "markdown.parquet: 2 rows; changed by nothing",
        "warning: markdown.parquet: 2 of 2 rows are in other languages (1 in German, 1 in Chinese), but the lists in "
        "English: no sentence of theirs is put into these rows",
        "warning: markdown.parquet: structure markdown changes none of the 2 rows",
    ]
    profile = json.loads((tmp_path / "markdown.json").read_text())
    assert profile["other_languages"] == {"de": 1, "zh": 1}
    assert {"measure": "other_language[zh]", "before": None, "after": 1} in measures(profile)
    table = VARIANTS.read(tmp_path / "markdown.parquet")
    assert table["messages"].to_list() == instructions(("zh", "de")).sort("row_id")["messages"].to_list()
    assert table.select(pl.col("changed_by").list.len().sum()).item() == 0


def test_the_card_counts_rows_of_other_languages():
    source = {"path": "set.jsonl", "licence": "cc0-1.0", "seed": 0}
    line = (
        "- rows into which no sentence was put, for want of one in their language: 1 in German, 1 in Chinese"
    )
    for codes, found in ((("zh", "de", "en"), True), (("en",), False)):
        profiles = {
            "original": transform({}, codes)[1],
            "markdown": transform({"structure": "markdown"}, codes)[1],
        }
        assert (line in card("set", source, profiles, {"rows": len(codes)}, None).splitlines()) == found
