"""Programs that a model could write, run in the sandbox: none outlives its trial, none touches what lies outside."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.verdicts import confined, sandbox

SHORT = sandbox.Limits(seconds=1, clock=2)
"""Of programs that never end."""

PROGRAMS = {
    "passes": ("def f(x):\n    return x + 1", ["assert f(1) == 2", "assert f(2) == 3"], "passed"),
    "fails one test": ("def f(x):\n    return x", ["assert f(1) == 1", "assert f(1) == 2"], "failed"),
    "raises": ("raise ValueError", [], "failed"),
    "is no Python": ("def f(:", [], "failed"),
    "defines a data class": (
        "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int",
        ["assert A(1).x == 1"],
        "passed",
    ),
    "would run as a program": ("if __name__ == '__main__':\n    input()", ["pass"], "passed"),
    "asks for input": ("input()", [], "failed"),
    "ends before its tests": ("import sys\nsys.exit(0)", ["assert False"], "crashed"),
    "ends at once": ("import os\nos._exit(0)", ["assert False"], "crashed"),
    "breaks the interpreter": ("import ctypes\nctypes.string_at(0)", [], "crashed"),
    "loops": ("while True:\n    pass", [], "timed_out"),
    "sleeps": ("import time\ntime.sleep(60)", [], "timed_out"),
    "fills the memory": ("x = []\nwhile True:\n    x.append(bytearray(2**24))", [], "crashed"),
    "forks without end": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        [],
        "timed_out",
    ),
    "prints without end": (
        "import sys\nfor _ in range(3000):\n    print('x' * 9999)\n    print('y' * 9999, file=sys.stderr)",
        [],
        "passed",
    ),
    "writes a large file": ("with open('a', 'wb') as f:\n    f.write(bytes(2**25))", [], "failed"),
    "fills the disk": ("for n in range(9):\n    open(str(n), 'wb').write(bytes(2**23))", [], "failed"),
    "makes many files": ("for n in range(2000):\n    open(str(n), 'w').close()", [], "failed"),
    "kills everything": ("import os\nos.kill(-1, 9)", ["pass"], "failed"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_in_one_way(name):
    code, tests, outcome = PROGRAMS[name]
    started = time.monotonic()
    assert sandbox.run(code, tests, SHORT if outcome == "timed_out" else sandbox.LIMITS) == outcome
    assert time.monotonic() - started < 30


def refused(what):
    return f"try:\n    {what}\nexcept OSError:\n    pass\nelse:\n    raise AssertionError('allowed')"


def test_processes_are_bounded_by_their_number():
    code = "import os, time\nmade = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            time.sleep(60)\n        made += 1\nexcept OSError:\n    pass"
    assert sandbox.run(code, [f"assert made < {sandbox.LIMITS.processes}, made"]) == "passed"


def test_there_is_no_network():
    tests = [refused(f"socket.create_connection(({host!r}, 53), 1)") for host in ("192.0.2.1", "127.0.0.1")]
    tests += ["assert [name for _, name in socket.if_nameindex()] == ['lo']"]
    assert (
        sandbox.run("import socket", [*tests, refused("socket.getaddrinfo('example.org', 80)")]) == "passed"
    )


def test_only_its_own_folder_can_be_seen_and_written(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("kept")
    tests = [
        refused(f"open({str(path)!r}, 'w')") for path in ("/new", "/usr/new", "/lib/new", "/etc/new", mine)
    ]
    tests += [refused(f"open({str(path)!r})") for path in ("/etc/passwd", "/proc/1/environ", mine)]
    tests += [
        refused(f"open({sys.base_prefix + '/new'!r}, 'w')"),
        "open('own', 'w').write('x')",
        "shutil.rmtree(os.path.dirname(os.__file__) + '/json', True)",
    ]
    assert sandbox.run("import os, shutil", tests) == "passed"
    assert mine.read_text() == "kept"
    assert Path(json.__file__).exists()


def test_the_environment_is_empty(monkeypatch):
    monkeypatch.setenv("SECRET", "word")
    tests = ["assert set(os.environ) <= {'LC_CTYPE'}, os.environ", "assert os.getuid() != 0"]
    assert sandbox.run("import os", tests) == "passed"


def test_a_child_in_a_session_of_its_own_ends_with_the_trial():
    mark = f"mark{os.getpid()}"
    code = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork():\n        os._exit(0)\n"
        f"    os.execv({os.path.realpath(sys.executable)!r}, ['python', '-c', 'import time; time.sleep(50)', {mark!r}])"
    )
    assert sandbox.run(code, ["time.sleep(0.3)"]) == "passed"
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [words for words in running if mark.encode() in words]


def test_no_folder_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    sandbox.run("open('a', 'w')", [])
    sandbox.run("while True: pass", [], SHORT)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_run_where_the_kernel_allows_no_namespaces(monkeypatch, tmp_path):
    source = Path(confined.__file__).read_text()
    without = tmp_path / "confined.py"
    without.write_text(source.replace('"network": 0x40000000', '"network": 0x1'))  # no such flag
    monkeypatch.setattr(sandbox.confined, "__file__", str(without))
    (tmp_path / "trial.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UserError, match=r"does not allow \(.*unshare: Invalid argument.*Linux 5\.12"):
        sandbox._run("pass", [], sandbox.LIMITS)
    assert not (tmp_path / "ran").exists()


def test_a_harmless_program_that_does_not_pass_stops_the_judge(monkeypatch):
    sandbox.check.cache_clear()
    monkeypatch.setattr(sandbox, "_run", lambda *_: "crashed")
    with pytest.raises(UserError, match="a harmless program crashed where it should have passed"):
        sandbox.run("pass", [])
    sandbox.check.cache_clear()


def test_a_program_ends_with_the_process_that_judges():
    mark = f"gone{os.getpid()}"
    words = f"import sys; sys.path.insert(0, {str(Path(sandbox.__file__).parents[2])!r})\nfrom tunedrift.verdicts import sandbox\n"
    words += f"print(flush=True); sandbox._run('import time\\ntime.sleep(9) # {mark}', [], sandbox.Limits())"
    judging = subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE)
    judging.stdout.readline()
    deadline = time.monotonic() + 20
    while not (started := trials_of(judging.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert started
    judging.kill()
    judging.wait()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


def trials_of(pid):
    """The processes below `pid`, all generations, once one of them is a trial."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(stat.rpartition(")")[2].split()[1])
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    found.discard(pid)
    try:
        commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in found]
    except OSError:
        return []
    return sorted(found) if any(b"\0trial.py" in command for command in commands) else []


def test_the_task_is_told_as_json_and_not_as_words():
    assert sandbox.run("x = '\ud800'", []) == "failed"
    assert sandbox.run("x = '''\"\\n'''", ["assert x == '\"\\n'"]) == "passed"
