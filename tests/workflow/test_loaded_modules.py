"""What Python really loads is what the digests say: recorded in every process of the small study."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import LOADED, RECORDER, ROOT

from tunedrift.reuse.code_digest import JOBS, covered

BY_NAME = {"judge": ("--kind", "tunedrift.verdicts."), "score": ("--by", "tunedrift.rewards.")}
"""Program → the option that names a kind, and the room in which it is a module."""


def processes(folder):
    """(program, its words, files of the local modules that it loaded) of each recorded process of a program."""
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        program = Path(record["program"])
        if program.parent.name == "scripts":
            yield program, record["words"], [Path(file) for file in record["loaded"]]


def beyond_the_digest(program, words, loaded):
    """What a process loaded that its digest does not cover, as paths below scripts/."""
    kinds = []
    if program.stem in BY_NAME:
        option, room = BY_NAME[program.stem]
        kinds = [room + words[words.index(option) + 1]] if option in words else []
    elif program.stem == "measure_invariance" and "--judges" in words:
        judges = json.loads(words[words.index("--judges") + 1]).values()
        kinds = [f"tunedrift.verdicts.{judge['published'] or judge['kind']}" for judge in judges]
    known = {path.resolve() for path in covered(program, *kinds)}
    return {
        file.relative_to(program.parent.resolve()).as_posix()
        for file in loaded
        if file.resolve() not in known and file.name != "__init__.py"
    }


def test_a_module_beyond_the_digest_is_told():
    folder = ROOT / "scripts/tunedrift"
    loaded = [folder / name for name in ("verdicts/utility.py", "verdicts/harm.py", "jobs/cli.py")]
    beyond = beyond_the_digest(ROOT / "scripts/judge.py", ["--kind", "harm"], loaded)
    assert beyond == {"tunedrift/verdicts/utility.py", "tunedrift/jobs/cli.py"}


def test_the_small_study_loads_what_its_digests_cover_and_how_jobs_run(finished):
    found = list(processes(finished.folder / LOADED))
    assert {"pretrain", "tune", "generate", "judge", "score"} <= {program.stem for program, *_ in found}
    for program, words, loaded in found:
        assert len(loaded) > 1, program
        beyond = beyond_the_digest(program, words, loaded)
        assert {path for path in beyond if not path.startswith(JOBS.as_posix())} == set(), program.name


def test_programs_that_the_small_study_leaves_out_load_no_more(finished, tmp_path):
    ran = {program.stem for program, *_ in processes(finished.folder / LOADED)}
    left_out = [path for path in sorted((ROOT / "scripts").glob("*.py")) if path.stem not in ran]
    assert {"resolve", "export", "contextualize", "clean_store"} <= {path.stem for path in left_out}
    environment = {**os.environ, "PYTHONPATH": str(RECORDER), "LOADED": str(tmp_path)}
    for path in left_out:
        subprocess.run([sys.executable, path, "--help"], env=environment, check=True, capture_output=True)
    found = list(processes(tmp_path))
    assert len(found) == len(left_out)
    for program, words, loaded in found:
        assert {path.split("/")[1] for path in beyond_the_digest(program, words, loaded)} <= {"jobs"}


@pytest.mark.parametrize("order", ["before", "behind"])
def test_a_program_loads_nothing_from_another_copy(tmp_path, order):
    other = tmp_path / "site/tunedrift"
    shutil.copytree(ROOT / "scripts/tunedrift", other, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(other / "report")
    (other / "flags.py").write_text("raise RuntimeError('the other copy')\n")
    (other / "extra").mkdir()
    folders = [str(tmp_path / "site"), str(RECORDER)]
    environment = {
        **os.environ,
        "PYTHONPATH": ":".join(folders if order == "before" else folders[::-1]),
        "LOADED": str(tmp_path),
    }
    for program in ("costs", "load_prompts"):
        words = [sys.executable, ROOT / f"scripts/{program}.py", "--help"]
        subprocess.run(words, env=environment, check=True, capture_output=True)
    found = list(processes(tmp_path))
    assert len(found) == 2
    for _, _, loaded in found:
        assert all(path.is_relative_to(ROOT / "scripts/tunedrift") for path in loaded)
