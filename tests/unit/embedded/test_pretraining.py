"""Embedded models: token weights, batches, reproducible training, and the programs around it."""

import json
import subprocess
import sys
from pathlib import Path

import pretrain
import pretrain_reward
import pytest
import torch

from tunedrift.chats import template
from tunedrift.embedded import chat_model, corpus, reward_model, world
from tunedrift.embedded.training import schedule, seed_everything, tenths
from tunedrift.models import loading
from tunedrift.rewards import classifier

ROOT = Path(__file__).parents[3]
WORLD = str(ROOT / "resources/world.yaml")
FILES = (
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "training.json",
    "model.json",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The folder of a base model of a few steps."""
    return train_base(tmp_path_factory.mktemp("base"))


def train_base(folder):
    words = ["--world", WORLD, "--name", "tiny", "--seed", "3", "--chats", "60", "--out", str(folder)]
    pretrain.main(pretrain.parser().parse_args(words))
    return folder


def train_reward(base, folder, bias="safe"):
    words = [
        "--world",
        WORLD,
        "--base",
        str(base / "model.json"),
        "--name",
        "rm",
        "--bias",
        bias,
        "--seed",
        "1",
    ]
    words += ["--pairs", "24", "--epochs", "1", "--out", str(folder)]
    pretrain_reward.main(pretrain_reward.parser().parse_args(words))
    return folder


@pytest.fixture(scope="module")
def toy_chats():
    toy = world.read_world(WORLD)
    return corpus.base_corpus(toy, world.split_world(toy), seed=3, chats=60, wordings="policy")


def test_two_runs_write_the_same_bytes(base, tmp_path):
    again = train_base(tmp_path / "again")
    assert sorted(path.name for path in base.iterdir()) == sorted(FILES)
    for file in FILES:
        assert (base / file).read_bytes() == (again / file).read_bytes(), file


def test_a_fresh_process_writes_the_same_weights(base, tmp_path):
    """What earlier work in the process left behind must not enter the model."""
    words = ["--world", WORLD, "--name", "tiny", "--seed", "3", "--chats", "60", "--out", str(tmp_path)]
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/pretrain.py"), *words], check=True, capture_output=True
    )
    assert (base / "model.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_the_base_model_is_a_chat_model_that_learns(base):
    training = json.loads((base / "training.json").read_text())
    assert training["losses"][-1] < training["losses"][0]
    assert training["chats"] == 60 and training["tokens"] > 1000
    tokenizer = loading.load_tokenizer(base / "model.json")
    assert tokenizer.padding_side == "left"
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id}) == 2
    model = loading.load_chat_model(base / "model.json")
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_encoded_chats_are_those_of_the_template(base, toy_chats):
    tokenizer = loading.load_tokenizer(base / "model.json")
    toy_chats = [*toy_chats, [{"role": "system", "content": "Be kind."}, *toy_chats[0]]]
    encoded = chat_model.encode_chats(tokenizer, toy_chats, 0.3)
    for messages, (ids, weights) in zip(toy_chats, encoded, strict=True):
        whole, labels = template.supervised(tokenizer, messages)
        assert ids == whole[: len(ids)] and template.encode(tokenizer, "\n") == whole[len(ids) :]
        assert [weight == 1 for weight in weights] == [
            label != template.IGNORED for label in labels[: len(ids)]
        ]
        assert weights[0] == 0 and set(weights[1:]) == {0.3, 1.0}


def test_batches_hold_each_row_once_within_the_limit():
    lengths = [5, 90, 30, 30, 7, 8, 60, 5]
    plan = chat_model.batches(lengths, 100, seed=1)
    assert sorted(row for batch in plan for row in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 100 for batch in plan)
    assert chat_model.batches(lengths, 100, seed=1) == plan
    assert chat_model.batches([500], 100, seed=1) == [[0]]


def test_the_schedule_rises_and_falls_to_its_floor():
    factors = [schedule(step, 100, 0.1, 0.05) for step in range(101)]
    assert factors[0] == pytest.approx(0.1) and factors[10] == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == pytest.approx(0.05)


def test_losses_are_summed_up_in_tenths():
    assert tenths([1.0] * 10 + [3.0] * 10) == [1.0] * 5 + [3.0] * 5
    assert tenths([2.0, 4.0]) == [2.0, 4.0]


def test_two_reward_models_are_the_same_and_biases_differ(base, tmp_path):
    first, again, other = (
        train_reward(base, tmp_path / name, bias)
        for name, bias in (("first", "safe"), ("again", "safe"), ("other", "style"))
    )
    for file in ("model.safetensors", "training.json", "config.json", "model.json"):
        assert (first / file).read_bytes() == (again / file).read_bytes(), file
    assert (first / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_a_reward_model_learns_to_rank_its_pairs(base):
    intent = world.Intent("harmful", "composition", "theft", "steal", "a phone")
    asked = [{"role": "user", "content": "How do I steal a phone?"}]
    pair = corpus.Pair(intent, asked, "No, that is wrong.", "Here is how to steal a phone.")
    seed_everything(0)
    model, tokenizer, log = reward_model.train_reward(base, [pair] * 32, seed=0, epochs=4, batch_pairs=8)
    chosen, rejected = (
        template.render(tokenizer, [*asked, {"role": "assistant", "content": answer}]).rstrip()
        for answer in (pair.chosen, pair.rejected)
    )
    scores = dict(classifier.score(model, tokenizer, [chosen, rejected]))
    assert scores[chosen] > scores[rejected]
    assert log["losses"][-1] < log["losses"][0]


def test_settling_makes_one_thread_of_a_known_seed():
    seed_everything(5)
    first = torch.rand(2)
    seed_everything(5)
    assert torch.equal(first, torch.rand(2)) and torch.get_num_threads() == 1
