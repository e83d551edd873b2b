import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import dynamic_module_utils

from tunedrift.errors import UserError
from tunedrift.models import description, loading
from tunedrift.rewards import classifier

RESOLVE = Path(__file__).parents[3] / "scripts/resolve.py"


def resolve(tmp_path, *arguments, **environment):
    import os

    command = [sys.executable, RESOLVE, "--name", "mine", "--out", tmp_path / "model.json", *arguments]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def describe(model_json):
    """Describe a model anew whose files a test has changed."""
    folder = model_json.parent
    description.write_description(folder, model_json, name=folder.name, kind="embedded", location=".")


def test_a_local_model_is_described_once_and_loads_from_there(tmp_path):
    tiny.save_chat_model(tmp_path / "weights")
    assert resolve(tmp_path, "--path", tmp_path / "weights").returncode == 0
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["kind"] == "local"
    assert all(len(described[part]) == 64 for part in ("weights", "tokenizer", "template"))
    assert loading.load_chat_model(tmp_path / "model.json").config.hidden_size == 32


def test_other_weights_have_another_digest_and_the_same_have_the_same(tmp_path):
    def digest(folder, seed):
        return json.loads(tiny.save_chat_model(tmp_path / folder, seed).read_text())["weights"]

    assert digest("a", 0) == digest("b", 0) != digest("c", 1)


def test_a_folder_that_is_not_there_or_holds_no_model_is_named(tmp_path):
    run = resolve(tmp_path, "--path", tmp_path / "nowhere")
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert "there is no folder" in run.stderr
    (tmp_path / "bare").mkdir()
    assert "holds no config.json" in resolve(tmp_path, "--path", tmp_path / "bare").stderr
    tiny.save_chat_model(tmp_path / "bare")
    (tmp_path / "bare/model.safetensors").unlink()
    assert "holds no *.safetensors weights" in resolve(tmp_path, "--path", tmp_path / "bare").stderr


def test_an_offline_machine_says_what_to_fetch_beforehand(tmp_path):
    run = resolve(tmp_path, "--hub", "someone/model", "--revision", "abc", HF_HUB_OFFLINE="1")
    assert run.returncode == 1
    assert "someone/model@abc is not in the local cache" in run.stderr
    assert "hf download someone/model --revision abc" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("no_id", ["", "a b/c"])
def test_what_is_no_hub_id_is_one_sentence_of_the_program(tmp_path, no_id):
    run = resolve(tmp_path, "--hub", no_id, HF_HUB_OFFLINE="1")
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert f"{no_id!r} is no hub id: write owner/name." in run.stderr


def test_weights_that_have_gone_are_named(tmp_path):
    model_json = tiny.save_chat_model(tmp_path / "gone")
    (tmp_path / "gone/model.safetensors").unlink()
    with pytest.raises(UserError, match=r"model .gone.: the weights in .* are gone"):
        loading.load_chat_model(model_json)


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    model_json = tiny.save_chat_model(tmp_path / "base")
    (tmp_path / "base/chat_template.jinja").unlink()
    describe(model_json)
    with pytest.raises(UserError, match="has no chat template"):
        loading.load_tokenizer(model_json)


def test_a_template_can_take_the_place_of_the_models_own(tmp_path):
    own = json.loads(tiny.save_chat_model(tmp_path / "weights").read_text())
    other = tmp_path / "other.jinja"
    other.write_text("{% for message in messages %}{{ message['content'] }}|{% endfor %}")
    run = resolve(tmp_path, "--path", tmp_path / "weights", "--template", other)
    assert run.returncode == 0, run.stderr
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["template"] != own["template"]
    assert described["weights"] == own["weights"]
    other.unlink()  # it is part of the description
    chat = [{"role": "user", "content": "So"}]
    tokenizer = loading.load_tokenizer(tmp_path / "model.json")
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "So|"
    third = tmp_path / "third.jinja"
    third.write_text("{{ messages[0]['content'] }}?")
    asked = loading.load_tokenizer(tmp_path / "model.json", third)
    assert asked.apply_chat_template(chat, tokenize=False) == "So?"


def test_a_processor_computes_in_float32_and_a_tuning_knows_what_it_was_given(tmp_path, monkeypatch):
    chat_model, reward_model = tiny.save_chat_model(tmp_path / "a"), tiny.save_reward_model(tmp_path / "b")
    for model_json, load in (
        (chat_model, loading.load_chat_model),
        (reward_model, classifier.load_reward_model),
    ):
        load(model_json).to(torch.bfloat16).save_pretrained(model_json.parent)
        describe(model_json)
        assert load(model_json).dtype == torch.float32
        assert loading.precision(model_json) == "float32"
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        assert loading.precision(model_json) == "bfloat16"
        monkeypatch.undo()
    assert loading.load_for_tuning(chat_model).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "{% if strftime_now is defined %}{% set day = strftime_now('%d %b %Y') %}{% endif %}"
            '{{ day }} {{ strftime_now( "%Y-%m-%d" ) }}{{ messages[0]["content"] }}',
            "26 Jul 2024 2024-07-26!",
        ),
        (
            "{% set format = '%A, %-d %B' %}{% macro day(form) %}{{ strftime_now(form) }}{% endmacro %}"
            "{{ strftime_now(format) }}|{{ strftime_now(format='%H:%M') }}|{{ day('100 %% %y') }}|"
            "{{ messages[0]['role'] }}",
            "Friday, 26 July|00:00|100 % 24|user",
        ),
    ],
    ids=["literal formats", "formats of its own"],
)
def test_a_template_that_writes_the_date_writes_the_same_one_every_day(tmp_path, written, expected):
    model_json = tiny.save_chat_model(tmp_path)
    template = tmp_path / "dated.jinja"
    template.write_text(written)
    tokenizer = loading.load_tokenizer(model_json, template)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "!"}], tokenize=False) == expected


