"""Started by `sandbox` as a program of its own: shuts itself in, then runs a command.

`python -I -S confined.py ARGUMENTS`: ARGUMENTS are those of `main`, as JSON; what stands on the standard input becomes the
file `task.json` in the command's folder, beside a copy of `trial.py`. The exit status is that of the command, 128 + n
where signal n ended it. A sentence on standard error says what could not be set up; then nothing was run.

Namespaces (man 7 namespaces) keep the command from the network, from other processes and from all files but the system's
libraries and Python's own, which it can only read; its folder lies in memory and ends with it. Every process that it
starts ends with it too. Nothing of tunedrift is imported: Python is started without its paths.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

NEW = {
    "mounts": 0x00020000,
    "ipc": 0x08000000,
    "users": 0x10000000,
    "processes": 0x20000000,
    "network": 0x40000000,
}
"""Flags of unshare(2), from linux/sched.h."""

MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 0x1000, 0x4000, 0x40000, 0x2, 0x4
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 0x1
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

NOBODY = 65534
"""The user that root becomes: the kernel does not count root's processes."""

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64")
"""Where the libraries lie that Python is linked with."""

FOLDER = "/work"
"""The command's folder, as it sees it."""

LIBC = ctypes.CDLL(None, use_errno=True)


def call(what: str, name: str, *values: object) -> None:
    """Call a function of the C library; raises `OSError`, saying `what` failed, where it gives -1."""
    if getattr(LIBC, name)(*values) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def enter_namespaces() -> None:
    """Leave the machine's network, processes, files and shared memory; root can without another set of users."""
    user, group = os.getuid(), os.getgid()
    flags = sum(NEW.values()) - (NEW["users"] if user == 0 else 0)
    call("unshare", "unshare", flags)
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def shut_in(root: Path, python: list[str], disk: int, files: int) -> None:
    """Make `root` the root of all files: the system's and Python's to read, and an empty folder of `disk` bytes."""
    call("mount / private", "mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    in_memory(root, "mode=755")
    for path in map(Path, dict.fromkeys((*SYSTEM, *python))):
        inside = root / path.relative_to("/")
        if path.is_symlink():
            inside.symlink_to(path.readlink())
        elif path.is_dir() and not any(Path(of) in path.parents for of in SYSTEM):
            inside.mkdir(parents=True)
            call(f"mount {path}", "mount", bytes(path), bytes(inside), None, MS_BIND | MS_REC, None)
    folder = root / FOLDER.strip("/")
    folder.mkdir()
    read_only = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
    call(
        "mount to read alone",
        *("syscall", MOUNT_SETATTR, AT_FDCWD, bytes(root), AT_RECURSIVE),
        *(ctypes.byref(read_only), ctypes.sizeof(read_only)),
    )
    in_memory(folder, f"mode=777,size={disk},nr_inodes={files}")
    (folder / "task.json").write_bytes(sys.stdin.buffer.read())
    shutil.copyfile(Path(__file__).with_name("trial.py"), folder / "trial.py")
    os.chroot(root)
    os.chdir(FOLDER)


def in_memory(folder: Path, options: str) -> None:
    """Mount a file system that lies in memory; its last process takes it along."""
    call(
        f"mount {folder} in memory",
        *("mount", b"none", bytes(folder), b"tmpfs", MS_NOSUID | MS_NODEV, options.encode()),
    )


def limit(limits: dict[str, int]) -> None:
    """Bound what one process may take; the kernel holds all of the user's processes in here to `processes`."""
    for name, value in (
        (resource.RLIMIT_CPU, limits["seconds"]),
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_DATA, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["file"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value + 1 if name == resource.RLIMIT_CPU else value))


def command(words: list[str], limits: dict[str, int], nowhere: int) -> None:
    """Become the command, as an ordinary user without an environment; what it prints goes `nowhere`, an open file.

    Standard error as it was is closed by the very start of the command, which so cannot write to it.
    """
    said = os.dup(2)
    try:
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        call("no new privileges", "prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.setsid()
        limit(limits)
        os.execve(words[0], words, {})
    except OSError as error:
        os.write(said, str(error).encode())
        os._exit(1)


def ended(pid: int) -> int:
    """Wait for a child, and for others that end before it; its exit status, 128 + n where signal n ended it."""
    while True:
        child, status = os.wait()
        if child == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main(limits: dict[str, int], root: str, python: list[str], words: list[str]) -> int:
    """Confine this process, run the command, and return how it ended.

    The first process of the new set waits for the second, the command: the kernel ends all others with the first.
    """
    os.umask(0o022)
    enter_namespaces()
    call("end with the parent", "prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    shut_in(Path(root), python, limits["disk"], limits["files"])
    if first := os.fork():
        return ended(first)
    call("end with the parent", "prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if second := os.fork():
        signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + signal.SIGALRM))
        signal.alarm(limits["clock"])
        os._exit(ended(second))
    command(words, limits, nowhere)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(**json.loads(sys.argv[1])))
    except OSError as error:
        sys.exit(str(error))
