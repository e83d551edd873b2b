"""Glued names: each is made and parsed in one place, and its parts are columns."""

import pytest

from tunedrift.design.subjects import Subject, parse_subject
from tunedrift.design.tunings import Tuning, parse_tuning
from tunedrift.errors import UserError


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        ("untuned", Tuning()),
        ("alpaca-1.0/markdown+dose50/seed12", Tuning("alpaca-1.0", "markdown+dose50", 12)),
    ],
)
def test_a_tuning_is_read_back_from_its_name(name, tuning):
    assert parse_tuning(name) == tuning
    assert tuning.name == name
    assert tuning.columns == {"tuning": name, **tuning._asdict()}


@pytest.mark.parametrize("name", ["", "untuned/x", "a/b", "a/b/c", "a/b/seed", "a/b/seed1/d", "a//seed1"])
def test_what_names_no_tuning_is_refused(name):
    with pytest.raises(UserError, match="names no tuning"):
        parse_tuning(name)


@pytest.mark.parametrize(
    ("path", "columns", "group", "parts"),
    [
        ("variants/alpaca-1.0", {"dataset": "alpaca-1.0"}, "markdown", {"variant": "markdown"}),
        ("preferences/simulated", {"preference_set": "simulated"}, "safer", {"side": "safer"}),
        (
            "responses/tiny",
            {"model": "tiny"},
            "household/plain/seed3",
            {"dataset": "household", "variant": "plain", "seed": 3},
        ),
    ],
)
def test_a_subject_and_its_groups_are_columns(path, columns, group, parts):
    subject = parse_subject(path)
    assert subject == Subject(*path.split("/")) and subject.path == path
    assert subject.columns == {"subject": path, "stage": path.split("/")[0], **columns}
    assert subject.group(group) == {"group": group, **parts}


@pytest.mark.parametrize("path", ["", "variants", "variants/", "answers/tiny"])
def test_what_is_no_subject_is_refused(path):
    with pytest.raises(
        UserError, match="is no subject: one begins with variants/, responses/ or preferences/"
    ):
        parse_subject(path)
