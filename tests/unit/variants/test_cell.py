import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.design.factors import BASELINES, CONTROLS, INERT, LEVELS, TOUCHING, related
from tunedrift.errors import UserError
from tunedrift.hashing import digest
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.variants import VARIANTS
from tunedrift.variants import blocks
from tunedrift.variants.cell import Rewriter
from tunedrift.variants.word_lists import read_lists

ROOT = Path(__file__).parents[3]
NAMES = ("identity", "personas", "fillers", "cues")
LISTS = read_lists(*(ROOT / "resources" / f"{name}.yaml" for name in NAMES))

ANSWERS = [
    "It is easy to cook rice. Wash it well. Boil it in water. Let it rest for a while. Enjoy the meal.",
    "First clear some space. Then lay out the tools. Use a soft cloth. Finally wipe away what is left.",
    "Yes.",
    "print(1)",
]
ROWS = [
    {
        "row_id": digest(answer),
        "messages": [
            {"role": "user", "content": "How do I do it?"},
            {"role": "assistant", "content": "What?"},
            {"role": "user", "content": "That."},
            {"role": "assistant", "content": answer},
        ],
    }
    for answer in ANSWERS
]


def cell(compared=None, **levels):
    return Rewriter(levels={**BASELINES, **levels}, lists=LISTS, compared=compared or {})


def instructions(rows):
    return INSTRUCTIONS.frame(
        [{**row, "source_file": "f", "source_row": number} for number, row in enumerate(rows, 1)]
    )


def transform(rows, cell, safety=blocks.NOTHING):
    """Variants and profile, in the order of `rows`."""
    table, tally = blocks.transform_block(instructions(rows), cell, safety)
    by_id = {row["row_id"]: row for row in table.to_dicts()}
    return [by_id[row["row_id"]] for row in rows], tally.profile(cell)


def changed(variants):
    return [row["changed_by"] for row in variants]


def test_every_level_has_a_control_among_the_levels():
    for factor, controls in CONTROLS.items():
        assert {*controls, *controls.values(), BASELINES[factor]} == set(LEVELS[factor])
        assert not set(controls) & set(controls.values())


def test_a_level_and_its_control_are_compared_at_the_same_levels():
    assert related("structure", "markdown") == related("structure", "length") == ("length", "markdown")
    assert related("identity", "prefix") == ("calibrated", "identity_paraphrase", "prefix")
    assert related("identity", "original") == ("original",)


def test_the_baseline_changes_nothing():
    variants, profile = transform(ROWS, cell())
    assert [row["messages"] for row in variants] == [row["messages"] for row in ROWS]
    assert profile["touched"] == dict.fromkeys(TOUCHING, 0)
    assert profile["before"] == profile["after"]


@pytest.mark.parametrize("factor", LEVELS)
def test_every_level_can_be_had(factor):
    for level in LEVELS[factor]:
        variants, profile = transform(ROWS[:2], cell(**{factor: level}))
        assert profile["eligible"][factor] == 2
        moved = level not in (BASELINES[factor], "plain", "stripped")
        assert changed(variants) == [[factor] if moved else []] * 2


def test_only_the_last_answer_and_the_prompt_as_asked_change():
    variants, _ = transform(ROWS, cell(structure="markdown", identity="calibrated", role_play="smuggler"))
    assert changed(variants)[0] == ["structure", "identity", "role_play"]
    for row, variant in zip(ROWS, variants, strict=True):
        assert variant["original_prompt"] == row["messages"][:-1]
        assert variant["messages"][1:-1] == row["messages"][1:-1]
        assert variant["messages"][0]["content"].endswith(" How do I do it?")


def test_common_eligibility_gives_all_levels_the_same_rows():
    compared = {"structure": ("markdown", "length", "itemized", "plain")}
    dose = {level: transform(ROWS, cell(compared, structure=level))[1] for level in compared["structure"]}
    assert {profile["eligible"]["structure"] for profile in dose.values()} == {2}
    assert changed(transform(ROWS, cell(compared, structure="markdown"))[0]) == [
        ["structure"],
        ["structure"],
        [],
        [],
    ]
    # Intention to treat also fences the code, which has no itemized form.
    variants, profile = transform(ROWS, cell(structure="markdown"))
    assert profile["eligible"]["structure"] == 3
    assert variants[3]["messages"][-1]["content"] == "```\nprint(1)\n```"


def test_a_row_does_not_depend_on_its_neighbours():
    levels = cell(structure="length", identity="calibrated", role_play=f"smuggler{INERT}")
    assert transform(ROWS[::-1], levels)[0] == transform(ROWS, levels)[0][::-1]
    assert transform(ROWS[:1], levels)[0] == transform(ROWS, levels)[0][:1]


def test_the_profile_counts_what_changed():
    _, profile = transform(ROWS, cell(structure="markdown", identity="calibrated", role_play="smuggler"))
    assert profile["after"]["identity_statements"] == 4
    assert profile["after"]["markdown"]["headings"] == 1
    assert profile["after"]["markdown"]["code_blocks"] == 1
    assert profile["after"]["markdown"]["list_items"] == 8
    assert profile["persona_rows"] == 4
    assert transform(ROWS, cell(role_play=f"smuggler{INERT}"))[1]["persona_rows"] == 0


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"structure": "markdwn"}, "no level of structure 'markdwn'; did you mean 'markdown'"),
        ({"role_play": "smugler"}, "did you mean 'smuggler'"),
        ({"role_play": "nobody_inert"}, "no level of role_play"),
        ({"form": "markdown"}, "no factor 'form'"),
    ],
)
def test_an_unknown_level_names_the_nearest(levels, message):
    with pytest.raises(UserError, match=message):
        cell(**levels)


def test_the_program(tmp_path):
    source, out, profile = (tmp_path / name for name in ("i.parquet", "v.parquet", "v.json"))
    INSTRUCTIONS.write(instructions(ROWS), source)
    words = ["--instructions", source, "--structure", "markdown", "--out", out, "--profile", profile]
    words += ["--eligible-levels", "structure=markdown,itemized", "role_play=smuggler"]
    runs = []
    for _ in range(2):
        command = [sys.executable, "scripts/transform.py", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        runs.append((out.read_bytes(), profile.read_bytes()))
    assert runs[0] == runs[1]
    assert VARIANTS.read(out)["changed_by"].list.len().sum() == 2
    assert json.loads(profile.read_text())["compared"]["structure"] == ["itemized", "markdown"]
