"""What a result was made with: versions, commit, machine."""

import os
import platform
import re
import subprocess
from pathlib import Path


def pinned(requirements: Path) -> list[str]:
    """The package names that a requirements file pins."""
    return re.findall(r"^([A-Za-z0-9_.-]+)(?:\[.*\])?==", requirements.read_text(encoding="utf-8"), re.M)


def commit(folder: Path) -> str | None:
    """The commit checked out in `folder`, with `+changes` if tracked files differ; None outside a checkout."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def hardware() -> dict[str, str | int | list[str]]:
    """Processor, cores, main memory in MiB, and the GPUs by name."""
    processor = re.search(r"model name\s*: (.*)", _read(Path("/proc/cpuinfo")))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read(Path("/proc/meminfo")))
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = []
    return {
        "processor": processor[1] if processor else platform.processor(),
        "cores": os.cpu_count() or 0,
        "memory_mib": int(memory[1]) // 1024 if memory else 0,
        "gpus": listed,
    }


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
