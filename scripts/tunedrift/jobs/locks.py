"""One writer at a time: a kernel lock that is held to the process's end, however it ends."""

import fcntl
import hashlib
import os
import sys
from pathlib import Path

LOCKS = Path("work/locks")


def hold(name: str, folder: Path = LOCKS) -> None:
    """Hold the lock called `name` until this process ends; waits, and says so, while another holds it.

    A workflow that was killed may leave a program behind that is still at work. Holding a lock on
    what it writes, the same program started again waits for it instead of writing beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
        print(f"waiting for process {holder}, which is at work on {name}", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
