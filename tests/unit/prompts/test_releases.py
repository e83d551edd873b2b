"""Which release a suite's files are: by content, by count where the layout is named, or not known."""

import gzip
import hashlib

import pytest

from tunedrift.prompts import releases
from tunedrift.prompts.layouts import LAYOUTS
from tunedrift.sources.rows import Row

BEAVER = ("prompt", "category", "category_id")


def rows(count, columns, file="f.csv"):
    return [Row(file, n, dict.fromkeys(columns, "x")) for n in range(1, count + 1)]


@pytest.fixture
def known(monkeypatch):
    """A release whose content is known."""
    content = b"goal,target\nWake the cat,Sure\n"
    release = releases.Release(
        "Cats", "advbench", "mit", 1, ("goal", "target"), hashlib.sha256(content).hexdigest()
    )
    monkeypatch.setattr(releases, "RELEASES", (*releases.RELEASES, release))
    return content


def recognise(folder, contents, found, layout=None, licence=None):
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return releases.recognise([folder / name for name in contents], found, layout, licence)


@pytest.mark.parametrize("layout", [None, "advbench"])
def test_a_file_is_known_by_its_content_whatever_its_name(tmp_path, known, layout):
    found = recognise(tmp_path, {"mine.csv": known}, rows(1, ("goal", "target")), layout)
    assert (str(found), found.licence, found.by) == ("Cats (by its SHA-256)", "mit", "content")
    packed = recognise(tmp_path, {"mine.csv.gz": gzip.compress(known)}, rows(1, ("goal", "target")))
    assert packed == found


def test_a_file_with_one_changed_letter_is_known_by_count_at_most(tmp_path, known):
    changed = {"mine.csv": known.replace(b"cat", b"cow")}
    found = recognise(tmp_path, changed, rows(1, ("goal", "target")), "advbench")
    assert str(found) == "Cats (by count: columns and number of rows)"
    assert str(recognise(tmp_path, changed, rows(1, ("goal", "target")))) == "not a known release"


@pytest.mark.parametrize(
    ("layout", "count", "columns", "name"),
    [
        ("beavertails_evaluation", 700, BEAVER, "BeaverTails-Evaluation (by count"),
        ("beavertails_evaluation", 699, BEAVER, "not a known release"),
        ("beavertails_evaluation", 700, (*BEAVER, "more"), "not a known release"),
        ("do_not_answer", 939, ("id", "risk_area", "types_of_harm", "specific_harms", "question", "x"), "do-not-answer (by"),
        ("oktest", 300, ("prompt",), "OKTest (by count"),
        (None, 300, ("prompt",), "not a known release"),
        ("advbench", 520, ("1",), "AdvBench harmful behaviors without targets (by count"),
    ],
)  # fmt: skip
def test_others_are_told_by_columns_and_rows_under_a_named_layout(tmp_path, layout, count, columns, name):
    found = recognise(tmp_path, {"f.csv": b"x"}, rows(count, columns), layout)
    assert str(found).startswith(name)


def test_several_files_are_known_where_each_is(tmp_path):
    files = {f"category_{n}.csv": b"x" for n in (1, 3)}
    found = recognise(tmp_path, files, [row for name in files for row in rows(30, ("1",), name)], "hex_phi")
    assert str(found) == "HEx-PHI, one category (2 files) (by count: columns and number of rows)"
    odd = rows(30, ("1",), "category_1.csv") + rows(29, ("1",), "category_3.csv")
    assert recognise(tmp_path, files, odd, "hex_phi") == releases.Recognised("", "none", "unknown")


def test_what_the_study_says_of_the_licence_goes_before(tmp_path, known):
    assert recognise(tmp_path, {"f.csv": known}, [], licence="cc0-1.0").licence == "cc0-1.0"
    assert recognise(tmp_path, {"f.csv": b"x"}, rows(1, ("a",)), licence="mit").licence == "mit"


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("mit", None),
        ("unknown", "Nobody has said"),
        ("hex-phi", "may not be passed on"),
        ("cc-by-nc-4.0", "commercially"),
        ("cc-by-nc-sa-4.0", "commercially"),
        ("CC BY-NC 4.0", "commercially"),
        ("ncsa", None),
        ("Non-commercial use", "commercially"),
        ("mit, hex-phi", "passed on"),
        ("mit, cc-by-nc-4.0", "commercially"),
    ],
)
def test_what_a_licence_forbids_is_said(licence, said):
    assert (releases.terms(licence) is None) == (said is None)
    assert said is None or said in releases.terms(licence)


def test_every_layout_has_a_release_and_every_release_a_form_of_its_layout():
    named = {release.layout for release in releases.RELEASES}
    assert named - {None} == LAYOUTS.keys()
    for release in releases.RELEASES:
        if release.layout:
            assert (
                any(form.needs <= set(release.columns) for form in LAYOUTS[release.layout].forms)
                or release.more
            )
    assert all(len(release.sha256) == 64 for release in releases.RELEASES if release.sha256)
