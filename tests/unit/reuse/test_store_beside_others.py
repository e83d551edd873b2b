"""The store beside other processes: deleted, collected and written to while it is open."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.reuse.garbage import collect_garbage, remove
from tunedrift.reuse.key_locks import alone
from tunedrift.reuse.store import Store

SCRIPTS = Path(__file__).parents[3] / "scripts"


def start(code, *arguments):
    """A process that runs `code` with `open_store` at hand and says what it does on its stdout."""
    head = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from pathlib import Path\n"
        "from tunedrift.reuse.garbage import collect_garbage\n"
        "from tunedrift.reuse.store import Store\n"
        "def open_store(root, model='m'): return Store(root, 'generate', {'model': model})\n"
    )
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out, err


def open_store(root, model="m"):
    return Store(root, "generate", {"model": model})


WRITER = """
store = open_store(sys.argv[1])
for number in range(5): store[f'before{number}'] = number
print('open', flush=True)
sys.stdin.readline()
for number in range(5): store[f'after{number}'] = number
Path(sys.argv[2]).touch()
store.used_for(sys.argv[2])
print(sum(store[f'{when}{number}'] for when in ('before', 'after') for number in range(5)))
"""


@pytest.mark.parametrize("written", ["", "for number in range(5): store[f'before{number}'] = number"])
def test_a_store_that_is_deleted_while_open_starts_anew(tmp_path, written):
    root = tmp_path / "store"
    code = WRITER.replace("for number in range(5): store[f'before{number}'] = number", written or "pass")
    code = code if written else code.replace("('before', 'after')", "('after',)")
    writer = start(code, root, tmp_path / "out")
    assert writer.stdout.readline() == "open\n"
    shutil.rmtree(root)
    out, err = finish(writer)
    assert (out, err) == (f"{20 if written else 10}\n", "")
    again = open_store(root)
    assert [again[f"after{number}"] for number in range(5)] == list(range(5))
    assert "before0" not in again
    assert json.loads((root / again.key / "key.json").read_text()) == {"model": "m"}
    del again
    assert collect_garbage(root) == ([], 0)


def test_a_store_that_is_deleted_again_and_again_stops_nobody(tmp_path):
    code = (
        "for number in range(300):\n"
        "    store = open_store(sys.argv[1])\n"
        "    store[str(number)] = number\n"
        "    store.used_for('out')\n"
    )
    writers = [start(code, tmp_path / "store") for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        time.sleep(0.001)
    for writer in writers:
        assert finish(writer) == ("", "")


def test_a_store_that_was_deleted_while_open_is_still_in_use(tmp_path):
    store = open_store(tmp_path / "store")
    store["before"] = 1
    shutil.rmtree(tmp_path / "store")
    store["after"] = 2
    assert collect_garbage(tmp_path / "store") == ([], 0)
    assert "after" in open_store(tmp_path / "store")


def test_a_key_in_use_is_not_collected(tmp_path):
    root = tmp_path / "store"
    writer = start(WRITER, root, tmp_path / "out")
    assert writer.stdout.readline() == "open\n"
    unused = open_store(root, "unused").key
    for dry_run in (True, False):
        assert collect_garbage(root, dry_run)[0] == [unused]
    assert finish(writer) == ("20\n", "")
    assert collect_garbage(root) == ([], 0)
    again = open_store(root)
    assert all(f"{when}{number}" in again for when in ("before", "after") for number in range(5))


def test_a_process_that_waits_for_a_collector_uses_what_is_there_afterwards(tmp_path):
    root = tmp_path / "store"
    folder = root / open_store(root).key
    with alone(folder) as free:
        assert free
        reader = start(
            "store = open_store(sys.argv[1]); print('open', flush=True); sys.stdin.readline()", root
        )
        time.sleep(1)  # by now it waits for the lock of a folder that is about to go
        remove(folder)
    assert reader.stdout.readline() == "open\n"
    assert collect_garbage(root) == ([], 0)
    assert finish(reader) == ("", "")


def test_a_key_is_removed_behind_its_lock(tmp_path, monkeypatch):
    open_store(tmp_path)["a"] = 1
    unlink, removed = Path.unlink, []

    def noted(path, **options):
        removed.append(path.name)
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", noted)
    remove(folder := tmp_path / open_store(tmp_path).key)
    assert (len(removed), removed[-1], folder.exists()) == (3, "lock", False)


def test_a_folder_that_came_into_use_while_it_was_locked_is_left_alone(tmp_path, monkeypatch):
    folder = tmp_path / open_store(tmp_path).key
    flock, users = fcntl.flock, []

    def late(lock, how):
        if not users:
            users.append(None)
            shutil.rmtree(folder)
            users.append(open_store(tmp_path))
        flock(lock, how)

    monkeypatch.setattr("fcntl.flock", late)
    assert collect_garbage(tmp_path) == ([], 0)
    assert folder.exists()


def test_a_killed_process_holds_nothing(tmp_path):
    writer = start(WRITER, tmp_path / "store", tmp_path / "out")
    assert writer.stdout.readline() == "open\n"
    writer.kill()
    writer.wait()
    assert len(collect_garbage(tmp_path / "store")[0]) == 1


def test_collecting_beside_live_writers_crashes_nobody_and_loses_no_row(tmp_path):
    code = (
        "root, name = sys.argv[1:]\n"
        "for number in range(150):\n"
        "    key = number % 5\n"
        "    store = open_store(root, f'{name}{key}')\n"
        "    lost = [row for row in range(key, number, 5) if Path(f'{root}.{name}{key}').exists() and str(row) not in store]\n"
        "    assert not lost, lost\n"
        "    Path(f'{root}.{name}{key}').unlink(missing_ok=True)\n"
        "    store[str(number)] = number\n"
        "    passing = open_store(root, f'{name}-{number}')\n"
        "    passing['row'] = 1\n"
        "    Path(f'{root}.{name}{key}').touch()\n"
        "    store.used_for(f'{root}.{name}{key}')\n"
    )
    collect = "while not Path(sys.argv[2]).exists(): collect_garbage(Path(sys.argv[1]))\n"
    root = tmp_path / "store"
    root.mkdir()
    collectors = [start(collect, root, tmp_path / "done") for _ in range(2)]
    writers = [start(code, root, name) for name in ("a", "b")]
    for writer in writers:
        assert finish(writer) == ("", "")
    (tmp_path / "done").touch()
    for collector in collectors:
        assert finish(collector) == ("", "")
    collect_garbage(root)
    for name in ("a", "b"):
        for key in range(5):
            store = open_store(root, f"{name}{key}")
            assert all(str(row) in store for row in range(key, 150, 5))
    assert len(list(root.glob("*/*/key.json"))) == 10


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_two_values_that_of_the_first_process_is_taken(tmp_path, capsys, monkeypatch, names):
    first, second = open_store(tmp_path), open_store(tmp_path)
    for store, host, value in ((first, names[0], 0.25), (second, names[1], 0.5)):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        store["same"] = 1
        store["row"] = value
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert open_store(tmp_path)["row"] == 0.25
        said = capsys.readouterr().err
        assert said.startswith(
            f"store: 1 row(s) of {first.key} have two values, such as row; the one computed by"
        )
    assert (first["row"], second["row"]) == (0.25, 0.5)


def test_outputs_are_found_from_any_working_folder_and_after_a_move(tmp_path, monkeypatch):
    project = tmp_path / "project"
    (project / "results").mkdir(parents=True)
    monkeypatch.chdir(project)
    for output in ("results/a.parquet", str(project / "results/b.parquet")):
        Path(output).touch()
        store = Store("work/store", "generate", {"made": output})
        store["a"] = 1
        store.used_for(output)
        del store
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert collect_garbage(project / "work/store") == ([], 0)
    assert collect_garbage(Path("../project/work/store")) == ([], 0)
    shutil.move(project, tmp_path / "moved")
    assert collect_garbage(tmp_path / "moved/work/store") == ([], 0)
    (tmp_path / "moved/results/a.parquet").unlink()
    assert len(collect_garbage(tmp_path / "moved/work/store")[0]) == 1


def test_notes_of_an_earlier_form_count(tmp_path, monkeypatch):
    root = tmp_path / "project/work/store"
    keys = {}
    for output in ("results/kept", "results/gone"):
        store = open_store(root, output)
        store["a"] = 1
        keys[output] = store.key
        (root / "uses").mkdir(exist_ok=True)
        note = {"output": output, "key": store.key}
        (root / f"uses/{output.split('/')[1]}.json").write_text(json.dumps(note))
        del store
    (tmp_path / "project/results").mkdir()
    (tmp_path / "project/results/kept").touch()
    monkeypatch.chdir(tmp_path)
    assert collect_garbage(root)[0] == [keys["results/gone"]]
    again = open_store(root, "results/kept")
    assert again["a"] == 1


def test_a_store_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no store .*nowhere. Name its folder with --store"):
        collect_garbage(tmp_path / "nowhere")


def test_folders_that_are_no_keys_are_left_alone(tmp_path):
    (tmp_path / "resources/prompts").mkdir(parents=True)
    (tmp_path / "resources/prompts/a.jsonl").touch()
    left = tmp_path / "generate" / ("0" * 32)  # of a process that was killed before it had named its key
    left.mkdir(parents=True)
    assert collect_garbage(tmp_path)[0] == [f"generate/{'0' * 32}"]
    assert (tmp_path / "resources/prompts/a.jsonl").exists()
    assert not left.exists()


def test_a_note_that_is_removed_meanwhile_stops_no_collection(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    store.used_for(tmp_path / "out")
    (tmp_path / "uses/link.json").symlink_to(tmp_path / "nothing")
    assert collect_garbage(tmp_path) == ([], 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"score": float("-inf")}])
def test_what_is_no_number_is_not_kept(tmp_path, value):
    store = open_store(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store["row"] = value
    assert "row" not in store
    assert "row" not in open_store(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_can_only_be_read_is_read(tmp_path):
    open_store(tmp_path)["a"] = 1
    folder = tmp_path / open_store(tmp_path).key
    (folder / "lock").unlink()
    folder.chmod(0o555)
    assert open_store(tmp_path)["a"] == 1
    folder.chmod(0o755)


CLAIMER = """
store = open_store(sys.argv[1])
store.claim(wait=True)
print('open', flush=True)
sys.stdin.readline()
store['a'] = 1
"""


def test_a_claimed_key_is_waited_for_and_then_known(tmp_path):
    other = start(CLAIMER, tmp_path)
    assert other.stdout.readline() == "open\n"
    store = open_store(tmp_path)
    assert not store.claim(wait=False)
    assert open_store(tmp_path, model="n").claim(wait=False)
    assert "a" not in store
    other.stdin.write("\n")
    other.stdin.flush()
    assert store.claim(wait=True)
    finish(other)
    assert "a" in store
    assert store.computed == 0
    assert not open_store(tmp_path).claim(wait=False)
    store.release()
    assert open_store(tmp_path).claim(wait=False)
