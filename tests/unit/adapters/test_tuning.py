import dataclasses
import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file
from transformers.models.llama.modeling_llama import LlamaMLP

from tunedrift.adapters import batches, trainer, tuning
from tunedrift.errors import UserError
from tunedrift.models import loading

CHATS = [
    [
        {"role": "user", "content": f"How do I plant {number} trees?"},
        {"role": "assistant", "content": "Dig a hole."},
    ]
    for number in range(12)
]
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
    precision="auto",
)


def rows(chats):
    return [
        {
            "row_id": f"row{number}",
            "messages": messages,
            "original_length": sum(len(turn["content"]) for turn in messages),
            "put_before": 0,
            "put_behind": 0,
        }
        for number, messages in enumerate(chats)
    ]


def changed(**changes):
    return dataclasses.replace(SETTINGS, **changes)


def train(folder, out, seed=0, settings=SETTINGS):
    torch.set_num_threads(1)
    model_json = folder / "model.json"
    tokenizer = loading.load_tokenizer(model_json)
    data, _ = batches.examples(tokenizer, rows(CHATS), settings.max_length)
    log = tuning.tune(loading.load_for_tuning(model_json), tokenizer, data, settings, seed, out)
    if settings.method == "lora":
        tuning.canonical_adapter_config(out, "tiny")
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


