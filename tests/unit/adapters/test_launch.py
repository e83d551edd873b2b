"""Tuning as the rules call it: on one device, on several that compute together, and of all weights."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import tiny
import torch
from safetensors.torch import load_file

from tunedrift.models import loading
from tunedrift.responses import generation
from tunedrift.tables.variants import VARIANTS

SCRIPTS = Path(__file__).parents[3] / "scripts"
# Seven rows in steps of three: two processes never have the same share, and once only one has a row.
ROWS = [
    {
        "row_id": f"row{number}",
        "messages": [
            {"role": "user", "content": f"How do I plant {number} trees?"},
            {"role": "assistant", "content": "First dig a hole. " * (1 + number % 3)},
        ],
        "original_prompt": [{"role": "user", "content": f"How do I plant {number} trees?"}],
        "original_length": 40 + 18 * (number % 3),
        "put_before": 0,
        "put_behind": 0,
        "changed_by": [],
    }
    for number in range(7)
]


@pytest.fixture(scope="module")
def model_json(tmp_path_factory):
    return tiny.save_chat_model(tmp_path_factory.mktemp("chat"))


@pytest.fixture
def command(model_json, tmp_path):
    variant = tmp_path / "original.parquet"
    VARIANTS.write(pl.DataFrame(ROWS, schema=VARIANTS.columns), variant)

    def command(out, *options):
        words = [
            sys.executable,
            SCRIPTS / "tune.py",
            "--model",
            model_json,
            "--variant",
            variant,
            "--seed",
            0,
        ]
        words += ["--batch-size", 3, "--epochs", 2, "--work", tmp_path / "work", "--out", tmp_path / out]
        return {
            "args": [*map(str, words), *map(str, options)],
            "cwd": tmp_path,
            "env": {**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        }

    return command


def tune(command, *options):
    return subprocess.run(**command(*options), capture_output=True, text=True, check=False)


def test_two_processes_train_what_one_trains(command, tmp_path):
    for name, count in (("one", 1), ("two", 2)):
        run = tune(command, name, "--gpus", count, "--learning-rate", 1e-2)
        assert run.returncode == 0, run.stderr
        assert run.stdout.startswith("7 rows (rejected: none)")
    one, two = (json.loads((tmp_path / name / "training.json").read_text()) for name in ("one", "two"))
    assert len(one["log"]) == 6
    for key in ("loss", "learning_rate"):
        assert [step[key] for step in one["log"]] == pytest.approx(
            [step[key] for step in two["log"]], abs=1e-4
        )
    assert {**one, "log": 0} == {**two, "log": 0}
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "two")]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-4) for name in weights[0])
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "steps.jsonl",
        "training.json",
    ]


def test_a_process_without_a_row_in_a_batch_waits_for_the_others(command, tmp_path):
    run = subprocess.run(
        **command("out", "--gpus", 2, "--batch-size", 1, "--epochs", 1),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert len(json.loads((tmp_path / "out/training.json").read_text())["log"]) == 7


def test_each_step_leaves_a_line_of_speed_and_memory(command, tmp_path):
    assert tune(command, "out").returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "out/steps.jsonl").read_text().splitlines()]
    log = json.loads((tmp_path / "out/training.json").read_text())["log"]
    assert [{key: line[key] for key in log[0]} for line in lines] == log
    assert all(line["tokens_per_second"] > 0 and 50 < line["peak_mb"] < 5000 for line in lines)


def test_one_process_that_fails_ends_all_with_one_sentence(command, tmp_path):
    run = tune(command, "out", "--gpus", 2, "--learning-rate", 1e38)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.strip().splitlines()[-1].startswith("error: the l")
    assert not (tmp_path / "out").exists()


def test_processes_end_with_the_one_that_started_them(command):
    running = subprocess.Popen(
        **command("out", "--gpus", 2, "--epochs", 10**6), stderr=subprocess.PIPE, text=True
    )
    assert any("steps in" in line for line in running.stderr)  # they are at work
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(children) >= 2
    running.send_signal(signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + 30
    while alive := [child for child in children if at_work(child)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.1)


def at_work(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_model_tuned_whole_is_a_model_of_its_own(command, model_json, tmp_path):
    run = tune(command, "full", "--method", "full", "--learning-rate", 1e-2, "--epochs", 20)
    assert run.returncode == 0, run.stderr
    assert tune(command, "again", "--method", "full", "--learning-rate", 1e-2, "--epochs", 20).returncode == 0
    made = sorted(path.name for path in (tmp_path / "full").iterdir())
    assert made == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "steps.jsonl",
        "training.json",
    ]
    for name in ("config.json", "generation_config.json", "model.safetensors", "training.json"):
        assert (tmp_path / "full" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert str(tmp_path) not in (tmp_path / "full/config.json").read_text()
    before, after = (load_file(path / "model.safetensors") for path in (model_json.parent, tmp_path / "full"))
    assert before.keys() == after.keys()
    assert not any(torch.equal(before[name], after[name]) for name in before if "weight" in name)
    tokenizer = loading.load_tokenizer(model_json)
    prompt = tokenizer.apply_chat_template(
        ROWS[0]["messages"][:1], tokenize=False, add_generation_prompt=True
    )
    model = loading.load_chat_model(model_json, tmp_path / "full/model.safetensors")
    (answer,) = generation.generate(model, tokenizer, [generation.Request("a", prompt)], max_new_tokens=40)
    assert answer.text.startswith("First dig a hole.")


def test_a_base_in_four_bits_needs_a_gpu(command):
    run = tune(command, "out", "--method", "qlora")
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1] == (
        "error: tuning.method qlora needs a GPU, and there is none here. Set it to lora."
    )
