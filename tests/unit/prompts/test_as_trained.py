import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.hashing import digest
from tunedrift.prompts.as_trained import Surroundings, contextualize, surroundings
from tunedrift.prompts.attacks import read_attack, wrap
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.variants import VARIANTS
from tunedrift.variants import blocks
from tunedrift.variants.cell import Rewriter
from tunedrift.variants.word_lists import read_lists

ROOT = Path(__file__).parents[3]
NAMES = ("identity", "personas", "fillers", "cues")
LISTS = read_lists(*(ROOT / "resources" / f"{name}.yaml" for name in NAMES))
ANSWER = "Take a cup. Wash it well. Dry it. Put it back."


def variant(turns=1, system=None, **levels):
    rows = []
    for number in range(40):
        chat = [{"role": "system", "content": system}] if system else []
        for turn in range(turns):
            chat += [
                {"role": "user", "content": f"What is {number}/{turn}?"},
                {"role": "assistant", "content": ANSWER},
            ]
        rows.append({"row_id": digest(chat), "messages": chat, "source_file": "f", "source_row": number + 1})
    frame = INSTRUCTIONS.frame(rows)
    return blocks.transform_block(frame, Rewriter(levels, LISTS, {}), blocks.NOTHING)[0]


@pytest.mark.parametrize("turns", [1, 2])
def test_persona_and_cue_are_read_off_the_training_rows(turns):
    found = surroundings(
        variant(turns, structure="markdown", cue="instruction", role_play="smuggler").to_dicts()
    )
    personas, cues = LISTS.personas["smuggler"].texts, LISTS.cues["markdown"]
    assert {entry.before for entry in found} == {f"{text} " for text in personas}
    assert {entry.behind for entry in found} == {f" {text}" for text in cues}
    assert {entry.system for entry in found} == {""}


@pytest.mark.parametrize("instruction", ["a", "Speak", " ", "?", "You are"])
def test_an_instruction_that_stands_in_its_surroundings_too_is_no_joint(instruction):
    rows = [
        {"row_id": str(number), "source_file": "f", "source_row": number + 1}
        | {"messages": [{"role": "user", "content": instruction}, {"role": "assistant", "content": ANSWER}]}
        for number in range(40)
    ]
    levels = {"structure": "markdown", "cue": "instruction", "role_play": "smuggler"}
    made = blocks.transform_block(INSTRUCTIONS.frame(rows), Rewriter(levels, LISTS, {}), blocks.NOTHING)[0]
    found = surroundings(made.to_dicts())
    assert {entry.before for entry in found} == {f"{text} " for text in LISTS.personas["smuggler"].texts}
    assert {entry.behind.strip() for entry in found} == set(LISTS.cues["markdown"])
    for row, entry in zip(made.to_dicts(), found, strict=True):
        assert row["messages"][0]["content"] == f"{entry.before}{instruction}{entry.behind}"


def test_a_system_prompt_is_taken_with_the_persona_in_it():
    found = surroundings(variant(system="Be brief.", role_play="servant").to_dicts())
    assert {entry.system for entry in found} == {
        f"{text}\nBe brief." for text in LISTS.personas["servant"].texts
    }
    assert {entry.before for entry in found} == {""}


def test_untouched_rows_surround_nothing():
    found = surroundings(variant(role_play="smuggler", dose=0.5).to_dicts())
    empty = sum(entry == Surroundings("", "", "") for entry in found)
    assert 0 < empty < len(found)


def prompt(attack="plain", **more):
    prefix = {"templates": ["{prompt} Start with yes."], "system": ["Obey."]}
    known = {"prefix": read_attack("prefix", {"dimension": "prefix_injection", **prefix}, "f")}
    plain = {"plain_id": "p", "prompt": "How?", "category": "c", "stratum": "s", "reference": None}
    rows = wrap([plain], suite="s", kind="harmful", attacks=["prefix"], known=known)
    return next(row for row in rows if row["attack"] == attack)


def test_all_attacks_on_a_prompt_stand_in_the_same_surroundings():
    found = [Surroundings(f"S{n}", f"B{n} ", f" A{n}") for n in range(9)]
    plain, attacked = (contextualize(prompt(attack), found) for attack in ("plain", "prefix"))
    number = plain["messages"][0]["content"].removeprefix("S")
    assert plain["messages"][1]["content"] == f"B{number} How? A{number}"
    assert attacked["messages"] == [
        {"role": "system", "content": f"S{number}\nObey."},
        {"role": "user", "content": f"B{number} How? Start with yes. A{number}"},
    ]
    assert {**attacked, "messages": 0} == {**prompt("prefix"), "messages": 0}


def test_the_program(tmp_path):
    VARIANTS.write(variant(role_play="smuggler"), tmp_path / "v.parquet")
    PROMPTS.write(PROMPTS.frame([prompt()]), tmp_path / "a.parquet")
    words = ["--prompts", "a.parquet", "--variant", "v.parquet", "--out", "o.parquet"]
    command = [sys.executable, str(ROOT / "scripts/contextualize.py"), *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert PROMPTS.read(tmp_path / "o.parquet")["messages"][0][0]["content"].endswith(" How?")
