import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.hashing import text_key
from tunedrift.reuse.garbage import collect_garbage
from tunedrift.reuse.store import Store, read_shard

INGREDIENTS = {"model": "abc", "versions": {"torch": "2.13.0"}}


def open_store(root, **changes):
    return Store(root, "generate", {**INGREDIENTS, **changes})


def test_what_one_process_computes_the_next_knows(tmp_path):
    first = open_store(tmp_path)
    first["a"] = {"text": "grüße\n"}
    second = open_store(tmp_path)
    assert "a" in second
    assert second["a"] == {"text": "grüße\n"}
    assert (first.computed, second.computed) == (1, 0)


@pytest.mark.parametrize("change", [{"model": "abd"}, {"versions": {"torch": "2.14.0"}}, {"more": 1}])
def test_another_ingredient_is_another_key(tmp_path, change):
    open_store(tmp_path)["a"] = 1
    assert "a" not in open_store(tmp_path, **change)


def test_two_processes_write_side_by_side(tmp_path):
    one, two = open_store(tmp_path), open_store(tmp_path)
    for number in range(100):
        (one if number % 2 else two)[str(number)] = number
    both = open_store(tmp_path)
    assert [both[str(number)] for number in range(100)] == list(range(100))
    assert len(list((tmp_path / one.key).glob("*.jsonl"))) == 2


def test_a_killed_process_loses_nothing_that_it_finished(tmp_path):
    scripts = Path(__file__).parents[3] / "scripts"
    code = (
        f"import sys; sys.path.insert(0, {str(scripts)!r})\n"
        "from tunedrift.reuse.store import Store\n"
        f"store = Store({str(tmp_path)!r}, 'generate', {INGREDIENTS!r})\n"
        "for number in range(10**9):\n"
        "    store[str(number)] = 'x' * 50\n"
        "    if number == 500: print('ready', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    store = open_store(tmp_path)
    assert all(str(number) in store for number in range(501))


def test_damaged_lines_are_dropped_with_a_word_and_the_rest_is_kept(tmp_path, capsys):
    store = open_store(tmp_path)
    for row in "abc":
        store[row] = {"text": row}
    (shard,) = (tmp_path / store.key).glob("*.jsonl")
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(lines[0] + lines[1].replace(b"b", b"q") + lines[2][:-9] + b"\x00\xff\n")
    assert read_shard(shard) == {"a": {"text": "a"}}
    assert "damaged line(s)" in capsys.readouterr().err
    again = open_store(tmp_path)
    assert "a" in again
    assert "b" not in again
    assert "q" not in again


def test_a_shard_of_noise_is_no_error(tmp_path):
    (tmp_path / "noise.jsonl").write_bytes(bytes(range(256)) * 20)
    assert read_shard(tmp_path / "noise.jsonl") == {}


def test_without_a_root_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store(None, "generate", INGREDIENTS)
    store["a"] = 1
    store.used_for("out.parquet")
    assert store["a"] == 1
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_store_starts_anew(tmp_path):
    import shutil

    open_store(tmp_path / "store")["a"] = 1
    shutil.rmtree(tmp_path / "store")
    assert "a" not in open_store(tmp_path / "store")


def test_garbage_is_what_no_existing_output_was_made_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "store"
    keys = {}
    for name in ("kept", "replaced", "gone", "unused"):
        store = open_store(root, model=name)
        store["a"] = 1
        keys[name] = store.key
        if name != "unused":
            store.used_for({"replaced": "kept.parquet"}.get(name, f"{name}.parquet"))
        del store  # a key that is open is in use
    note = next(path for path in (root / "uses").iterdir() if keys["replaced"] in path.read_text())
    os.utime(note, (1, 1))  # an older code made this output first
    Path("kept.parquet").touch()
    expected = sorted(keys[name] for name in ("replaced", "gone", "unused"))
    assert sorted(collect_garbage(root, dry_run=True)[0]) == expected
    assert (root / keys["gone"]).exists()
    removed, freed = collect_garbage(root)
    assert sorted(removed) == expected
    assert freed > 0
    assert [path.parent.name for path in root.glob("*/*/key.json")] == [keys["kept"].split("/")[1]]
    assert collect_garbage(root) == ([], 0)


def test_a_key_says_what_it_is_made_of(tmp_path):
    store = open_store(tmp_path)
    assert json.loads((tmp_path / store.key / "key.json").read_text()) == INGREDIENTS


def test_a_row_is_named_by_its_text_alone():
    assert text_key("a", "b") == text_key("a", "b") != text_key("ab", "")
