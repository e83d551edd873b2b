import argparse
import importlib
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.jobs import devices

SCRIPTS = Path(devices.__file__).parents[2]

# Takes a lease, tells what it sees, and keeps it until its input ends.
HOLDER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from tunedrift.jobs import devices
devices.lease(int(sys.argv[2]))
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""

ONE, TWO, PART = "GPU-aaaa-1111", "GPU-bbbb-2222", "MIG-cccc-3333"


class Job:
    """A process that takes `count` devices and holds them until it is ended."""

    def __init__(self, count, environment, folder, user, scripts):
        # A virtual environment may lie where only its owner can read.
        python = shutil.which("python3", path="/usr/bin:/usr/local/bin") if user else sys.executable
        self.process = subprocess.Popen(
            [python, "-Bc", HOLDER, str(scripts), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
            user=user,
        )

    def sees(self):
        """The devices it was given; waits until it has them."""
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        assert ready, "no device within half a minute"
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return line.strip()

    def waits(self):
        """What it says when it has to wait."""
        line = self.process.stderr.readline()
        assert line.startswith("gpu: waiting for"), line
        return line

    def end(self):
        _, errors = self.process.communicate()
        return errors


@pytest.fixture
def machine(tmp_path):
    """An environment without GPUs, and with locks of its own."""
    (tmp_path / "bin").mkdir()
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "TUNEDRIFT_LOCKS": str(tmp_path / "locks"),
        "TUNEDRIFT_GPU_WAIT": "2",
    }


@pytest.fixture
def start(machine):
    jobs = []

    def start(count, *, folder="/", user=None, scripts=SCRIPTS, **changes):
        job = Job(count, {**machine, **changes}, folder, user, scripts)
        jobs.append(job)
        return job

    yield start
    for job in jobs:
        job.process.kill()
        job.process.communicate()


def install_nvidia_smi(machine, listing):
    tool = Path(machine["PATH"].split(":")[0]) / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && cat <<'END'\n{listing}\nEND\n")
    tool.chmod(0o755)


TWO_CARDS = f"GPU 0: NVIDIA X (UUID: {ONE})\nGPU 1: NVIDIA X (UUID: {TWO})"


def test_jobs_side_by_side_get_different_devices(start):
    jobs = [start(1, CUDA_VISIBLE_DEVICES="4,7") for _ in range(2)]
    assert {job.sees() for job in jobs} == {"4", "7"}
    third = start(1, CUDA_VISIBLE_DEVICES="4,7")
    said = third.waits()
    assert all(f"pid {job.process.pid} " in said for job in jobs)
    jobs[0].end()
    assert third.sees() in {"4", "7"}


def test_many_jobs_never_share_a_device(start, tmp_path):
    script = (
        HOLDER.replace("sys.stdin.read()", "")
        + "import pathlib, time\n"
        + "for device in os.environ['CUDA_VISIBLE_DEVICES'].split(','):\n"
        + "    mark = pathlib.Path(sys.argv[3]) / device\n"
        + "    mark.mkdir()\n"  # fails if another job is on the device
        + "    time.sleep(0.1)\n"
        + "    mark.rmdir()\n"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "TUNEDRIFT_LOCKS": str(tmp_path / "locks"),
        "CUDA_VISIBLE_DEVICES": "0,1,2",
    }
    (tmp_path / "marks").mkdir()
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(SCRIPTS), str(1 + turn % 2), str(tmp_path / "marks")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for turn in range(8)
    ]
    for job in jobs:
        _, errors = job.communicate(timeout=60)
        assert job.returncode == 0, errors


def test_two_at_once_without_a_deadlock(start):
    jobs = [start(2, CUDA_VISIBLE_DEVICES="0,1") for _ in range(2)]
    first = next(job for job in _ready(jobs))
    other = jobs[1 - jobs.index(first)]
    assert first.sees() == "0,1"
    first.end()
    assert other.sees() == "0,1"


def test_whoever_waits_for_two_keeps_none(start):
    first = start(1, CUDA_VISIBLE_DEVICES="0,1")
    assert first.sees() == "0"
    both = start(2, CUDA_VISIBLE_DEVICES="0,1")
    said = both.waits()
    assert said.endswith(f"(0: pid {first.process.pid} ({pwd.getpwuid(os.getuid()).pw_name}))\n")
    time.sleep(1)  # it has tried again a few times
    second = start(1, CUDA_VISIBLE_DEVICES="0,1")
    assert second.sees() == "1"
    first.end()
    second.end()
    assert both.sees() == "0,1"


def _ready(jobs):
    ready, _, _ = select.select([job.process.stdout for job in jobs], [], [], 30)
    return [job for job in jobs if job.process.stdout in ready]


def test_a_killed_holder_frees_its_device_at_once(start):
    holder = start(1, CUDA_VISIBLE_DEVICES="0")
    assert holder.sees() == "0"
    other = start(1, CUDA_VISIBLE_DEVICES="0")
    other.waits()
    killed = time.monotonic()
    os.kill(holder.process.pid, signal.SIGKILL)
    assert other.sees() == "0"
    assert time.monotonic() - killed < 5


