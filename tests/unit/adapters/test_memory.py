"""How many rows go at a time on a processor: the estimate against what a tuning takes, and what follows from it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from tunedrift.adapters import memory, trainer, tuning
from tunedrift.adapters.batches import Example
from tunedrift.models import loading

SETTINGS = tuning.Settings(
    method="lora",
    rank=4,
    alpha=8,
    dropout=0.0,
    target_modules=("all-linear",),
    learning_rate=1e-2,
    epochs=2,
    batch_size=4,
    warmup=0.1,
    weight_decay=0.0,
    max_length=64,
    group_by_length=True,
    micro_batch_size=None,
    gradient_checkpointing=False,
    precision="fp32",
)
WEIGHTS = "adapter_model.safetensors"
SIZES = {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True}
SMALL_LLAMA = {**SIZES, "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6}
SMALL_QWEN = {**SIZES, "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "head_dim": 64}
SHAPES = {
    "many layers": (LlamaForCausalLM, LlamaConfig(**SMALL_LLAMA, vocab_size=2000), {}),
    "a large vocabulary": (Qwen3ForCausalLM, Qwen3Config(**SMALL_QWEN, vocab_size=60000), {}),
    "all weights": (
        LlamaForCausalLM,
        LlamaConfig(**SMALL_LLAMA, vocab_size=40000),
        {"method": "full"},
    ),
    "activations twice": (
        LlamaForCausalLM,
        LlamaConfig(**SMALL_LLAMA, vocab_size=20000),
        {"gradient_checkpointing": True},
    ),
}
TUNE = """
import json, sys
sys.path[:0] = {path!r}
import test_memory
print(json.dumps(test_memory.estimate_and_peak({shape!r}, {folder!r})))
"""


def changed(**changes):
    return dataclasses.replace(SETTINGS, **changes)


def tune(model, out, settings, memory_mb=None, rows=12, length=20):
    torch.set_num_threads(1)
    ids = [list(range(row, row + length)) for row in range(rows)]
    data = [Example(f"row{row}", tokens, tokens, length) for row, tokens in enumerate(ids)]
    return tuning.tune(model, SimpleNamespace(pad_token_id=0), data, settings, 0, out, memory_mb)


def estimate_and_peak(shape, folder):
    """Megabytes that a step of eight rows of the greatest length needs, by the estimate and by the kernel."""
    kind, config, more = SHAPES[shape]
    settings = changed(batch_size=8, max_length=192, epochs=1, **more)
    tune(kind(config), Path(folder), settings, rows=16, length=192)
    status = Path("/proc/self/status").read_text()  # of this program alone, unlike what getrusage gives
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    model = tuning.trainable(kind(config), settings, "fp32")
    alone, row = memory.needed(model, 192, "fp32", checkpointing=settings.gradient_checkpointing)
    return (alone + 8 * row) / 1e6, peak / 1e6


@pytest.mark.parametrize("shape", SHAPES)
def test_the_estimate_is_no_less_than_what_a_tuning_takes_and_not_much_more(shape, tmp_path):
    path = [str(Path(__file__).parent), *sys.path]
    code = TUNE.format(path=path, shape=shape, folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    estimate, peak = json.loads(done.stdout.splitlines()[-1])
    assert peak <= estimate < 2 * peak, (estimate, peak)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save_chat_model(tmp_path_factory.mktemp("chat")).parent


@pytest.fixture
def room_for(monkeypatch):
    """A number of rows of which a tuning finds that they fit into a megabyte each."""
    monkeypatch.setattr(memory, "needed", lambda *_, **__: (5e6, 1e6))
    return lambda rows: 5 + rows


def train(folder, out, settings=SETTINGS, memory_mb=None):
    return tune(loading.load_for_tuning(folder / "model.json"), out, settings, memory_mb)


def lines(out):
    return [json.loads(line) for line in (out / tuning.STEPS).read_text().splitlines()]


@pytest.mark.parametrize(("rows", "at_once"), [(4, 4), (9, 4), (3.9, 3), (1, 1)])
def test_as_many_rows_go_at_a_time_as_fit(folder, tmp_path, room_for, monkeypatch, capfd, rows, at_once):
    real, seen = trainer.answer_losses, []

    def counted(model, batch):
        seen.append(len(batch["labels"]))
        return real(model, batch)

    monkeypatch.setattr(trainer, "answer_losses", counted)
    train(folder, tmp_path / "fitting", memory_mb=room_for(rows))
    log = capfd.readouterr().err
    assert (f"{at_once} rows at a time, as many as fit into" in log) == (at_once < 4)
    assert max(seen) == at_once and sum(seen) == 24
    assert {line["rows_at_once"] for line in lines(tmp_path / "fitting")} == {at_once}
    assert tuning.last_rows_at_once(tmp_path / "fitting") == at_once
    train(folder, tmp_path / "given", settings=changed(micro_batch_size=at_once))
    assert (tmp_path / "given" / WEIGHTS).read_bytes() == (tmp_path / "fitting" / WEIGHTS).read_bytes()


def test_a_row_that_may_not_fit_is_tried_and_said(folder, tmp_path, room_for, capfd):
    train(folder, tmp_path, memory_mb=room_for(0.5))
    assert (
        "one row of the greatest length at a time may need 6 MB, and there are 6: raise"
        in capfd.readouterr().err
    )
    assert tuning.last_rows_at_once(tmp_path) == 1


def test_the_estimate_draws_nothing_from_the_tunings_own_numbers(folder, tmp_path):
    for name, limit in (("with", 4000), ("without", None)):
        train(folder, tmp_path / name, settings=changed(dropout=0.3), memory_mb=limit)
    assert (tmp_path / "with" / WEIGHTS).read_bytes() == (tmp_path / "without" / WEIGHTS).read_bytes()


def test_the_estimate_follows_from_shapes_alone(folder):
    found = set()
    for seed, threads in ((0, 1), (1, 2)):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        model = tuning.trainable(LlamaForCausalLM(tiny.config(tiny.tokenizer())), changed(), "fp32")
        found.add(memory.needed(model, 500, "fp32"))
    torch.set_num_threads(1)
    assert len(found) == 1


def test_what_attention_keeps_per_pair_of_tokens_is_extrapolated():
    known = {length: 7.0 + 5 * length + 3 * length**2 for length in (32, 64, 96)}
    assert memory._at(1024, known) == pytest.approx(7 + 5 * 1024 + 3 * 1024**2)


def test_memory_is_no_limit_on_a_gpu_or_where_the_number_is_given(monkeypatch):
    assert tuning.memory_limit(changed(), 4000) == 4000
    assert tuning.memory_limit(changed(micro_batch_size=8), 4000) is None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert tuning.memory_limit(changed(), 4000) is None
