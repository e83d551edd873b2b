"""What a model is known by, and that what is loaded is what was described."""

import json
import os
import shutil

import generate
import polars as pl
import pytest
import tiny
from huggingface_hub.utils import filter_repo_objects
from project import Project

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.models import description, folder, loading
from tunedrift.tables.prompts import PROMPTS


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A local model's folder, described; digests are noted below the test's own working folder."""
    monkeypatch.chdir(tmp_path)
    tiny.save_chat_model(tmp_path / "weights")
    (tmp_path / "weights/model.json").unlink()
    describe(tmp_path)
    return tmp_path / "weights"


def describe(tmp_path):
    where = str(tmp_path / "weights")
    description.write_description(where, tmp_path / "model.json", name="mine", kind="local", location=where)


def identity(tmp_path):
    describe(tmp_path)
    return description.identity(tmp_path / "model.json")


LOADED = {
    "vocab.json": "files",
    "merges.txt": "files",
    "vocab.txt": "files",
    "added_tokens.json": "files",
    "qwen.tiktoken": "files",
    "spiece.model": "files",
    "sentencepiece.bpe.model": "files",
    "tekken.json": "files",
    "rwkv_vocab_v20230424.txt": "files",
    "vocab.bin": "files",
    "model.safetensors.index.json": "files",
    "chat_template.json": "files",
    "additional_chat_templates/tool_use.jinja": "files",
    "tokenizer.model": "tokenizer",
    "special_tokens_map.json": "tokenizer",
    "chat_template.jinja": "template",
    "generation_config.json": "config",
    "more.safetensors": "weights",
}
"""A file that a model may bring → the part of the identity that it is in."""


@pytest.mark.parametrize("file", LOADED)
def test_whatever_is_loaded_is_in_the_identity(model, tmp_path, file):
    path = model / file
    path.parent.mkdir(exist_ok=True)
    first = identity(tmp_path)
    path.write_text("one")
    one = identity(tmp_path)
    path.write_text("two")
    two = identity(tmp_path)
    for before, after in ((first, one), (one, two)):
        assert {part for part in {*before, *after} if before.get(part) != after.get(part)} == {LOADED[file]}
    with pytest.raises(UserError, match=rf"{LOADED[file]} in .* changed"):
        path.write_text("three")
        description.source(tmp_path / "model.json")


@pytest.mark.parametrize(
    "file",
    [
        *(
            "README.md",
            "LICENSE",
            "LICENSE.txt",
            "USE_POLICY.md",
            ".gitattributes",
            "figure.png",
            "train.log",
        ),
        *(
            "optimizer.pt",
            "model-q4.gguf",
            "modeling_own.py",
            "checkpoint-5/config.json",
            "original/params.json",
        ),
    ],
)
def test_what_is_for_people_or_never_loaded_is_not(model, tmp_path, file):
    before = identity(tmp_path)
    (model / file).parent.mkdir(exist_ok=True)
    (model / file).write_text("words")
    assert identity(tmp_path) == before
    description.source(tmp_path / "model.json")


def test_whatever_is_loaded_is_fetched_from_the_hub():
    assert list(filter_repo_objects(LOADED, ignore_patterns=folder.IGNORED_ON_HUB)) == list(LOADED)


def test_a_file_under_another_name_is_another_model(model, tmp_path):
    (model / "vocab.json").write_text("{}")
    before = identity(tmp_path)
    (model / "vocab.json").rename(model / "tokens.json")
    assert identity(tmp_path) != before


def test_the_parts_that_models_were_known_by_keep_their_digests(model, tmp_path):
    known = identity(tmp_path)
    listed = {
        "weights": ["model.safetensors"],
        "config": ["config.json", "generation_config.json"],
        "tokenizer": ["tokenizer.json", "tokenizer_config.json"],
    }
    for part, names in listed.items():
        assert known[part] == files.sha256(*(model / name for name in names))
    assert known["template"] == folder.template_digest(tiny.CHATML)
    assert known.keys() == {*listed, "template"}


def test_an_embedded_model_is_known_by_these_parts_alone(tmp_path):
    model_json = tiny.save_chat_model(tmp_path)
    (tmp_path / "training.json").write_text("{}")
    (tmp_path / "pretrain.log").write_text("trained")
    assert description.identity(model_json).keys() == {"weights", "config", "tokenizer", "template"}
    description.source(model_json)


def replace_weights(model, seed=1, keep_time=False):
    """Other weights of the same size in place, under the old modification time if asked for."""
    before = (model / "model.safetensors").stat()
    tiny.save_chat_model(other := model.parent / f"other{seed}", seed)
    shutil.copyfile(other / "model.safetensors", model / "model.safetensors")
    assert (model / "model.safetensors").stat().st_size == before.st_size
    if keep_time:
        os.utime(model / "model.safetensors", ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("keep_time", [False, True])
@pytest.mark.parametrize("load", [loading.load_tokenizer, loading.load_chat_model, loading.load_for_tuning])
def test_weights_replaced_in_place_are_not_loaded_as_the_old_ones(
    model, tmp_path, monkeypatch, load, keep_time
):
    monkeypatch.setattr(folder, "SETTLED", -1.0)  # what was read is noted at once
    load(tmp_path / "model.json")
    replace_weights(model, keep_time=keep_time)
    with pytest.raises(UserError) as caught:
        load(tmp_path / "model.json")
    assert str(caught.value) == (
        f"model 'mine': weights in {model} changed after {tmp_path}/model.json was written. Delete "
        f"{tmp_path}/model.json and run again."
    )
    describe(tmp_path)
    load(tmp_path / "model.json")


def test_a_snapshot_in_the_hubs_cache_that_changed_is_not_loaded(model, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    commit, out = "0" * 40, tmp_path / "model.json"
    snapshot = tmp_path / "hub/models--nobody--model/snapshots" / commit
    shutil.copytree(model, snapshot)
    description.write_description(
        snapshot, out, name="mine", kind="hub", location="nobody/model", revision=commit
    )
    assert description.source(out)["revision"] == commit
    (snapshot / "merges.txt").write_text("a b")
    with pytest.raises(UserError, match=rf"files in {snapshot} changed"):
        description.source(out)


def test_a_template_file_takes_the_place_of_the_models_own_at_the_check_too(model, tmp_path):
    (tmp_path / "other.jinja").write_text("\ufeff{{ messages[0]['content'] }}", encoding="utf-8")
    where, out = str(model), tmp_path / "model.json"
    description.write_description(
        where, out, name="mine", kind="local", location=where, template=tmp_path / "other.jinja"
    )
    (model / "chat_template.jinja").write_text("another one, which is not used")
    tokenizer = loading.load_tokenizer(out)
    assert tokenizer.chat_template == "{{ messages[0]['content'] }}"
    assert loading.load_tokenizer(out, tmp_path / "other.jinja").chat_template == tokenizer.chat_template


def test_files_that_did_not_change_are_not_read_again(model, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SETTLED", -1.0)
    found = folder.digests(model, folder.parts(model, "local"))
    with monkeypatch.context() as patch:
        patch.setattr(files, "sha256", None)  # a file that is read would be an error
        assert folder.digests(model, folder.parts(model, "local")) == found
        os.utime(model / "config.json")
        with pytest.raises(TypeError):
            folder.digests(model, folder.parts(model, "local"))
    assert folder.digests(model, folder.parts(model, "local")) == found
    shutil.rmtree(tmp_path / "work/digests")
    assert folder.digests(model, folder.parts(model, "local")) == found
    for note in (tmp_path / "work/digests").iterdir():
        note.write_text("{")
    assert folder.digests(model, folder.parts(model, "local")) == found


def test_what_may_still_be_written_to_is_read_each_time(model, tmp_path):
    folder.digest([model / "config.json"])
    assert not (tmp_path / "work/digests").exists()


def test_answers_of_old_weights_are_not_given_for_new_ones(model, tmp_path, monkeypatch):
    asked = dict.fromkeys(PROMPTS.columns, "x") | {"kind": "safe", "reference": None}
    asked |= {"messages": [{"role": "user", "content": "How do I plant a tree?"}]}
    PROMPTS.write(pl.DataFrame([asked], schema=PROMPTS.columns), "prompts.parquet")
    words = f"--model {tmp_path}/model.json --model-name mine --tuning untuned --prompts prompts.parquet"
    words += " --max-new-tokens 4 --store store --out answers.parquet"
    generate.main(generate.parser().parse_args(words.split()))
    replace_weights(model)
    with pytest.raises(UserError, match=r"weights in .* changed"):
        generate.main(generate.parser().parse_args(words.split()))


# --- The rule ----------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, model):
    project = Project.copied(tmp_path / "project")
    project.study(
        models={
            "mine": {"kind": "local", "path": str(model)},
            "small": {"kind": "embedded", "seed": 0, "chats": 400},
            "small-base": {"kind": "embedded", "seed": 101, "wordings": "reward", "studied": False},
        },
        judges={"harm": {"kind": "harm", "by": "not_refused"}},
    )
    return project


def resolve(project, *more):
    run = project.small("models/mine/model.json", *more)
    assert run.code == 0, run.text
    return run


def test_a_folder_that_changed_in_place_is_described_anew(project, model, tmp_path):
    described = project.folder / "models/mine/model.json"
    assert resolve(project).jobs == {"resolve": 1}
    before = json.loads(described.read_text())
    for path in model.iterdir():
        os.utime(path)
    (model / "README.md").write_text("words for people")
    assert "Nothing to be done" in resolve(project, "--dry-run").text
    replace_weights(model, keep_time=True)
    assert resolve(project).jobs == {"resolve": 1}
    after = json.loads(described.read_text())
    assert {part for part in after if after[part] != before[part]} == {"weights"}
    (model / "merges {of} <this>.txt").write_text("a b")
    assert resolve(project).jobs == {"resolve": 1}
    assert "files" in json.loads(described.read_text())
    assert "Nothing to be done" in resolve(project, "--dry-run").text
