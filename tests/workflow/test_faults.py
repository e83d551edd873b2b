"""Bad luck: kills, damaged tables and full disks at random moments, then the same command.

Each round starts from trained models and empty results, waits until a random number of jobs is done, does its harm,
and repeats the command, following the remedy that a failure names, until it succeeds. The results must be those of
an undisturbed run. Two rounds run always; `--run-slow` runs all, and `--rounds` says how many those are.
"""

import contextlib
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from project import Project

FAULTS = ("kill the workflow", "kill a job", "truncate a table", "fill the disk", "forbid reading")
ATTEMPTS = 4
"""Commands after which a round must have succeeded: a remedy may be needed more than once."""


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory) -> Project:
    """The small study with its models trained and nothing else done."""
    project = finished.clone(tmp_path_factory.mktemp("trained") / "project")
    for folder in ("results", "work"):
        shutil.rmtree(project.folder / folder)
    return project


class Disk:
    """A results folder of limited size (tmpfs; needs the right to mount)."""

    def __init__(self, folder: Path, kib: int):
        self.folder = folder
        folder.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs")

    def _mount(self, *arguments: str) -> None:
        done = subprocess.run(["mount", *arguments, self.folder], capture_output=True, text=True, check=False)
        if done.returncode:
            self.folder.rmdir()
            raise PermissionError(errno.EPERM, done.stderr.strip())

    def enlarge(self) -> None:
        self._mount("-o", "remount,size=512m")

    def release(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=False)


class Round:
    """One seeded fault and the way back."""

    def __init__(self, project: Project, seed: int, fault: str):
        self.project, self.fault = project, fault
        self.rng = random.Random(seed)
        self.results = project.folder / "results"
        self.said: list[str] = []
        self.disk: Disk | None = None

    def run(self) -> None:
        if self.fault == "fill the disk":
            self.disk = Disk(self.results, self.rng.randint(60, 500))
        try:
            self.first_command()
            for _ in range(ATTEMPTS):
                run = self.project.small()
                if "Directory cannot be locked" in run.text:
                    assert self.project.small("--unlock").code == 0
                elif run.code == 0:
                    # A table damaged behind its last reader shows at the next call.
                    if "Nothing to be done" in self.project.small("--dry-run").text:
                        return
                else:
                    self.follow_remedy(run.text)
            raise AssertionError(f"no success after {ATTEMPTS} commands:\n{run.text[-3000:]}")
        finally:
            self.said = sorted(set(self.said))

    def first_command(self) -> None:
        output = self.project.folder / "first.log"
        with output.open("w") as log:
            process = subprocess.Popen(
                self.project.command("--configfile", "config/small.yaml"),
                cwd=self.project.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        jobs = self.rng.randint(0, 24)
        while process.poll() is None and output.read_text().count("Finished jobid") < jobs:
            time.sleep(0.05)
        time.sleep(self.rng.uniform(0, 3))
        self.do_harm(process)
        process.wait(timeout=300)
        self.undo_harm(output.read_text())

    def do_harm(self, process: subprocess.Popen) -> None:
        if self.fault == "kill the workflow":
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        elif self.fault == "kill a job":
            if running := programs(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.rng.choice(running), signal.SIGKILL)
        elif tables := sorted(self.results.rglob("[a-z]*.parquet")):
            table = self.rng.choice(tables)
            if self.fault == "truncate a table":
                os.truncate(table, table.stat().st_size // 2)
            elif self.fault == "forbid reading":
                table.chmod(0)

    def undo_harm(self, text: str) -> None:
        if self.disk:
            self.disk.enlarge()
            if "No space left" in text:
                self.said.append("No space left on device")
        if self.fault == "forbid reading":
            for table in self.results.rglob("*.parquet"):
                table.chmod(0o644)

    def follow_remedy(self, text: str) -> None:
        """Delete the file that the failure names, as it says."""
        sentence = re.search(
            r"error: (\S+) cannot be read as Parquet .*Delete it and run the same command", text
        )
        assert sentence, text[-3000:]
        assert "Traceback" not in text
        self.said.append(sentence[0])
        (self.project.folder / sentence[1]).unlink()


def programs(session: int) -> list[int]:
    """Process ids of the workflow's programs at work in a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, ProcessLookupError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if (
                    any(word.startswith(b"scripts/") for word in words[:3])
                    and os.getsid(int(folder.name)) == session
                ):
                    found.append(int(folder.name))
    return found


def check_equal(one: Path, two: Path) -> None:
    """Results are the same: scores to 1e-4, all other tables byte for byte."""
    names = [path.relative_to(one) for path in sorted(one.rglob("*.parquet"))]
    assert names == [path.relative_to(two) for path in sorted(two.rglob("*.parquet"))]
    for name in names:
        if "rewards" in name.parts or name.stem == "forecasts":
            tables = [pl.read_parquet(folder / name) for folder in (one, two)]
            assert_frame_equal(*tables, check_exact=False, rel_tol=0, abs_tol=1e-4)
        else:
            assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert (one / "tables/drift.csv").read_text() == (two / "tables/drift.csv").read_text()


def play(trained: Project, finished: Project, folder: Path, seed: int) -> Round:
    fault = FAULTS[seed % (len(FAULTS) - (os.geteuid() == 0))]  # root may read everything
    played = Round(trained.clone(folder / "project"), seed, fault)
    try:
        played.run()
        check_equal(finished.folder / "results", played.results)
    finally:
        if played.disk:
            played.disk.release()
        shutil.rmtree(played.project.folder, ignore_errors=True)
    return played


@pytest.mark.parametrize("seed", [0, 2])
def test_a_kill_and_a_damaged_table_change_nothing(trained, finished, tmp_path, seed):
    assert play(trained, finished, tmp_path, seed).fault == FAULTS[seed]


@pytest.mark.slow
def test_many_rounds_of_bad_luck_change_nothing(trained, finished, tmp_path, request, capsys):
    for seed in range(100, 100 + request.config.getoption("--rounds")):
        start = time.monotonic()
        try:
            played = play(trained, finished, tmp_path, seed)
        except PermissionError as error:
            if error.errno != errno.EPERM:
                raise
            line = f"{seed}  fill the disk  skipped: {error.strerror}"
        else:
            line = f"{seed}  {played.fault:18}  same results in {time.monotonic() - start:5.1f} s  {'; '.join(played.said)}"
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)


def test_a_second_workflow_in_the_same_folder_is_refused(trained, tmp_path):
    project = trained.clone(tmp_path / "project")
    process = subprocess.Popen(
        project.command("--configfile", "config/small.yaml"),
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not any((project.folder / ".snakemake/locks").glob("*")):
            assert process.poll() is None
            time.sleep(0.05)
        run = project.small()
        assert run.code == 1
        assert "Directory cannot be locked" in run.text
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_two_studies_share_their_models_and_nothing_else(trained, tmp_path):
    project = trained.clone(tmp_path / "project")
    project.study()
    other = project.study(results="results-other", statistics={"draws": 100}).rename(
        project.folder / "config/other.yaml"
    )
    project.study()
    plan = project.snakemake("--configfile", str(other), "--dry-run")
    assert not {"pretrain", "pretrain_reward"} & set(plan.jobs)
    assert project.snakemake("prompts", "variants", "--configfile", str(other)).code == 0
    assert sorted(path.name for path in project.folder.glob("results*")) == ["results-other"]
    assert project.small("--dry-run").jobs.keys() == plan.jobs.keys()
