"""GPU leases: jobs that run side by side on one machine never share a device.

Snakemake counts GPUs but hands none out. A lease is a kernel lock (flock) on one file per device, in a
folder that all users of the machine share. The process holds it until it ends, however it ends: even a
job killed by SIGKILL frees its devices at once. Programs that take no lease are not seen.

Standard library only: a lease must be taken before torch looks for devices.
"""

import argparse
import contextlib
import fcntl
import os
import pwd
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from tunedrift.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
CLUSTER = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID")
"""Variables by which a job knows that a cluster has chosen its devices."""

FOLDER = "/tmp/tunedrift-gpus"
"""On the node itself, and no matter what TMPDIR a user has: locks in two folders would protect nothing."""

PATIENCE = 24 * 60
"""Minutes to wait for a device."""

FRESHENED = 3600.0
"""Seconds after which a held lock's times are renewed; cleaners of temporary files wait for a day at least."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--gpus` to a command line."""
    parser.add_argument(
        "--gpus",
        type=int,
        metavar="N",
        help="GPUs to take for this job alone, waiting until they are free; 0 hides them all "
        "(default: whatever torch sees)",
    )


def lease(count: int | None) -> None:
    """Take `count` devices and make them the only visible ones; None leaves everything as it is.

    The pool is what `CUDA_VISIBLE_DEVICES` lists, else every device of the machine. An empty pool
    means that the job runs on the CPU. Inside a cluster's job devices are only shared out if the
    cluster gave more than `count`. `TUNEDRIFT_LOCKS` names another folder for the locks,
    `TUNEDRIFT_GPU_WAIT` the minutes to wait. Raises `UserError` if the pool is smaller than
    `count`, or if the wait is over.
    """
    if count is None:
        return
    if count == 0:
        os.environ[VISIBLE] = ""
        return
    in_cluster = any(variable in os.environ for variable in CLUSTER)
    if in_cluster and VISIBLE not in os.environ:
        return
    devices = pool()
    if not devices or (in_cluster and len(devices) <= count):
        return
    if len(devices) < count:
        raise UserError(
            f"{count} GPUs are asked for, but there are only {len(devices)} here: {', '.join(devices)}. "
            f"Lower `gpu` of the model in the study, or list more devices in {VISIBLE}."
        )
    taken = _wait_for(devices, count)
    os.environ[VISIBLE] = ",".join(taken)
    _say(f"took {', '.join(taken)}")


def pool() -> list[str]:
    """The devices that this process may use, by UUID where nvidia-smi tells them, else as they are listed."""
    machine = _machine()
    known = [device for devices in machine.values() for device in devices]
    if VISIBLE not in os.environ:
        return known
    devices = []
    for listed in os.environ[VISIBLE].split(","):
        entry = listed.strip()
        if not re.match(r"\d|GPU-|MIG-", entry):
            break  # as CUDA does: -1 and words end the list
        # UUIDs may be cut short. Two spellings of one device must be one lock.
        matching = machine.get(entry) or [device for device in known if device.startswith(entry)]
        devices.append(matching[0] if matching else entry)
    return list(dict.fromkeys(devices))


def _machine() -> dict[str, list[str]]:
    """Index → UUID of each GPU, or the UUIDs of its MIG instances; empty without nvidia-smi."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    machine: dict[str, list[str]] = {}
    parts: dict[str, list[str]] = {}
    index = ""
    for line in done.stdout.splitlines():
        if match := re.match(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)", line):
            index = match[1]
            machine[index] = [match[2]]
        elif match := re.search(r"\(UUID: (MIG-[^)]+)\)", line):
            parts.setdefault(index, []).append(match[1])
    return {**machine, **parts}


def _wait_for(devices: list[str], count: int) -> list[str]:
    """Lock `count` of the devices, all of them or none at a time; returns their names."""
    folder = Path(os.environ.get("TUNEDRIFT_LOCKS") or FOLDER)
    limit = 60 * float(os.environ.get("TUNEDRIFT_GPU_WAIT") or PATIENCE)
    begun = time.monotonic()
    reminder = 0.0
    jitter = random.Random()  # not the generator that results are drawn from
    while True:
        locks: dict[str, int] = {}
        for device in devices:
            if len(locks) < count and (lock := _lock(_file(folder, device))) is not None:
                locks[device] = lock
        if len(locks) == count:
            for lock in locks.values():
                os.truncate(lock, 0)
                os.pwrite(lock, f"pid {os.getpid()} ({_user()})".encode(), 0)
            threading.Thread(target=_stay_fresh, args=(list(locks.values()),), daemon=True).start()
            return list(locks)  # the files stay open, and locked, until the process ends
        # Whoever keeps a part while waiting for the rest may wait for ever.
        for lock in locks.values():
            os.close(lock)
        waited = time.monotonic() - begun
        if waited >= reminder or waited >= limit:
            busy = [device for device in devices if device not in locks]
            holders = "; ".join(f"{device}: {_holder(_file(folder, device))}" for device in busy)
            if waited >= limit:
                raise UserError(
                    f"no {count} of {len(devices)} GPUs came free within {limit / 60:g} minutes ({holders}). "
                    "End the jobs that hold them, or wait longer: TUNEDRIFT_GPU_WAIT=<minutes>."
                )
            _say(f"waiting for {count} of {len(devices)} GPUs since {waited / 60:.0f} min ({holders})")
            reminder = max(60.0, 2 * waited)
        time.sleep(min(jitter.uniform(0.1, 0.5), max(0.0, limit - waited)))


def _stay_fresh(locks: list[int], every: float = FRESHENED) -> None:
    """Renew the times of held locks as long as the process lives.

    A cleaner of temporary files removes what has not been used for days; whoever came after it would make a new file
    of the same name, lock that, and share the device.
    """
    while True:
        for lock in locks:
            os.utime(lock)
        time.sleep(every)


def _file(folder: Path, device: str) -> Path:
    return folder / f"{device.replace('/', '_')}.lock"


def _lock(path: Path) -> int | None:
    """An open file that holds the exclusive lock, or None if another process holds it."""
    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == path.stat().st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    # Held, or swept away between opening and locking, where it would protect nothing.
    os.close(lock)
    return None


def _open(path: Path) -> int:
    """Open a lock file, made with its folder if need be, so that every user can use both."""
    mask = os.umask(0)
    try:
        path.parent.mkdir(mode=0o1777, parents=True, exist_ok=True)
        # In a sticky folder Linux refuses O_CREAT for a file of another user (fs.protected_regular),
        # so it is opened first and only created if it is not there.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise UserError(
            f"{path}: the lock of a GPU cannot be opened ({error.strerror}). Delete {path.parent} when no job "
            "runs, or name another folder on this machine: TUNEDRIFT_LOCKS=<folder>."
        ) from error
    finally:
        os.umask(mask)


def _holder(path: Path) -> str:
    """What the holder of a lock wrote into it."""
    try:
        return path.read_text(encoding="utf-8") or "holder unknown"
    except OSError:
        return "holder unknown"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _say(text: str) -> None:
    print(f"gpu: {text}", file=sys.stderr, flush=True)
