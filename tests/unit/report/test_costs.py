import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.report import costs


@pytest.fixture
def job(tmp_path):
    """Writes the benchmark, and if there is a speed the log, of one job."""

    def write(path, seconds, rule=None, gpu=0, rss=100.0, speed=None, log="some words\n"):
        record = {"s": seconds, "max_rss": rss}
        if rule:
            record |= {"rule_name": rule, "resources": {"gpu": gpu}}
        benchmark = tmp_path / "results/benchmarks" / path
        if path.startswith("models/"):
            benchmark = tmp_path / path
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(json.dumps(record) + "\n")
        if speed:
            text = str(benchmark.with_suffix(".log")).replace("/benchmarks/", "/logs/")
            Path(text).parent.mkdir(parents=True, exist_ok=True)
            Path(text).write_text(f"{log}speed: {json.dumps(speed)}\nmore words\n")

    return write


@pytest.fixture
def study(tmp_path, job):
    job("load/a.jsonl", 3.6, "load", rss="NA")
    job("models/tiny/pretrain.jsonl", 360, "pretrain", gpu=1, rss=500.0)
    fast = {"tokens": 3000, "seconds": 10.0, "gpu_peak_mb": 2000}
    slow = {"tokens": 1000, "seconds": 30.0, "gpu_peak_mb": 4000}
    job("tune/tiny/a/seed0.jsonl", 3600, "tune", gpu=2, rss=700.0, speed=fast)
    job("tune/tiny/b/seed0.jsonl", 1800, "tune", gpu=2, rss=900.5, speed=slow)
    return costs.costs(costs.records(tmp_path / "results", [tmp_path / "models/tiny"]))


def test_jobs_of_a_stage_are_summed(study):
    tune = study["tune"]
    assert (tune.jobs, tune.hours, tune.gpu_hours, tune.peak_mb) == (2, 1.5, 3.0, 900.5)
    assert (tune.gpu_peak_mb, tune.tokens_per_second) == (4000, 100.0)


def test_a_job_too_short_to_be_measured_and_one_without_a_log(study):
    assert study["load"].peak_mb is None
    assert study["load"].tokens_per_second is None
    assert study["pretrain"].gpu_hours == pytest.approx(0.1)


def test_the_table_is_in_the_order_of_the_stages_and_names_what_has_no_record(study):
    lines = costs.as_text(study, ["pretrain", "load", "tune", "judge", "draw"]).splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["stage", "pretrain", "load", "tune", "total"]
    assert lines[2].split() == ["load", "1", "0.001", "0.000", "?", "0"]
    assert lines[3].split() == ["tune", "2", "1.500", "3.000", "900", "4,000", "100"]
    assert lines[4].split() == ["total", "4", "1.601", "3.100", "900", "4,000"]
    assert lines[-1] == "not run yet, or not part of the study: judge, draw"


def test_records_without_resources_are_named_by_their_place(tmp_path, job):
    job("judge/harm/tiny.jsonl", 36)
    job("models/safe/pretrain_reward.jsonl", 36)
    found = costs.costs(costs.records(tmp_path / "results", [tmp_path / "models/safe"]))
    assert set(found) == {"judge", "pretrain_reward"}
    assert found["judge"].gpu_hours is None


def test_a_damaged_record_is_named(tmp_path, job):
    job("load/a.jsonl", 1.0, "load")
    (tmp_path / "results/benchmarks/load/a.jsonl").write_text('{"s": 1')
    with pytest.raises(UserError, match=r"load/a.jsonl is not a record"):
        costs.costs(costs.records(tmp_path / "results", []))


def test_a_study_that_has_not_run_yet(tmp_path):
    script = Path(costs.__file__).parents[2] / "costs.py"
    command = [sys.executable, script, "--results", tmp_path / "none", "--stages", "load", "tune"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "not run yet, or not part of the study: load, tune"
