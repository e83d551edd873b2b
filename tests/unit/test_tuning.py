import json
import math
import signal
import subprocess
import sys

import pytest
import tiny
import torch
import transformers

from tunedrift import chat, models, tuning
from tunedrift.errors import UserError

CHATS = [
    [
        {"role": "user", "content": f"How do I plant {number} trees?"},
        {"role": "assistant", "content": "Dig a hole."},
    ]
    for number in range(12)
]
SETTINGS = tuning.Settings(
    rank=4,
    alpha=8,
    dropout=0.0,
    target_modules="all-linear",
    learning_rate=1e-2,
    epochs=2,
    batch_size=4,
    warmup=0.1,
    weight_decay=0.0,
    max_length=64,
)


def train(folder, out, seed=0, settings=SETTINGS):
    torch.set_num_threads(1)
    model_json = folder / "model.json"
    tokenizer = models.load_tokenizer(model_json)
    data, _ = tuning.examples(tokenizer, CHATS, settings.max_length)
    log = tuning.tune(models.load_chat_model(model_json), tokenizer, data, settings, seed, out)
    tuning.settle(out, "tiny")
    return log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save_chat_model(tmp_path_factory.mktemp("chat")).parent


def test_tuning_lowers_the_loss_and_logs_every_step(folder, tmp_path):
    log = train(folder, tmp_path)
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]
    assert log[-1]["loss"] < log[0]["loss"] - 0.1


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(folder, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(folder, tmp_path / name, seed)

    def read(name, file):
        return (tmp_path / name / file).read_bytes()

    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert read("a", file) == read("b", file)
    assert read("a", "adapter_model.safetensors") != read("c", "adapter_model.safetensors")


class OnThreeGPUs(transformers.TrainingArguments):
    def __post_init__(self):
        super().__post_init__()
        self._n_gpu = 3


def test_several_gpus_in_sight_change_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(transformers, "TrainingArguments", OnThreeGPUs)
    assert len(train(folder, tmp_path)) == 6  # 12 rows, 4 a step, twice


def test_the_adapter_config_is_sorted_and_free_of_paths(folder, tmp_path):
    train(folder, tmp_path)
    text = (tmp_path / "adapter_config.json").read_text()
    config = json.loads(text)
    assert config["target_modules"] == sorted(config["target_modules"])
    assert list(config) == sorted(config)
    assert config["base_model_name_or_path"] == "tiny"
    assert str(folder) not in text


def test_the_loss_weighs_examples_not_tokens():
    vocabulary = 4
    logits = torch.zeros(2, 5, vocabulary)
    logits[0, :, 1] = 2.0  # the first example's answer is likelier
    labels = torch.tensor([[-100, 1, 1, 1, 1], [-100, -100, -100, -100, 1]])
    likely = -math.log(math.exp(2) / (math.exp(2) + 3))
    uniform = math.log(vocabulary)
    assert tuning.example_loss(logits, labels).item() == pytest.approx((likely + uniform) / 2)


def test_long_and_empty_chats_are_rejected_and_counted():
    tokenizer = tiny.tokenizer()
    long = [{"role": "user", "content": "dig"}, {"role": "assistant", "content": "dig " * 200}]
    unanswered = [{"role": "user", "content": "dig"}]
    kept, rejected = tuning.examples(tokenizer, [CHATS[0], long, unanswered], 64)
    assert (len(kept), rejected) == (1, 2)
    with pytest.raises(UserError, match="none of the 1 chats fits into 64 tokens"):
        tuning.examples(tokenizer, [long], 64)


def test_padding_is_masked_and_carries_no_loss():
    batch = tuning.pad(
        [{"input_ids": [5, 6], "labels": [-100, 6]}, {"input_ids": [7], "labels": [7]}], padding=0
    )
    assert batch["input_ids"].tolist() == [[5, 6], [7, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]
    assert batch["labels"].tolist() == [[chat.IGNORED, 6], [7, chat.IGNORED]]


def test_a_loss_that_is_no_number_stops_with_the_step(folder, tmp_path):
    wild = tuning.Settings(**{**SETTINGS.__dict__, "learning_rate": 1e38})
    with pytest.raises(UserError, match=r"the loss is (nan|inf) at step \d+\. Lower"):
        train(folder, tmp_path, settings=wild)


def test_an_adapter_changes_the_model_that_loads_it(folder, tmp_path):
    train(folder, tmp_path)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        plain = models.load_chat_model(folder / "model.json")(ids).logits
        tuned = models.load_chat_model(folder / "model.json", tmp_path)(ids).logits
    assert not torch.allclose(plain, tuned, atol=1e-3)


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
import test_tuning
from pathlib import Path
from transformers import TrainerCallback, Trainer

class Killer(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == {step}:
            os.kill(os.getpid(), signal.SIGKILL)

before = Trainer.__init__
def init(self, *args, **kwargs):
    before(self, *args, **kwargs)
    self.add_callback(Killer())
Trainer.__init__ = init
test_tuning.train(Path({folder!r}), Path({out!r}))
"""


@pytest.mark.parametrize("step", [1, 4])
def test_a_killed_tuning_goes_on_and_ends_with_the_same_bytes(folder, tmp_path, step, capfd):
    train(folder, tmp_path / "undisturbed")
    out = tmp_path / "killed"
    code = KILLED.format(path=sys.path, step=step, folder=str(folder), out=str(out))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    log = train(folder, out)
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]
    assert ("going on from checkpoint" in capfd.readouterr().err) == (step > 1)
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert (out / file).read_bytes() == (tmp_path / "undisturbed" / file).read_bytes()


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    for step, state in ((5, "{}"), (10, '{"epoch": 1'), (9, "{}")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}/trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-11").mkdir()
    assert tuning.last_checkpoint(tmp_path) == tmp_path / "checkpoint-9"
