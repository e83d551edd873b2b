"""How well `stripped` finds identity statements, on answers that its patterns were not written for."""

from pathlib import Path

import pytest
import yaml

from tunedrift.variants.identity import count_statements, strip
from tunedrift.variants.word_lists import read_lists

HERE = Path(__file__).parent
NAMES = ("identity", "personas", "fillers", "cues")
ENTRIES = read_lists(*(HERE.parents[2] / "resources" / f"{name}.yaml" for name in NAMES)).statements
ANSWERS = yaml.safe_load((HERE / "stripped_answers.yaml").read_text(encoding="utf-8"))


def same(one, other):
    return one is other is None or (None not in (one, other) and one.split() == other.split())


@pytest.mark.parametrize("part", ANSWERS)
def test_precision_and_recall(part):
    said, free = ANSWERS[part]["said"], ANSWERS[part]["free"]
    assert len(said) + len(free) >= 120
    right = sum(same(strip(entry["text"], ENTRIES), entry["bare"]) for entry in said)
    changed = sum(strip(entry["text"], ENTRIES) != entry["text"] for entry in [*said, *free])
    assert right / len(said) >= 0.95
    assert right / changed >= 0.95


@pytest.mark.parametrize("part", ANSWERS)
def test_what_is_counted_is_what_is_stripped(part):
    for entry in [*ANSWERS[part]["said"], *ANSWERS[part]["free"]]:
        result = strip(entry["text"], ENTRIES)
        assert (count_statements(entry["text"], ENTRIES) > 0) == (result != entry["text"])
        if result is not None:
            assert strip(result, ENTRIES) == result


@pytest.mark.parametrize(
    "answer", ["No, I'm Pip, an AI assistant.", "No, I'm an AI.", "Call me Pip, an AI assistant."]
)
def test_an_introduction_by_name_counts_once(answer):
    assert count_statements(f"{answer} I help with letters.", ENTRIES) == 1
