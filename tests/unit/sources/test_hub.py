from unittest import mock

import huggingface_hub
import pytest
from huggingface_hub import errors

from tunedrift.errors import UserError
from tunedrift.sources import hub


def answer(error):
    raised = error("no", response=mock.MagicMock(headers={}))
    return mock.patch.object(huggingface_hub, "snapshot_download", side_effect=raised)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.RepositoryNotFoundError, "the hub has no data set 'a/b', or hides it: correct the id"),
        (errors.RevisionNotFoundError, "a/b has no revision 'c0ffee': take a commit"),
        (errors.GatedRepoError, "a/b@c0ffee is gated: accept its licence"),
    ],
)
def test_what_the_hub_says_becomes_one_sentence(error, message):
    with answer(error), pytest.raises(UserError, match=message):
        hub.fetch_dataset("a/b", "c0ffee", ["x.jsonl"])


def test_a_revision_that_is_not_pinned_is_told(tmp_path, capsys):
    folder = tmp_path / ("0123456789" * 4)
    folder.mkdir()
    (folder / "a.json").write_text("[]")
    with mock.patch.object(huggingface_hub, "snapshot_download", return_value=str(folder)):
        hub.fetch_dataset("a/b", "main", ["a.json"])
        assert f"a/b@main is not pinned: this run reads {folder.name}. Write" in capsys.readouterr().out
        hub.fetch_dataset("a/b", folder.name, ["a.json"])
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("revision", "is_pinned"),
    [("0123456789" * 4, True), ("main", False), ("0" * 39, False), ("0" * 41, False)],
)
def test_only_a_full_commit_is_pinned(revision, is_pinned):
    assert hub.pinned(revision) == is_pinned


def test_the_files_of_a_snapshot_are_found_by_pattern(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("data/b.jsonl", "data/a.jsonl", "README.md"):
        (tmp_path / name).write_text("{}")
    with mock.patch.object(huggingface_hub, "snapshot_download", return_value=str(tmp_path)) as download:
        found = hub.fetch_dataset("a/b", "c0ffee", ["data/*.jsonl"])
        assert found == [str(tmp_path / "data/a.jsonl"), str(tmp_path / "data/b.jsonl")]
        assert download.call_args.kwargs["revision"] == "c0ffee"
        with pytest.raises(UserError, match=r"a/b@c0ffee has no file 'x\.csv'"):
            hub.fetch_dataset("a/b", "c0ffee", ["x.csv"])
        with pytest.raises(UserError, match=r"a/b@c0ffee has no file '\*\*\.csv'"):
            hub.fetch_dataset("a/b", "c0ffee", ["**.csv"])


@pytest.mark.parametrize(
    "no_id", ["a b/c", "a/b/c", "../model", "a--b/c", "", "a/", "über/c", "a/b.git", "a" * 100]
)
def test_what_is_no_id_of_a_model_is_one_sentence(no_id, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as caught:
        hub.fetch_model(no_id, "main", [])
    assert str(caught.value) == f"{no_id!r} is no hub id: write owner/name."


def test_of_a_model_all_is_fetched_but_what_is_ignored(tmp_path):
    with mock.patch.object(huggingface_hub, "snapshot_download", return_value=str(tmp_path)) as download:
        hub.fetch_model("a/b", "main", ["*.md"])
    assert download.call_args.kwargs == {"revision": "main", "ignore_patterns": ["*.md"]}
