"""Broken model folders: one sentence each, before anything is described."""

import json
import struct

import pytest
import tiny
import torch
from transformers import AutoModelForCausalLM

from tunedrift.errors import UserError
from tunedrift.models.checks import check_folder

LFS = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22\nsize 16060522\n"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    tiny.save_chat_model(folder := tmp_path_factory.mktemp("whole") / "whole")
    (folder / "model.json").unlink()
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    copy = tmp_path / "folder"
    copy.mkdir()
    for path in whole.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def said(folder, **options):
    """The one sentence with which the folder is refused."""
    with pytest.raises(UserError) as caught:
        check_folder("mine", folder, **options)
    assert str(caught.value).count("\n") == 0
    return str(caught.value)


def setting(folder, file, **changes):
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def shards(folder):
    """The same model in several shards with an index."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="40KB")
    found = sorted(folder.glob("model-*.safetensors"))
    assert len(found) > 2
    return found


def cut(path, size=-8):
    path.write_bytes(path.read_bytes()[:size])


def test_a_whole_folder_passes(folder):
    check_folder("mine", folder)
    shards(folder)
    check_folder("mine", folder)


@pytest.mark.parametrize("kind", ["LlamaTokenizer", "Qwen2Tokenizer", "T5Tokenizer", "BertTokenizer", None])
def test_a_tokenizer_needs_a_vocabulary(folder, kind):
    (folder / "tokenizer.json").unlink()
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["tokenizer_class"]
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings | ({"tokenizer_class": kind} if kind else {}))
    )
    assert ("has no vocabulary" if kind else "cannot load its tokenizer") in said(folder)


def test_a_vocabulary_needs_its_merges(folder):
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    setting(folder, "tokenizer_config.json", tokenizer_class="Qwen2Tokenizer")
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    assert "`vocab` and `merges` must be both" in said(folder)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, model["merges"])))
    check_folder("mine", folder)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer.json", "{"),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", '{"version": "1.0", "model": {"type": "Nonesuch"}}'),
        ("tokenizer.json", ""),
        ("tokenizer_config.json", "{"),
        ("tokenizer_config.json", "[]"),
        ("special_tokens_map.json", "{"),
        ("config.json", "{"),
        ("config.json", "[1]"),
        ("generation_config.json", "{,}"),
    ],
)
def test_a_broken_file_of_settings_is_named(folder, file, content):
    (folder / file).write_text(content)
    sentence = said(folder)
    assert "Repair" in sentence
    assert "Delete" not in sentence


def test_bytes_that_are_no_text_are_no_settings(folder):
    (folder / "config.json").write_bytes(b'{"model_type": "llama\xff"}')
    assert "config.json is not valid JSON" in said(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json", "merges.txt"])
def test_a_pointer_is_no_file(folder, file):
    (folder / file).write_text(LFS)
    assert f"{file} is a Git LFS pointer, not the file itself. Run `git lfs pull`" in said(folder)


def test_a_link_to_nothing_is_named(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("../../blobs/nothing")
    assert "model.safetensors is a link to a file that is not there" in said(folder)


@pytest.mark.parametrize("size", [0, 4, 40, -8])
def test_weights_that_are_cut_are_named(folder, size):
    cut(folder / "model.safetensors", size)
    assert "model.safetensors" in (sentence := said(folder))
    assert "Fetch it again" in sentence


def test_a_header_of_noise_is_named(folder):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 10) + b"\xff" * 10)
    assert "model.safetensors is damaged or incomplete" in said(folder)


def test_every_shard_of_an_index_is_needed_and_whole(folder):
    first, second, *_ = shards(folder)
    kept = second.read_bytes()
    second.unlink()
    assert f"lacks {second.name}, which model.safetensors.index.json names. Fetch that file." in said(folder)
    second.write_bytes(kept[:-8])
    assert f"{second.name} has {len(kept) - 8} bytes and should have {len(kept)}" in said(folder)
    second.write_bytes(first.read_bytes())
    assert f"{second.name} lacks " in said(folder)
    second.write_bytes(kept)
    check_folder("mine", folder)
    (folder / "model.safetensors.index.json").write_text("{}")
    assert "model.safetensors.index.json names no files of weights" in said(folder)
    (folder / "model.safetensors.index.json").unlink()
    assert "holds neither model.safetensors nor model.safetensors.index.json" in said(folder)


def test_shards_lie_in_the_folder_itself(folder):
    first, *_ = shards(folder)
    (folder / "part").mkdir()
    first.rename(folder / "part" / first.name)
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace(first.name, f"part/{first.name}"))
    assert f"index.json names part/{first.name}. Put all files of weights into one folder." in said(folder)


def test_code_is_in_the_folder_itself(folder):
    (folder / "modeling_own.py").write_text("")
    setting(folder, "config.json", model_type="own", auto_map={"AutoConfig": "owner/name--modeling_own.Own"})
    assert "names code in a repository of the hub" in said(folder, trusted=True)
    assert "brings Python code of its own" in said(folder)


def test_weights_under_another_name_are_not_found_by_transformers(folder):
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    assert "holds neither model.safetensors nor" in said(folder)


def test_pickled_weights_that_are_cut_are_named(folder):
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    check_folder("mine", folder, allow_pickle=True)
    cut(folder / "pytorch_model.bin", -200)
    assert "pytorch_model.bin is incomplete" in said(folder, allow_pickle=True)


def test_an_adapter_is_no_model(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}')
    assert "holds an adapter (adapter_config.json)" in said(folder)


@pytest.mark.parametrize(
    "template",
    [
        "{% for tool in tools %}{{ tool }}{% endfor %}{% for m in messages %}{{ m['content'] }}{% endfor %}",
        "{{ tools | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}",
        "{% for m in messages %}{{ m['content'] }}",
        "{{ messages[0]['content'] + 1 }}",
    ],
)
def test_a_template_that_cannot_write_a_chat_is_named(folder, tmp_path, template):
    (folder / "chat_template.jinja").write_text(template)
    assert "its chat template cannot write a chat" in said(folder)
    other = tmp_path / "other.jinja"
    other.write_text(tiny.CHATML)
    check_folder("mine", folder, template=other)
    other.write_text(template)
    (folder / "chat_template.jinja").write_text(tiny.CHATML)
    assert "its chat template cannot write a chat" in said(folder, template=other)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{% for part in m['content'] %}{{ '<' + part['text'] }}{% endfor %}{% endfor %}",
        "{% if messages | length % 2 == 0 %}{{ raise_exception('one turn alone') }}{% endif %}",
    ],
)
def test_a_template_that_wants_another_chat_is_left_to_those_who_write_one(folder, template):
    (folder / "chat_template.jinja").write_text(template)
    check_folder("mine", folder)


def test_a_template_has_to_be_utf_8_and_not_empty(folder, tmp_path):
    own, other = folder / "chat_template.jinja", tmp_path / "other.jinja"
    good = own.read_bytes()
    for path, options in ((own, {}), (other, {"template": other})):
        path.write_bytes("Grüße {{ messages[0]['content'] }}".encode("latin-1"))
        assert f"{path} is not UTF-8 (byte 2). Save it as UTF-8." in said(folder, **options)
        path.write_text(" \n")
        assert f"{path} is empty" in said(folder, **options)
        path.write_bytes(good)
    assert "there is no such file" in said(folder, template=tmp_path / "nowhere.jinja")


def test_of_named_templates_one_has_to_be_the_default(folder):
    (folder / "chat_template.jinja").unlink()
    named = [{"name": "tool_use", "template": tiny.CHATML}, {"name": "rag", "template": tiny.CHATML}]
    setting(folder, "tokenizer_config.json", chat_template=named)
    assert "the chat templates tool_use, rag and none called default" in said(folder)
    named[1]["name"] = "default"
    setting(folder, "tokenizer_config.json", chat_template=named)
    check_folder("mine", folder)


def test_a_sentencepiece_model_needs_sentencepiece(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda library: None)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    setting(folder, "tokenizer_config.json", tokenizer_class="LlamaTokenizer")
    assert "`pip install sentencepiece`" in said(folder)
