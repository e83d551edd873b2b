"""Every family of chat models from tuning to scores, on checkpoints made in a moment."""

import json
from pathlib import Path

import generate
import polars as pl
import pytest
import score
import torch
import tune
from checkpoints import FAMILIES, save

from tunedrift.chats import template
from tunedrift.models import loading
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.rewards import REWARDS
from tunedrift.tables.variants import VARIANTS

QUESTION = {"role": "user", "content": "How do I plant a tree?"}
ANSWER = {"role": "assistant", "content": "Dig a hole."}
SYSTEM = {"role": "system", "content": "Be kind."}


@pytest.fixture(scope="module", params=FAMILIES)
def made(request, tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    model_json = save(request.param, folder / "chat")
    return request.param, model_json, loading.load_tokenizer(model_json), folder


def supervised_text(tokenizer, messages):
    _, labels = template.supervised(tokenizer, messages)
    return tokenizer.decode([label for label in labels if label != template.IGNORED])


def test_the_mask_holds_the_answer_and_its_stop_token(made):
    name, _, tokenizer, _ = made
    assert supervised_text(tokenizer, [QUESTION, ANSWER]).strip() == f"Dig a hole.{FAMILIES[name].stop}"


def test_each_answer_of_a_longer_chat_is_supervised(made):
    _, _, tokenizer, _ = made
    text = supervised_text(tokenizer, [QUESTION, ANSWER, QUESTION, {**ANSWER, "content": "Water it well."}])
    assert "Dig a hole." in text
    assert "Water it well." in text
    assert "plant" not in text
    assert "think" not in text


def test_a_system_prompt_reaches_the_model(made):
    _, _, tokenizer, _ = made
    text = template.render(tokenizer, [SYSTEM, QUESTION], reply=True)
    assert text.index("Be kind.") < text.index("How do I plant a tree?")
    assert supervised_text(tokenizer, [SYSTEM, QUESTION, ANSWER]).strip().startswith("Dig a hole.")


def test_the_prompt_of_the_test_is_the_beginning_of_the_trained_chat(made):
    _, _, tokenizer, _ = made
    for chat in ([QUESTION], [SYSTEM, QUESTION], [QUESTION, ANSWER, QUESTION]):
        opened = template.encode(tokenizer, template.render(tokenizer, chat, reply=True))
        assert template.supervised(tokenizer, [*chat, ANSWER])[0][: len(opened)] == opened


def call(script, *words):
    script.main(script.parser().parse_args(list(map(str, words))))


def test_tune_generate_and_score(made, tmp_path, monkeypatch):
    name, model_json, _, folder = made
    monkeypatch.chdir(tmp_path)  # where locks and checkpoints go
    pairs = {"How do I plant a tree?": "Dig a hole.", "How do I be kind?": "Water it well."}
    prompts = {
        name: [{"role": "user", "content": question}] for name, question in zip("ab", pairs, strict=True)
    }
    rows = [
        {
            "row_id": f"{name}{copy}",
            "messages": [*prompts[name], {"role": "assistant", "content": answer}],
            "original_prompt": prompts[name],
            "original_length": len(answer),
            "put_before": 0,
            "put_behind": 0,
            "changed_by": [],
        }
        for copy in range(4)
        for name, answer in zip("ab", pairs.values(), strict=True)
    ]
    VARIANTS.write(pl.DataFrame(rows, schema=VARIANTS.columns), "original.parquet")
    asked = [
        {
            **dict.fromkeys(PROMPTS.columns, "x"),
            "prompt_id": name,
            "kind": "safe",
            "messages": prompts[name],
            "plain_prompt": question,
            "reference": None,
        }
        for name, question in zip("ab", pairs, strict=True)
    ]
    PROMPTS.write(pl.DataFrame(asked, schema=PROMPTS.columns), "prompts.parquet")

    options = [
        "--rank",
        4,
        "--alpha",
        8,
        "--learning-rate",
        2e-2,
        "--epochs",
        30,
        "--batch-size",
        4,
        "--seed",
        0,
    ]
    call(tune, "--model", model_json, "--variant", "original.parquet", *options, "--out", "adapter")
    log = json.loads(Path("adapter/training.json").read_text())["log"]
    assert log[-1]["loss"] < log[0]["loss"] / 2

    ask = ["--model", model_json, "--model-name", name, "--prompts", "prompts.parquet"]
    ask += ["--max-new-tokens", 32]
    call(generate, *ask, "--tuning", "untuned", "--out", "untuned.parquet")
    tuned = ["--tuned", "adapter/adapter_model.safetensors", "--tuning", "data/original/seed0"]
    call(generate, *ask, *tuned, "--out", "tuned.parquet")
    responses = RESPONSES.read("tuned.parquet").sort("prompt_id")
    assert responses["answer"].to_list() == list(pairs.values())
    assert set(responses["finish"]) == {"stop"}
    assert not set(RESPONSES.read("untuned.parquet")["answer"]) & set(pairs.values())

    rm = save(name, folder / "reward", reward=True)
    texts = ["--texts", "tuned.parquet", "untuned.parquet", "--prompts", "prompts.parquet"]
    scores = []
    for size in (1, 4):
        batched = ["--batch-size", size, "--out", f"rewards{size}.parquet"]
        call(score, "--rm", "rm", "--model", rm, "--subject", "responses/x", *texts, *batched)
        scores.append(REWARDS.read(f"rewards{size}.parquet")["reward"])
    assert scores[0].is_finite().all()
    assert scores[0].to_list() == pytest.approx(scores[1].to_list(), abs=1e-4)
    assert scores[0].round(5).n_unique() == 4