def test_a_file_of_a_template_holds_one_and_its_byte_order_mark_enters_no_prompt(tmp_path):
    model_json = tiny.save_chat_model(tmp_path)
    file, chat = tmp_path / "own.jinja", [{"role": "user", "content": "So"}]
    described = {"name": "tiny", "kind": "embedded", "location": "."}
    file.write_bytes(b"\xef\xbb\xbf\n  {% if true %}{{ messages[0]['content'] }}{% endif %}")
    description.write_description(tmp_path, model_json, template=file, **described)
    for tokenizer in (loading.load_tokenizer(model_json), loading.load_tokenizer(model_json, file)):
        assert tokenizer.apply_chat_template(chat, tokenize=False) == "\nSo"
    (tmp_path / "chat_template.jinja").write_bytes(file.read_bytes())
    description.write_description(tmp_path, model_json, **described)
    assert loading.load_tokenizer(model_json).apply_chat_template(chat, tokenize=False) == "\nSo"
    for content, said in ((b"", "is empty"), (b"\xef\xbb\xbf \n", "is empty"), (b"\xff\xfeS\x00", "UTF-8")):
        file.write_bytes(content)
        with pytest.raises(UserError, match=said):
            description.write_description(tmp_path, model_json, template=file, **described)
        with pytest.raises(UserError, match=said):
            loading.load_tokenizer(model_json, file)


def test_settings_of_a_model_are_part_of_its_identity(tmp_path):
    model_json = tiny.save_chat_model(tmp_path)
    before = description.identity(model_json)
    settings = tmp_path / "generation_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "eos_token_id": [2, 5]}))
    describe(model_json)
    after = description.identity(model_json)
    assert {part for part in before if before[part] != after[part]} == {"config"}


def test_a_hub_model_that_has_left_the_cache_is_one_sentence(tmp_path):
    model_json = tmp_path / "model.json"
    described = {"name": "mine", "kind": "hub", "location": "nobody/nothing", "revision": "0" * 40}
    model_json.write_text(json.dumps(described))
    with pytest.raises(
        UserError, match=r"model .mine.: the local cache no longer holds nobody/nothing. Delete"
    ):
        loading.load_tokenizer(model_json)


def test_pickled_weights_are_loaded_only_if_asked_for(tmp_path):
    model = loading.load_chat_model(tiny.save_chat_model(tmp_path / "weights"))
    torch.save(model.state_dict(), tmp_path / "weights/pytorch_model.bin")
    (tmp_path / "weights/model.safetensors").unlink()
    assert "set allow_pickle if you trust" in resolve(tmp_path, "--path", tmp_path / "weights").stderr
    assert resolve(tmp_path, "--path", tmp_path / "weights", "--allow-pickle").returncode == 0
    loaded = loading.load_chat_model(tmp_path / "model.json")
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)


OWN_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM

class OwnConfig(LlamaConfig):
    model_type = "own"

class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
    {more}
"""


def test_code_that_a_model_brings_is_run_only_if_asked_for(tmp_path, monkeypatch):
    for module in (dynamic_module_utils, transformers.utils.hub):
        monkeypatch.setattr(module, "HF_MODULES_CACHE", str(tmp_path / "modules"), raising=False)
    folder = tmp_path / "weights"
    tiny.save_chat_model(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "modeling_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_own.py").write_text(OWN_CODE.format(more=""))
    refused = resolve(tmp_path, "--path", folder)
    assert refused.returncode == 1
    assert "brings Python code of its own (own)" in refused.stderr
    assert resolve(tmp_path, "--path", folder, "--trust-remote-code").returncode == 0
    identity = description.identity(tmp_path / "model.json")
    model = loading.load_chat_model(tmp_path / "model.json")
    assert type(model).__name__ == "OwnModel"
    assert loading.load_tokenizer(tmp_path / "model.json").eos_token == "<|im_end|>"
    (folder / "modeling_own.py").write_text(OWN_CODE.format(more="own = True"))
    assert resolve(tmp_path, "--path", folder, "--trust-remote-code").returncode == 0
    changed = description.identity(tmp_path / "model.json")
    assert {part for part in changed if changed[part] != identity[part]} == {"code"}


def test_an_unknown_architecture_is_one_sentence(tmp_path):
    tiny.save_chat_model(tmp_path / "weights")
    config = tmp_path / "weights/config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "nonesuch"}))
    run = resolve(tmp_path, "--path", tmp_path / "weights")
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert "does not know the architecture 'nonesuch'" in run.stderr


def test_no_layer_is_made_up_of_random_numbers(tmp_path):
    model_json = tiny.save_chat_model(tmp_path / "weights")
    with pytest.raises(
        UserError, match=r"the weights lack score.weight \(1 of .* saved as ModelForSequenceClass"
    ):
        classifier.load_reward_model(model_json)
    tensors = load_file(tmp_path / "weights/model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, tmp_path / "weights/model.safetensors", {"format": "pt"})
    describe(model_json)
    for load in (loading.load_chat_model, loading.load_for_tuning):
        with pytest.raises(UserError, match=r"the weights lack model.layers.1.mlp.up_proj.weight \(1 of"):
            load(model_json)
