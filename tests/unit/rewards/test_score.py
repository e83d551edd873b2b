"""The program that scores, on a reward model whose numbers go wrong for one word."""

import json
import re

import polars as pl
import pytest
import score
import tiny
from safetensors.torch import load_file, save_file

from tunedrift.errors import UserError
from tunedrift.models import placement
from tunedrift.models.description import write_description
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.rewards import REWARDS

ANSWERS = {"one": ("Dig a hole.", "Water it."), "two": ("Dig.", "Zigzag!")}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Scores two pairs with a model in which the token of `Z` is embedded as a given number."""
    monkeypatch.chdir(tmp_path)
    question = [{"role": "user", "content": "How do I plant a tree?"}]
    rows = [
        {**dict.fromkeys(PREFERENCES.columns, "x"), "pair_id": pair, "messages": question, "labels": "people"}
        | {"safer": safer, "less_safe": less_safe}
        for pair, (safer, less_safe) in ANSWERS.items()
    ]
    PREFERENCES.write(pl.DataFrame(rows, schema=PREFERENCES.columns), "people.parquet")

    def run(number, *more):
        folder = tmp_path / "rm"
        model_json = tiny.save_reward_model(folder)
        weights = load_file(folder / "model.safetensors")
        token = tiny.tokenizer().convert_tokens_to_ids("Z")
        weights["model.embed_tokens.weight"][token] = number
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        write_description(folder, model_json, name="rm", kind="embedded", location=".")
        words = f"--rm mine --model {model_json} --subject preferences/people --texts people.parquet --store store"
        score.main(
            score.parser().parse_args([*words.split(), "--batch-size", "1", "--out", "out.parquet", *more])
        )

    return run


def test_a_score_that_is_no_number_is_an_error_at_the_first(run, tmp_path):
    with pytest.raises((UserError, ValueError)) as caught:
        run(float("nan"))
    assert str(caught.value).startswith(
        "reward model 'mine' gives item 'two' of preferences/people, group 'less_safe', the score nan. Fetch its"
    )
    assert not (tmp_path / "out.parquet").exists()
    kept = [
        json.loads(line.partition(" ")[2])
        for shard in tmp_path.glob("store/score/*/*.jsonl")
        for line in shard.read_text().splitlines()
    ]
    assert not [row for row in kept if re.search("nan|inf", repr(row))]


def test_scores_that_are_numbers_are_written(run, tmp_path):
    run(0.5)
    assert REWARDS.read("out.parquet")["reward"].is_finite().all()


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_score_is_none(run, tmp_path, monkeypatch, value):
    def scored(model, tokenizer, texts, **options):
        yield texts[0], value

    monkeypatch.setattr("tunedrift.rewards.classifier.score", scored)
    with pytest.raises(UserError, match=f"the score {value}. Fetch"):
        run(0.5)
    assert not list(tmp_path.glob("store/score/*/*.jsonl"))


def test_scores_of_another_number_of_threads_are_computed_again_on_a_processor(run, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)  # of the tests behind this one too
    run(1.0)
    run(1.0, "--threads", "1")
    assert len(list(tmp_path.glob("store/score/*/key.json"))) == 1
    run(1.0, "--threads", "2")
    keys = [json.loads(path.read_text()) for path in tmp_path.glob("store/score/*/key.json")]
    assert {key.get("threads") for key in keys} == {1, 2}
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert placement.use_threads(2) is None  # a GPU computes alike whatever the threads
