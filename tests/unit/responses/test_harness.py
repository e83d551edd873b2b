"""The lm-evaluation-harness: its command line, and a table from what it wrote."""

import json
from pathlib import Path

import collect_lm_eval
import pytest
import run_lm_eval
import tiny

from tunedrift.errors import UserError
from tunedrift.responses import harness
from tunedrift.tables.lm_eval import LM_EVAL

RECORDED = json.loads(Path(__file__).with_name("lm_eval_0.4.13.json").read_text(encoding="utf-8"))
"""What version 0.4.13 wrote of a random model on two tasks of three questions, without times and machine."""

GIVEN = {
    **{
        "model": {"pretrained": "models/tiny"},
        "tokenizer": "W/tokenizer",
        "adapter": None,
        "precision": "float32",
    },
    **{"device": "cpu", "tasks": ["gsm8k", "arc_easy"], "limit": None, "num_fewshot": None, "batch_size": 8},
    **{"apply_chat_template": True, "seed": 0, "out": "W/results.json"},
}


def test_the_command_names_all_that_the_numbers_depend_on():
    assert " ".join(harness.command("python", **GIVEN)) == (
        "python -m lm_eval run --model hf --model_args pretrained=models/tiny tokenizer=W/tokenizer dtype=float32 "
        "--tasks gsm8k arc_easy --device cpu --batch_size 8 --seed 0 --apply_chat_template --output_path W/results.json"
    )
    more = {"adapter": "a/seed0", "limit": 20.0, "num_fewshot": 0, "apply_chat_template": False}
    assert " ".join(harness.command("python", **{**GIVEN, **more})) == (
        "python -m lm_eval run --model hf --model_args pretrained=models/tiny tokenizer=W/tokenizer dtype=float32 "
        "peft=a/seed0 --tasks gsm8k arc_easy --device cpu --batch_size 8 --seed 0 --limit 20 --num_fewshot 0 "
        "--output_path W/results.json"
    )
    assert "--limit 0.05" in " ".join(harness.command("python", **{**GIVEN, "limit": 0.05}))


@pytest.mark.parametrize("path", ["a=b/seed0", "a,b/seed0"])
def test_a_path_that_the_harness_would_cut_is_named(path):
    with pytest.raises(UserError, match=f"the path '{path}' has a comma or an equals sign"):
        harness.command("python", **{**GIVEN, "adapter": path})


def test_what_is_kept_names_neither_time_nor_machine():
    found = harness.kept({**RECORDED, "date": 1.0, "pretty_env_info": "Linux", "start_time": 3.0})
    assert not {"date", "pretty_env_info", "start_time", "config", "total_evaluation_time_seconds"} & set(
        found
    )
    assert list(harness.rows(found)) == list(harness.rows(RECORDED))
    assert [
        (row["task"], row["metric"], row["filter"], row["value"], row["questions"])
        for row in harness.rows(found)
    ] == [
        ("picks", "acc", "none", pytest.approx(1 / 3), 3),
        ("sums", "exact_match", "strict-match", 0.0, 3),
    ]
    for empty in ({}, {"results": {}}):
        with pytest.raises(UserError, match="the harness wrote no results"):
            harness.kept(empty)


def test_metrics_become_rows():
    found = {
        "results": {
            "gsm8k": {
                **{
                    "alias": "gsm8k",
                    "exact_match,strict-match": 0.25,
                    "exact_match_stderr,strict-match": 0.1,
                },
                **{"exact_match,flexible-extract": 0.5, "exact_match_stderr,flexible-extract": "N/A"},
                **{"bypass,none": 999, "broken,none": float("nan"), "said,none": "N/A", "sample_len": 3},
            }
        },
        "versions": {"gsm8k": 3.0},
        "n-shot": {"gsm8k": 5},
        "n-samples": {"gsm8k": {"original": 1319, "effective": 20}},
        "higher_is_better": {"gsm8k": {"exact_match": True}},
    }
    about = {"task": "gsm8k", "questions": 20, "shots": 5, "version": "3.0"}
    assert list(harness.rows(found)) == [
        {**about, "metric": "exact_match", "filter": "strict-match", "value": 0.25, "stderr": 0.1, "higher_is_better": True},
        {**about, "metric": "exact_match", "filter": "flexible-extract", "value": 0.5, "stderr": None, "higher_is_better": True},
        {**about, "metric": "bypass", "filter": "none", "value": 999.0, "stderr": None, "higher_is_better": None},
    ]  # fmt: skip


