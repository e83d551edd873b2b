import json
import subprocess
import sys
from pathlib import Path

import polars as pl

from tunedrift.report import provenance
from tunedrift.reuse import versions
from tunedrift.tables.table import Table

ROOT = Path(__file__).parents[3]
TABLE = Table(name="cups", columns={"id": pl.String}, key=("id",))


def write(path, **made_with):
    TABLE.write(TABLE.frame([{"id": "a"}]), path, made_with)
    return path


def test_the_distinct_versions_behind_tables_are_found(tmp_path):
    tables = [
        write(tmp_path / "a.parquet", torch="1", peft="2"),
        write(tmp_path / "b.parquet", torch="1", peft="2"),
        write(tmp_path / "c.parquet", torch="1", peft="3"),
    ]
    assert versions.made_with(tables) == [{"peft": "2", "torch": "1"}, {"peft": "3", "torch": "1"}]


def test_every_pin_has_an_installed_version():
    names = provenance.pinned(ROOT / "envs/requirements.txt")
    assert {"snakemake", "torch", "transformers", "peft", "polars"} <= set(names)
    assert all(versions.versions(*names).values())


def test_a_commit_and_whether_files_differ(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    assert provenance.commit(tmp_path) is None
    (tmp_path / "file").write_text("one")
    for command in (("init",), ("add", "."), ("commit", "-m", "m")):
        git(*command)
    clean = provenance.commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").write_text("two")
    assert provenance.commit(tmp_path) == f"{clean}+changes"


def test_the_record_holds_settings_versions_machine_and_digests(tmp_path):
    rows = write(tmp_path / "rows.parquet", torch="1")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/model.json").write_text('{"weights": "w"}')
    summary = tmp_path / "summary.md"
    summary.write_text("# What this study found\n")
    command = [sys.executable, ROOT / "scripts/record_provenance.py", "--config", '{"seeds": [0]}']
    command += ["--requirements", ROOT / "envs/requirements.txt", "--models", tmp_path / "tiny/model.json"]
    command += [
        "--datasets",
        rows,
        "--rows",
        rows,
        "--finals",
        summary,
        "--out",
        tmp_path / "provenance.json",
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    record = json.loads((tmp_path / "provenance.json").read_text())
    assert record["config"] == {"seeds": [0]}
    assert record["models"] == {"tiny": {"weights": "w"}}
    assert record["rows_made_with"] == [{"torch": "1"}]
    assert record["hardware"]["cores"] > 0
    assert len(record["config_sha256"]) == len(record["finals"][f"{tmp_path.name}/summary.md"]) == 64
