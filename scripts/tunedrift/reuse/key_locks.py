"""A key in use: a kernel lock on a file in its folder, shared by all who use it and taken alone by who removes it.

The lock is held until the process ends, however it ends. A folder may be removed at any moment, so a lock counts
only if its file still lies where it was opened.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar

LOCK = "lock"
CLAIM = "claim"

TRIES = 1000
"""How often a folder that is removed while it is made is made again."""

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)

Made = TypeVar("Made")


def insist(make: Callable[[], Made]) -> Made:
    """What `make` returns, tried again as long as somebody removes the folders that it makes."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError, FileExistsError):
            return make()
    return make()


def share(folder: Path) -> IO[bytes] | None:
    """Make a key's folder and hold its lock beside others, until what is returned is closed.

    Waits for the moment that a collector is at work there. None where nobody can lock: the file system has no
    locks, or the folder is somebody else's and has none.
    """

    def lock() -> IO[bytes] | None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file: IO[bytes] = (folder / LOCK).open("ab")
        except OSError as error:
            if error.errno not in NOT_OURS:
                raise
            if not (folder / LOCK).exists():
                return None
            file = (folder / LOCK).open("rb")
        try:
            fcntl.flock(file, fcntl.LOCK_SH)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return None
        if not holds(file, folder):
            raise FileNotFoundError(folder / LOCK)  # removed before it was locked
        return file

    return insist(lock)


def claim(folder: Path, wait: bool) -> IO[bytes] | None:
    """Hold a key's claim, which one process has at a time, until what is returned is closed.

    Raises `BlockingIOError` where another has it and `wait` is false. None where nobody can lock: then all claims are
    had.
    """
    try:
        file: IO[bytes] = (folder / CLAIM).open("ab")
    except OSError as error:
        if error.errno not in NOT_OURS:
            raise
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        raise
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return file


def holds(lock: IO[bytes], folder: Path) -> bool:
    """Whether a lock is that of the folder that lies there now."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat())
    except OSError:
        return False


@contextmanager
def alone(folder: Path, *, look: bool = False) -> Iterator[bool]:
    """Whether nobody uses the key in a folder; if so, nobody can begin to before the block ends.

    With `look` no lock is made where there is none. A folder that is not there is used by nobody.
    """
    try:
        lock = (folder / LOCK).open("rb" if look else "ab")
    except FileNotFoundError:
        yield True
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = holds(lock, folder)
        except OSError:
            free = False  # in use, or on a file system where nobody can tell
        yield free
