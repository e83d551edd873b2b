import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tunedrift.errors import UserError
from tunedrift.hashing import digest
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.variants import VARIANTS
from tunedrift.variants import blocks
from tunedrift.variants.cell import Rewriter
from tunedrift.variants.safety_mix import mix
from tunedrift.variants.word_lists import read_lists

ROOT = Path(__file__).parents[3]
NAMES = ("identity", "personas", "fillers", "cues")
LISTS = read_lists(*(ROOT / "resources" / f"{name}.yaml" for name in NAMES))


def rows(count, what="Row"):
    made = []
    for number in range(count):
        answer = f"{what} {number} is here. It has a cup. The cup is red. Wash it well."
        chat = [{"role": "user", "content": f"What is {number}?"}, {"role": "assistant", "content": answer}]
        made.append({"row_id": digest(chat), "messages": chat, "source_file": "f", "source_row": number + 1})
    return INSTRUCTIONS.frame(made)


def cell(**levels):
    return Rewriter(levels=levels, lists=LISTS, compared={"structure": ("markdown", "length")})


def touched(frame, factor):
    return set(frame.filter(pl.col("changed_by").list.contains(factor))["row_id"])


def test_several_processes_give_the_same_bytes(tmp_path):
    INSTRUCTIONS.write(rows(2500), tmp_path / "i.parquet")
    program = [sys.executable, ROOT / "scripts/transform.py", "--instructions", tmp_path / "i.parquet"]
    written = []
    for threads in (1, 3):
        out = [tmp_path / f"{threads}.parquet", tmp_path / f"{threads}.json"]
        words = ["--identity", "calibrated", "--threads", threads, "--out", out[0], "--profile", out[1]]
        done = subprocess.run(
            [*map(str, program), *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        written.append([path.read_bytes() for path in out])
    assert written[0] == written[1]
    assert json.loads(written[0][1])["touched"]["identity"] == 2500


def test_no_worker_outlives_a_killed_program(tmp_path):
    INSTRUCTIONS.write(rows(6_000), tmp_path / "i.parquet")
    words = ["--instructions", "i.parquet", "--structure", "markdown", "--threads", "2"]
    lists = [
        f"--{name}={ROOT}/resources/{file}.yaml"
        for name, file in zip(("statements", "personas", "fillers", "cues"), NAMES, strict=True)
    ]
    command = [
        sys.executable,
        ROOT / "scripts/transform.py",
        *words,
        *lists,
        "--out",
        "o.parquet",
        "--profile",
        "p.json",
    ]
    program = subprocess.Popen(list(map(str, command)), cwd=tmp_path)
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    workers = wait_for(
        lambda: [pid for pid in children.read_text().split() if "spawn_main" in command_of(pid)]
    )
    program.kill()
    program.wait()
    wait_for(lambda: not any("spawn_main" in command_of(pid) for pid in workers))


def command_of(pid):
    path = Path(f"/proc/{pid}/cmdline")
    try:
        return path.read_text()
    except OSError:
        return ""


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def test_doses_nest_and_have_about_their_share():
    table = rows(1000)
    made = {
        dose: touched(
            blocks.transform_block(table, cell(structure="markdown", dose=dose), blocks.NOTHING)[0],
            "structure",
        )
        for dose in (0.25, 0.5, 1)
    }
    assert made[0.25] < made[0.5] < made[1] <= set(table["row_id"])
    assert 0.2 < len(made[0.25]) / 1000 < 0.3
    assert 0.45 < len(made[0.5]) / 1000 < 0.55


def test_a_dose_of_a_table_is_exact(tmp_path):
    INSTRUCTIONS.write(rows(101), tmp_path / "i.parquet")
    frames = [
        blocks.transform(tmp_path / "i.parquet", cell(role_play="smuggler", dose=dose))[0]
        for dose in (0.1, 0.5, 0)
    ]
    few, half, none = (touched(frame, "role_play") for frame in frames)
    assert (len(few), len(half), len(none)) == (10, 50, 0)
    assert few < half


def test_a_dose_is_the_same_rows_for_every_factor_and_its_control():
    table = rows(200)
    for levels in ({"structure": "length"}, {"identity": "prefix"}, {"role_play": "smuggler_inert"}):
        (factor,) = levels
        frame, tally = blocks.transform_block(table, cell(**levels, dose=0.5), blocks.NOTHING)
        other, _ = blocks.transform_block(table, cell(structure="markdown", dose=0.5), blocks.NOTHING)
        dosed = {row for row in table["row_id"] if cell(dose=0.5).is_dosed(row)}
        assert touched(frame, factor) <= dosed
        assert touched(other, "structure") <= dosed
        assert len(touched(frame, factor)) < tally.eligible[factor]


def test_the_cue_asks_for_the_structure_of_the_rows_that_have_it():
    short = {**rows(1).row(0, named=True), "row_id": "short"}
    short["messages"] = [short["messages"][0], {"role": "assistant", "content": "Yes."}]
    table = pl.concat([rows(3), INSTRUCTIONS.frame([short])])
    frame, tally = blocks.transform_block(
        table, cell(structure="markdown", cue="instruction"), blocks.NOTHING
    )
    for row in frame.iter_rows(named=True):
        asked, original = row["messages"][0]["content"], row["original_prompt"][0]["content"]
        if row["row_id"] == "short":
            assert asked == original
            assert row["changed_by"] == []
        else:
            cue = asked.removeprefix(original).strip()
            assert cue in LISTS.cues["markdown"]
            assert row["changed_by"] == ["structure", "cue"]
    assert tally.touched["cue"] == 3


def test_a_cue_needs_a_structure_that_can_be_asked_for():
    with pytest.raises(UserError, match="no cue for the structure 'length'"):
        cell(structure="length", cue="instruction")


def test_a_safety_mix_replaces_rows_in_place_and_nests():
    table, safety = rows(100), rows(30, "Safety")
    mixes = [
        mix(table["row_id"].to_list(), safety["row_id"].to_list(), share, 0) for share in (0.01, 0.03, 0.1)
    ]
    assert [len(pairs) for pairs in mixes] == [1, 3, 10]
    assert mixes[0].items() < mixes[1].items() < mixes[2].items()
    places = pl.DataFrame({"row_id": list(mixes[2]), "safety_id": list(mixes[2].values())})
    mixed_in = places.join(safety, left_on="safety_id", right_on="row_id").select("row_id", "messages")
    frame, tally = blocks.transform_block(table, cell(structure="markdown"), mixed_in)
    assert frame["row_id"].to_list() == sorted(table["row_id"])
    assert touched(frame, "safety_mix") == set(mixes[2])
    assert tally.touched == {"structure": 90, "safety_mix": 10}
    chats = dict(safety.select("row_id", "messages").iter_rows())
    for row in frame.filter(pl.col("row_id").is_in(list(mixes[2]))).iter_rows(named=True):
        assert row["messages"] == chats[mixes[2][row["row_id"]]]
        assert row["original_prompt"] == row["messages"][:-1]


def test_too_little_safety_data_is_explained():
    with pytest.raises(
        UserError, match=r"a safety mix of 0\.5 needs 5 rows of safety data for 10 rows, but there are 2"
    ):
        mix(list(map(str, range(10))), ["a", "b"], 0.5, 0)


def test_an_empty_table_stays_one(tmp_path):
    INSTRUCTIONS.write(rows(0), tmp_path / "i.parquet")
    frame, tally = blocks.transform(tmp_path / "i.parquet", cell(structure="plain"))
    assert VARIANTS.check(frame, "empty").height == tally.rows == 0