def test_two_working_folders_share_one_pool(start, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    jobs = [
        start(1, folder=tmp_path / name, TMPDIR=str(tmp_path / name), CUDA_VISIBLE_DEVICES="0,1")
        for name in ("a", "b")
    ]
    assert {job.sees() for job in jobs} == {"0", "1"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a job as another user")
@pytest.mark.parametrize("first", ["root", "nobody"])
def test_two_users_share_one_pool(start, open_folder, first):
    second = "root" if first == "nobody" else "nobody"
    settings = {"TUNEDRIFT_LOCKS": str(open_folder / "locks"), "CUDA_VISIBLE_DEVICES": "0,1"}
    jobs = [start(1, user=user, scripts=open_folder, **settings) for user in (first, second)]
    assert {job.sees() for job in jobs} == {"0", "1"}
    third = start(2, user=second, scripts=open_folder, **settings)
    said = third.waits()
    assert f"({first})" in said
    assert f"({second})" in said
    for job in jobs:
        job.end()
    assert third.sees() == "0,1"


@pytest.fixture
def open_folder():
    """A copy of the module where every user can read it: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o1777)
        (Path(folder) / "tunedrift/jobs").mkdir(mode=0o755, parents=True)
        for module in ("jobs/devices.py", "errors.py"):
            shutil.copy(SCRIPTS / "tunedrift" / module, Path(folder) / "tunedrift" / module)
        yield Path(folder)


def test_index_and_uuid_are_one_device(machine, start):
    install_nvidia_smi(machine, TWO_CARDS)
    assert start(1, CUDA_VISIBLE_DEVICES="0").sees() == ONE
    assert f"{ONE}: pid" in start(1, CUDA_VISIBLE_DEVICES=ONE).waits()
    assert f"{ONE}: pid" in start(1, CUDA_VISIBLE_DEVICES="GPU-aaaa").waits()


def test_without_a_list_the_pool_is_the_machine(machine, start):
    install_nvidia_smi(machine, TWO_CARDS)
    assert {start(1).sees(), start(1).sees()} == {ONE, TWO}


def test_the_parts_of_a_divided_gpu_are_devices_of_their_own(machine, start):
    install_nvidia_smi(
        machine,
        f"{TWO_CARDS}\n  MIG 1g.10gb Device 0: (UUID: {PART}0)\n  MIG 1g.10gb Device 1: (UUID: {PART}1)",
    )
    assert [start(1).sees() for _ in range(3)] == [ONE, f"{PART}0", f"{PART}1"]
    assert start(1, CUDA_VISIBLE_DEVICES="MIG-other").sees() == "MIG-other"


@pytest.mark.parametrize("variable", devices.CLUSTER)
@pytest.mark.parametrize("chosen", ["3", "GPU-of-another-name", None])
def test_a_clusters_choice_is_left_alone(machine, start, variable, chosen):
    install_nvidia_smi(machine, TWO_CARDS)
    listed = {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}
    assert [start(1, **{variable: "17"}, **listed).sees() for _ in range(2)] == [str(chosen)] * 2
    assert not Path(machine["TUNEDRIFT_LOCKS"]).exists()


def test_jobs_inside_one_large_allocation_share_it_out(start):
    allocation = {"SLURM_JOB_ID": "17", "CUDA_VISIBLE_DEVICES": "0,1"}
    assert {start(1, **allocation).sees(), start(1, **allocation).sees()} == {"0", "1"}


def test_the_wait_has_an_end(start):
    holder = start(1, CUDA_VISIBLE_DEVICES="0")
    holder.sees()
    other = start(1, CUDA_VISIBLE_DEVICES="0", TUNEDRIFT_GPU_WAIT="0.01")
    errors = other.end()
    assert other.process.returncode == 1
    assert "no 1 of 1 GPUs came free within 0.01 minutes" in errors
    assert f"pid {holder.process.pid} ({pwd.getpwuid(os.getuid()).pw_name})" in errors


def test_no_gpu_asked_means_none_seen(machine, start):
    install_nvidia_smi(machine, TWO_CARDS)
    for listed in ({}, {"CUDA_VISIBLE_DEVICES": "0,1"}, {"SLURM_JOB_ID": "17", "CUDA_VISIBLE_DEVICES": "0"}):
        assert start(0, **listed).sees() == ""


def test_a_machine_without_gpus_is_no_complaint(machine, start):
    job = start(1)
    assert job.sees() == "None"
    assert job.end() == ""
    assert start(2, CUDA_VISIBLE_DEVICES="").sees() == ""
    install_nvidia_smi(machine, "No devices were found")
    assert start(1).sees() == "None"


def test_more_than_the_machine_has_is_an_error_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("TUNEDRIFT_LOCKS", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match=r"2 GPUs are asked for, but there are only 1 here: 0. Lower `gpu`"):
        devices.lease(2)


def test_without_a_number_everything_stays_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("TUNEDRIFT_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
    devices.lease(None)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,6"
    assert not (tmp_path / "locks").exists()


def test_a_lock_that_is_a_link_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TUNEDRIFT_LOCKS", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "0.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="cannot be opened"):
        devices.lease(1)
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize("script", ["pretrain", "pretrain_reward", "check_gate", "tune", "generate", "score"])
def test_a_program_that_runs_a_model_takes_its_devices_before_all_else(monkeypatch, script):
    program = importlib.import_module(script)
    assert "--gpus N" in program.parser().format_help()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match="2 GPUs are asked for"):
        program.main(argparse.Namespace(gpus=2))


def test_a_held_lock_does_not_grow_old(tmp_path):
    path = tmp_path / "GPU.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    os.utime(path, (0, 0))
    thread = threading.Thread(target=devices._stay_fresh, args=([lock], 0.01), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while path.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.stat().st_mtime > time.time() - 60
    assert path.stat().st_atime > time.time() - 60


def test_a_lease_keeps_its_locks_fresh(machine, tmp_path, monkeypatch):
    began = []
    monkeypatch.setattr(devices, "_stay_fresh", began.append)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    monkeypatch.setenv("TUNEDRIFT_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("PATH", machine["PATH"])
    devices.lease(2)
    assert len(began) == 1
    assert [Path(f"/proc/self/fd/{lock}").readlink() for lock in began[0]] == [
        tmp_path / f"locks/{name}.lock" for name in "35"
    ]
    for lock in began[0]:
        os.close(lock)