class Fixed(torch.nn.Module):
    """A model whose head gives the logits that it is made with."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits
        self.head = torch.nn.Identity()

    def get_output_embeddings(self):
        return self.head

    def forward(self, **_):
        return SimpleNamespace(logits=self.head(self.logits))


def test_the_loss_weighs_examples_not_tokens():
    vocabulary = 4
    logits = torch.zeros(2, 5, vocabulary)
    logits[0, :, 1] = 2.0  # the first example's answer is likelier
    labels = torch.tensor([[-100, 1, 1, 1, 1], [-100, -100, -100, -100, 1]])
    batch = {"input_ids": labels, "attention_mask": labels, "labels": labels}
    likely = -math.log(math.exp(2) / (math.exp(2) + 3))
    assert trainer.answer_losses(Fixed(logits), batch).tolist() == pytest.approx(
        [likely, math.log(vocabulary)]
    )


def test_the_loss_is_that_of_the_whole_logits(folder):
    model, tokenizer = (
        loading.load_chat_model(folder / "model.json"),
        loading.load_tokenizer(folder / "model.json"),
    )
    chats = [CHATS[0], [*CHATS[1], *CHATS[2]], CHATS[11]]
    data, _ = batches.examples(tokenizer, rows(chats), 64)
    batch = batches.pad(data, tokenizer.pad_token_id)
    for row, (example, loss) in enumerate(zip(data, trainer.answer_losses(model, batch), strict=True)):
        logits = model(torch.tensor([example.ids])).logits[0, :-1]
        expected = torch.nn.functional.cross_entropy(logits, torch.tensor(example.labels[1:]))
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5), row


def weights(folder):
    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("at_once", [1, 3])
def test_rows_a_few_at_a_time_give_the_same_adapter(folder, tmp_path, at_once):
    logs = [
        train(folder, tmp_path / name, settings=changed(batch_size=5, micro_batch_size=size))
        for name, size in (("whole", None), ("parts", at_once))
    ]
    losses = [[entry["loss"] for entry in log] for log in logs]
    assert losses[0] == pytest.approx(losses[1], abs=2e-5)  # 12 rows: the last step of an epoch has two
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.allclose(whole[name], parts[name], atol=1e-4) for name in whole)


def test_where_memory_runs_out_fewer_rows_go_at_a_time(folder, tmp_path, monkeypatch, capfd):
    real, seen = trainer.answer_losses, []

    def small_memory(model, batch):
        seen.append(len(batch["labels"]))
        if seen[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(model, batch)

    train(folder, tmp_path / "whole", settings=changed(micro_batch_size=1))
    monkeypatch.setattr(trainer, "answer_losses", small_memory)
    assert len(train(folder, tmp_path / "small")) == 6
    assert seen[:4] == [4, 2, 1, 1]
    assert "going on with 1 rows at a time; a step still takes 4" in capfd.readouterr().err
    file = "adapter_model.safetensors"
    assert (tmp_path / "small" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_row_that_does_not_fit_is_one_sentence(folder, tmp_path, monkeypatch):
    def no_memory(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(trainer, "answer_losses", no_memory)
    with pytest.raises(UserError, match="one row alone does not fit into the memory"):
        train(folder, tmp_path)


def test_gradient_checkpointing_computes_activations_twice_and_changes_nothing(folder, tmp_path, monkeypatch):
    calls, losses = [0, 0], []
    forward = LlamaMLP.forward
    for on in (False, True):

        def counted(*args, on=on, **kwargs):
            calls[on] += 1
            return forward(*args, **kwargs)

        monkeypatch.setattr(LlamaMLP, "forward", counted)
        log = train(folder, tmp_path / str(on), settings=changed(gradient_checkpointing=on))
        losses.append([entry["loss"] for entry in log])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert calls[1] == 2 * calls[0] > 0


def test_precision_follows_the_device(monkeypatch):
    assert tuning.resolve_precision("fp16") == "fp16"
    assert tuning.resolve_precision("auto") == "fp32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)  # old cards imitate it
    for generation, expected in ((9, "bf16"), (8, "bf16"), (7, "fp16")):
        properties = SimpleNamespace(major=generation)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _, found=properties: found)
        assert tuning.resolve_precision("auto") == expected


def adapted(folder, out, settings):
    train(folder, out, settings=settings)
    return {name.split(".")[-3] for name in weights(out)}


def test_the_layers_with_an_adapter_are_named_or_left_to_the_family(folder, tmp_path):
    all_linear = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    cases = {
        ("all-linear",): all_linear,
        ("family",): {"q_proj", "v_proj"},
        ("k_proj", "up_proj"): {"k_proj", "up_proj"},
        ("mlp.up_proj",): {"up_proj"},
        (".*(gate|down)_proj",): {"gate_proj", "down_proj"},
    }
    for number, (named, expected) in enumerate(cases.items()):
        settings = changed(target_modules=named, epochs=1)
        assert adapted(folder, tmp_path / str(number), settings) == expected


def test_layers_that_the_model_does_not_have_are_one_sentence(folder, tmp_path):
    with pytest.raises(UserError, match=r"^tuning.target_modules .* do not suit this model: .*\bquery\b.*"):
        train(folder, tmp_path, settings=changed(target_modules=("query",)))


def test_the_layers_that_see_get_no_adapter():
    text = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "vocab_size": 99,
    }
    seeing = {**text, "image_size": 28, "patch_size": 14}
    config = transformers.Gemma3Config(text_config=text, vision_config=seeing, mm_tokens_per_image=4)
    model = transformers.Gemma3ForConditionalGeneration(config)
    found = tuning.trainable(model, SETTINGS, "fp32").state_dict()
    found = {name for name in found if "lora" in name}
    assert len(found) == 14
    assert all("language_model" in name for name in found)


def test_a_tuning_in_half_precision_keeps_its_adapter_in_float32(folder, tmp_path):
    log = train(folder, tmp_path, settings=changed(precision="bf16"))
    assert log[-1]["loss"] < log[0]["loss"]
    assert {values.dtype for values in weights(tmp_path).values()} == {torch.float32}


def test_a_loss_that_is_no_number_stops_with_the_step_and_its_rows(folder, tmp_path):
    wild = changed(learning_rate=1e38)
    with pytest.raises(
        UserError, match=r"the loss is (nan|inf) at step \d+, rows row\d+(, row\d+){3}\. Lower"
    ):
        train(folder, tmp_path, settings=wild)
    assert not (tmp_path / "adapter_model.safetensors").exists()


def test_an_adapter_changes_the_model_that_loads_it(folder, tmp_path):
    train(folder, tmp_path)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        plain = loading.load_chat_model(folder / "model.json")(ids).logits
        adapter = tmp_path / "adapter_model.safetensors"
        tuned = loading.load_chat_model(folder / "model.json", adapter)(ids).logits
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


@pytest.mark.parametrize("step", [1, 3, 6])  # before the first checkpoint, and between two, in either epoch
def test_a_killed_tuning_goes_on_and_ends_with_the_same_bytes(folder, tmp_path, step, capfd):
    train(folder, tmp_path / "undisturbed")
    out = tmp_path / "killed"
    code = KILLED.format(
        path=[str(Path(__file__).parent), *sys.path], step=step, folder=str(folder), out=str(out)
    )
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
