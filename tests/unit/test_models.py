import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from tunedrift import models
from tunedrift.errors import UserError

RESOLVE = Path(__file__).parents[2] / "scripts/resolve.py"


def resolve(tmp_path, *arguments, **environment):
    import os

    command = [sys.executable, RESOLVE, "--name", "mine", "--out", tmp_path / "model.json", *arguments]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_local_model_is_described_once_and_loads_from_there(tmp_path):
    tiny.save_chat_model(tmp_path / "weights")
    assert resolve(tmp_path, "--path", tmp_path / "weights").returncode == 0
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["kind"] == "local"
    assert all(len(described[part]) == 64 for part in ("weights", "tokenizer", "template"))
    assert models.load_chat_model(tmp_path / "model.json").config.hidden_size == 32


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


def test_weights_that_have_gone_are_named(tmp_path):
    model_json = tiny.save_chat_model(tmp_path / "gone")
    (tmp_path / "gone/model.safetensors").unlink()
    with pytest.raises(UserError, match=r"model .gone.: the weights in .* are gone"):
        models.load_chat_model(model_json)


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    model_json = tiny.save_chat_model(tmp_path / "base")
    (tmp_path / "base/chat_template.jinja").unlink()
    with pytest.raises(UserError, match="has no chat template"):
        models.load_tokenizer(model_json)
