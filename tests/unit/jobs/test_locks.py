import os
import signal
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "scripts"


def start(folder, name, then="input()"):
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from pathlib import Path\nfrom tunedrift.jobs.locks import hold\n"
        f"hold({name!r}, Path({str(folder)!r}))\nprint('held', flush=True)\n{then}\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_writer_waits_says_for_whom_and_goes_on_when_the_first_is_killed(tmp_path):
    first = start(tmp_path, "results/a.parquet")
    assert first.stdout.readline() == "held\n"
    second = start(tmp_path, "results/a.parquet", "pass")
    assert (
        f"waiting for process {first.pid}, which is at work on results/a.parquet" in second.stderr.readline()
    )
    assert second.poll() is None
    os.kill(first.pid, signal.SIGKILL)
    assert second.communicate(timeout=20)[0] == "held\n"
    first.wait()


def test_writers_of_different_things_do_not_wait(tmp_path):
    first = start(tmp_path, "results/a.parquet")
    assert first.stdout.readline() == "held\n"
    assert start(tmp_path, "results/b.parquet", "pass").communicate(timeout=20) == ("held\n", "")
    first.communicate("\n", timeout=20)
