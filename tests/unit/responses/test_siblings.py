"""One process, many adapters: what waits for its answers gets them from whoever has the model loaded."""

import os
import time
from pathlib import Path

import generate
import polars as pl
import pytest
import tiny
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from tunedrift.errors import UserError
from tunedrift.models import loading
from tunedrift.responses.siblings import waiting
from tunedrift.reuse.store import Store
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES

QUESTIONS = ["How do I plant a tree?", "France?", "What is the capital?"]
TUNINGS = [f"d/{variant}/seed0" for variant in ("one", "two", "three")]


def save_adapter(base, folder, seed, rank=4):
    """A random LoRA adapter that changes what the model says."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base)
    settings = LoraConfig(r=rank, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, settings)
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.5)
    model.save_pretrained(folder)
    return Path(folder) / "adapter_model.safetensors"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A model, three adapters of different ranks and three prompts."""
    monkeypatch.chdir(tmp_path)
    model_json = tiny.save_chat_model(tmp_path / "tiny")
    for seed, name in enumerate(TUNINGS):
        save_adapter("tiny", f"adapters/{name}", seed, rank=2 + seed)
    rows = [
        {column: text if kind == pl.String else None for column, kind in PROMPTS.columns.items()}
        | {"kind": "safe", "attack": "plain", "messages": [{"role": "user", "content": text}]}
        for text in QUESTIONS
    ]
    PROMPTS.write(pl.DataFrame(rows, schema=PROMPTS.columns), "prompts.parquet")
    return model_json


def answer(model_json, tuning, *more, store="store", out=None):
    adapter = [] if tuning == "untuned" else ["--tuned", f"adapters/{tuning}/adapter_model.safetensors"]
    words = (
        f"--model {model_json} --model-name tiny --tuning {tuning} --prompts prompts.parquet --store {store}"
    )
    words += f" --max-new-tokens 4 --out {out or f'responses/{tuning}.parquet'}"
    Path("responses/d").mkdir(parents=True, exist_ok=True)
    generate.main(generate.parser().parse_args([*words.split(), *adapter, *more]))


FOLDERS = ("--adapters", "adapters", "--responses", "responses")


def test_answers_made_beside_are_those_that_each_process_makes_for_itself(study, capsys):
    answer(study, TUNINGS[0], "--siblings", *TUNINGS[1:], *FOLDERS)
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if "beside" in line] == [
        f"3 answers of {name} computed beside" for name in TUNINGS[1:]
    ]
    assert not Path("responses/d/two").exists()  # only its own table is written
    for name in TUNINGS[1:]:
        answer(study, name)
        assert "3 answers, 0 computed" in capsys.readouterr().out
        answer(study, name, store="other", out="alone.parquet")
        assert RESPONSES.read("alone.parquet").equals(RESPONSES.read(f"responses/{name}.parquet"))
    tables = [RESPONSES.read(f"responses/{name}.parquet")["answer"].to_list() for name in TUNINGS]
    assert len(set(map(tuple, tables))) == 3


@pytest.mark.parametrize("tuning", ["untuned", TUNINGS[0]])
def test_in_half_precision_one_base_bears_one_adapter_after_another(study, monkeypatch, tuning):
    monkeypatch.setattr(loading, "dtype", lambda: torch.bfloat16)
    loaded = []
    load = loading.load_chat_model
    monkeypatch.setattr(loading, "load_chat_model", lambda *words: loaded.append(words) or load(*words))
    models = loading.ChatModels(study)
    ids = torch.arange(5, 25)[None]
    for name in [tuning, *TUNINGS, TUNINGS[0]]:
        tuned = None if name == "untuned" else f"adapters/{name}/adapter_model.safetensors"
        model = models.under(tuned)
        assert not model.training
        with torch.inference_mode():
            assert torch.equal(model(ids).logits, load(study, tuned)(ids).logits), name
    assert len(loaded) == (2 if tuning == "untuned" else 1)


def test_a_sibling_that_another_process_answers_is_left_to_it(study, capsys, monkeypatch):
    held = []

    def of_another(self, *, wait):
        held.append(wait)
        return wait

    monkeypatch.setattr(Store, "claim", of_another)
    answer(study, TUNINGS[0], "--siblings", *TUNINGS[1:], *FOLDERS)
    assert held == [True, False, False]
    assert "beside" not in capsys.readouterr().out


def test_an_adapter_that_is_made_anew_while_it_is_loaded_is_not_answered_for(study, capsys, monkeypatch):
    load = loading.load_chat_model

    def and_replace(model_json, tuned=None):
        model = load(model_json, tuned)
        if "two" in str(tuned):
            save_adapter("tiny", Path(tuned).parent, seed=9)
        return model

    monkeypatch.setattr(loading, "load_chat_model", and_replace)
    answer(study, TUNINGS[0], "--siblings", TUNINGS[1], *FOLDERS)
    assert "beside" not in capsys.readouterr().out
    answer(study, TUNINGS[1])
    assert "3 answers, 3 computed" in capsys.readouterr().out


def test_a_tuning_that_is_made_anew_while_it_is_loaded_stops_with_a_sentence(study, monkeypatch):
    load = loading.load_chat_model

    def and_replace(model_json, tuned=None):
        model = load(model_json, tuned)
        save_adapter("tiny", Path(tuned).parent, seed=9)
        return model

    monkeypatch.setattr(loading, "load_chat_model", and_replace)
    with pytest.raises(UserError, match="was made anew while it was loaded"):
        answer(study, TUNINGS[0])


def test_a_process_that_has_no_model_loaded_answers_for_nobody(study, capsys):
    answer(study, TUNINGS[0])
    answer(study, TUNINGS[0], "--siblings", *TUNINGS[1:], *FOLDERS)
    assert "beside" not in capsys.readouterr().out


def names(minutes=None, began=None):
    began = time.monotonic() if began is None else began
    found = waiting(
        TUNINGS, Path("adapters"), Path("responses"), ["prompts.parquet"], minutes=minutes, began=began
    )
    return [name for name, _ in found]


def test_who_waits_has_an_adapter_and_no_answers_or_older_ones(study):
    Path("responses/d/two").mkdir(parents=True)
    table = Path("responses/d/two/seed0.parquet")
    table.touch()
    adapter = Path("adapters/d/two/seed0/adapter_model.safetensors")
    os.utime(table, (2e9, 2e9))
    assert names() == [TUNINGS[0], TUNINGS[2]]
    os.utime(adapter, (2.1e9, 2.1e9))  # tuned anew
    assert names() == TUNINGS
    os.utime(adapter, (1e9, 1e9))
    os.utime("prompts.parquet", (2.1e9, 2.1e9))  # other prompts
    assert names() == TUNINGS
    adapter.unlink()
    assert names() == [TUNINGS[0], TUNINGS[2]]


def test_no_sibling_is_begun_that_would_not_end_in_time(study):
    assert names(minutes=1) == TUNINGS
    assert names(minutes=1, began=time.monotonic() - 20) == []  # as long again would be 40 of 30 seconds
    assert names(minutes=2, began=time.monotonic() - 20) == TUNINGS
