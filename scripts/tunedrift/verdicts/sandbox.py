"""Running code that a model wrote: without network, within limits of time, memory, files and processes, and shut in.

What keeps it in are Linux's namespaces and resource limits, set up by `confined`. That holds programs that err: ones
that loop, fork, fill memory or disk, delete what they find or wait for a network. It is no boundary against an attacker
who knows a fault of the kernel, and one who knows this code could feign that the tests passed: for answers of models
that are suspected of either, judge in a virtual machine.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

from tunedrift.errors import UserError
from tunedrift.verdicts import confined, trial


@dataclass(frozen=True)
class Limits:
    """What one program with its tests may take: seconds, bytes, and numbers."""

    seconds: int = 5  # of a processor, for one process
    clock: int = 15  # seconds by the clock, for all
    memory: int = 512 * 2**20  # of one process
    file: int = 16 * 2**20  # the longest file
    disk: int = 32 * 2**20  # all files together
    files: int = 1000  # files and folders that exist
    open_files: int = 64
    processes: int = 16


LIMITS = Limits()

START = 60
"""Seconds by the clock in which a program must be confined and started, however busy the machine is."""


def run(code: str, tests: Sequence[str], limits: Limits = LIMITS) -> str:
    """How Python code fares with its tests, each a piece of Python that raises an exception where it fails.

    `passed` and `failed` (an exception in the code or a test), `timed_out`, or `crashed`: ended by a signal, by its own
    exit, or for want of memory, before the tests were through. Raises `UserError` where the machine cannot confine it.
    """
    check()
    return _run(code, tests, limits)


@cache
def check() -> None:
    """Raise `UserError` unless this machine can confine a program: a harmless one is tried, once a process."""
    found = _run("import socket", ["assert socket.socket"], LIMITS)
    if found != "passed":
        raise UserError(
            f"code that a model wrote cannot be run here: a harmless program {found} where it should have passed. "
            "Judge on another machine, or take the judge that runs tests out of the study."
        )


def _run(code: str, tests: Sequence[str], limits: Limits) -> str:
    if sys.platform != "linux":
        raise UserError(
            "code that a model wrote is run on Linux alone, whose namespaces keep it from the network. Judge there, or "
            "take the judge that runs tests out of the study."
        )
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    with tempfile.TemporaryDirectory() as root:
        arguments = {
            "limits": asdict(limits),
            "root": root,
            "python": [os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)],
            "words": [python, "-I", "-S", "-B", "trial.py"],
        }
        process = subprocess.Popen(
            [python, "-I", "-S", confined.__file__, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={},
            start_new_session=True,
        )
        task = json.dumps({"code": code, "tests": list(tests)}).encode()
        try:
            _, said = process.communicate(task, limits.clock + START)
        except subprocess.TimeoutExpired:
            return "timed_out"
        finally:
            if (
                process.poll() is None
            ):  # its group holds the first process of the set, with which all others end
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if said:
        raise UserError(
            "code that a model wrote is run without network, in namespaces of its own, which this machine does not "
            f"allow ({said.decode(errors='replace').strip().splitlines()[-1]}). Judge on one with Linux 5.12 or later "
            "where `unshare --user --net true` works, or take the judge that runs tests out of the study."
        )
    outcomes = {
        trial.PASSED: "passed",
        trial.FAILED: "failed",
        128 + signal.SIGXCPU: "timed_out",
        128 + signal.SIGALRM: "timed_out",
    }
    return outcomes.get(process.returncode, "crashed")
