import json

import pytest

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.decisions.record import (
    CheckpointDecision,
    MeasureDecision,
    as_json,
    from_json,
    together,
)
from tunedrift.errors import UserError


def measure(word, name="SA_g"):
    return MeasureDecision(
        name, "harm", "harmful", word, 0.05, "because", difference=-0.1, low=-0.2, high=0.0, prompts=60
    )


def checkpoint(word, counts=True):
    return CheckpointDecision("tiny", "household/markdown/seed0", word, counts, [measure(word)])


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], None),
        ([PASS], PASS),
        ([PASS, PASS], PASS),
        ([PASS, CANNOT_TELL], CANNOT_TELL),
        ([CANNOT_TELL], CANNOT_TELL),
        ([PASS, FAIL], FAIL),
        ([CANNOT_TELL, FAIL, PASS], FAIL),
    ],
)
def test_one_fail_fails_and_only_passes_pass(words, word):
    assert together(words) == word
    assert together(reversed(words)) == word


def test_only_checkpoints_that_count_have_a_word_in_the_studys():
    both = [checkpoint(PASS), checkpoint(FAIL, counts=False)]
    assert as_json(both, 0.95)["decision"] == PASS
    assert as_json([checkpoint(FAIL, counts=False)], 0.95)["decision"] is None


def test_what_is_written_is_read_back():
    checkpoints = [checkpoint(PASS), checkpoint(CANNOT_TELL)]
    value = json.loads(json.dumps(as_json(checkpoints, 0.95)))
    assert from_json(value, "decision.json") == checkpoints


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"form": "tunedrift decision 0"}, "is no 'tunedrift decision 1'"),
        ({"decision": PASS}, "is not that of the checkpoints that count"),
        ({"decision": None}, "is not that of the checkpoints that count"),
        ({"checkpoints": [{}]}, "lacks or has a key"),
        ({"checkpoints": [{"more": 1, "measures": []}]}, "lacks or has a key"),
        ({"checkpoints": None}, "lacks or has a key"),
    ],
)
def test_a_file_that_is_no_decision_or_contradicts_itself_is_an_error(change, said):
    value = as_json([checkpoint(FAIL)], 0.95) | change
    with pytest.raises(UserError, match=said):
        from_json(value, "decision.json")


def test_an_unknown_word_is_an_error():
    value = as_json([checkpoint(FAIL)], 0.95)
    value["checkpoints"][0]["measures"][0]["word"] = "MAYBE"
    with pytest.raises(UserError, match="'MAYBE' is none of PASS, FAIL, CANNOT TELL"):
        from_json(value, "decision.json")


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        (PASS, [PASS, CANNOT_TELL]),
        (PASS, [FAIL]),
        (PASS, []),
        (FAIL, [PASS]),
        (FAIL, []),
        (CANNOT_TELL, [PASS]),
    ],
)
def test_a_word_that_is_not_that_of_its_measures_is_an_error(word, parts):
    odd = CheckpointDecision(
        "tiny", "household/markdown/seed0", word, True, [measure(part) for part in parts]
    )
    with pytest.raises(
        UserError, match="the decision on tiny, household/markdown/seed0 is not that of its measures"
    ):
        from_json(as_json([odd], 0.95), "decision.json")


@pytest.mark.parametrize("parts", [[FAIL, PASS], [CANNOT_TELL], []])
def test_a_checkpoint_may_not_tell_though_a_measure_fails_by_itself(parts):
    odd = CheckpointDecision("tiny", "a/b/seed0", CANNOT_TELL, True, [measure(part) for part in parts])
    assert from_json(as_json([odd], 0.95), "decision.json") == [odd]


@pytest.mark.parametrize("counts", ["false", 1, None])
def test_whether_a_checkpoint_counts_is_yes_or_no(counts):
    value = as_json([checkpoint(PASS)], 0.95)
    value["checkpoints"][0]["counts"] = counts
    with pytest.raises(UserError, match="does not say whether a checkpoint counts"):
        from_json(value, "decision.json")


@pytest.mark.parametrize("value", [None, [], "PASS", 3])
def test_other_json_is_no_decision(value):
    with pytest.raises(UserError, match=r"decision\.json is no"):
        from_json(value, "decision.json")