HARNESS = """
import json, os, sys
words = sys.argv[1:]
out = words[words.index("--output_path") + 1]
assert os.path.exists(os.path.join(os.path.dirname(out), "tokenizer", "tokenizer.json"))
assert "HF_ALLOW_CODE_EVAL" not in os.environ
if "nowhere" in words:
    sys.exit("no such task")
found = {"results": {"gsm8k": {"acc,none": 0.5}}, "versions": {"gsm8k": 3.0}, "date": os.getpid()}
with open(out.replace(".json", "_2026-01-01T00-00-00.000000.json"), "w") as file:
    json.dump(found, file)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The program, with a package `lm_eval` that writes what the harness writes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "with/lm_eval").mkdir(parents=True)
    (tmp_path / "with/lm_eval/__init__.py").touch()
    (tmp_path / "with/lm_eval/__main__.py").write_text(HARNESS)
    (tmp_path / "with/lm_eval-0.4.13.dist-info").mkdir()
    (tmp_path / "with/lm_eval-0.4.13.dist-info/METADATA").write_text("Name: lm_eval\nVersion: 0.4.13\n")
    monkeypatch.syspath_prepend(tmp_path / "with")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "with"))
    monkeypatch.setenv("HF_ALLOW_CODE_EVAL", "1")
    model = tiny.save_chat_model(tmp_path / "tiny")

    def run(tuning, *more, task="gsm8k"):
        out = Path("lm_eval", tuning).with_suffix(".json")
        words = [
            "--model",
            str(model),
            "--model-name",
            "tiny",
            "--tuning",
            tuning,
            "--tasks",
            task,
            "--gpus",
            "0",
        ]
        run_lm_eval.main(run_lm_eval.parser().parse_args([*words, *more, "--out", str(out)]))
        return out

    return run


def test_command_and_version_are_kept_and_a_second_run_writes_the_same(run):
    out = run("untuned")
    kept = json.loads(out.read_text())
    assert kept["versions"]["lm_eval"] == "0.4.13"
    assert kept["command"][:6] == ["python", "-m", "lm_eval", "run", "--model", "hf"]
    assert kept["command"][-1] == "WORK/results.json"
    before = out.read_bytes()
    assert run("untuned").read_bytes() == before


def test_rows_of_all_tunings_become_one_table(run):
    Path("adapter").mkdir()
    tuned = run("household/markdown/seed0", "--tuned", "adapter/adapter_model.safetensors")
    assert "peft=adapter" in json.loads(tuned.read_text())["command"]
    words = ["--results", str(run("untuned")), str(tuned), "--out", "t.parquet", "t.csv"]
    collect_lm_eval.main(collect_lm_eval.parser().parse_args(words))
    found = LM_EVAL.read("t.parquet")
    assert found.select("variant", "task", "value", "harness").rows() == [
        ("markdown", "gsm8k", 0.5, "0.4.13"),
        (None, "gsm8k", 0.5, "0.4.13"),
    ]
    tuned.write_text("{}")
    with pytest.raises(UserError, match="is none of run_lm_eval's results"):
        collect_lm_eval.main(collect_lm_eval.parser().parse_args(words))


def test_a_harness_that_fails_or_is_not_there_is_named(run, monkeypatch):
    with pytest.raises(UserError, match="ended with status 1 and no results"):
        run("untuned", task="nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"not installed: pip install -r envs/requirements-lm-eval\.txt"):
        run("untuned")
