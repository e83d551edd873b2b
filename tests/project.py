"""The workflow in a scratch folder, run as a user runs it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TREE = ("Snakefile", "rules", "scripts", "config", "envs", "resources", "profiles")
SMALL = Path(__file__).parent / "workflow/small.yaml"
RECORDER = Path(__file__).parent / "workflow/recorder"
LOADED = "loaded"
"""The folder of a project in which its processes write down what they have loaded."""


@dataclass
class Run:
    """What one call of snakemake printed."""

    code: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """Rule → number of jobs, from the first job table; empty if there was nothing to do."""
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", self.text, re.S | re.M)
        return {line.split()[0]: int(line.split()[1]) for line in table[1].splitlines()} if table else {}


class Project:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def copied(cls, folder: Path) -> "Project":
        for name in TREE:
            source = ROOT / name
            ignore = shutil.ignore_patterns("__pycache__")
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignore)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / name)
        return cls(folder)

    def clone(self, folder: Path) -> "Project":
        """This project with all its results and Snakemake's memory of them, times kept."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def study(self, **changes) -> Path:
        """Write the small study with top-level keys replaced; returns its path."""
        path = self.folder / "config/small.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(SMALL.read_text()), **changes}))
        return path

    def command(self, *arguments: str, cores: int = 2, gpu: int | None = 2) -> list[str]:
        # Targets come first: several of Snakemake's options would swallow them.
        limit = [] if gpu is None else ["--resources", f"gpu={gpu}"]
        words = [*arguments, "--cores", cores, *limit]
        return [sys.executable, "-m", "snakemake", *map(str, words)]

    def snakemake(self, *arguments: str, **limits: int | None) -> Run:
        recorded = {"PYTHONPATH": str(RECORDER), "LOADED": str(self.folder / LOADED)}
        (self.folder / LOADED).mkdir(exist_ok=True)
        done = subprocess.run(
            self.command(*arguments, **limits),
            cwd=self.folder,
            env={**os.environ, **recorded},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def small(self, *arguments: str) -> Run:
        return self.snakemake(*arguments, "--configfile", "config/small.yaml")
