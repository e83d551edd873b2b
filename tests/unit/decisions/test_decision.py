import numpy as np
import pytest

from tunedrift.decisions.decision import Measured, decide, say
from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS, difference


def measured(name, losses, prompts=400, margin=0.05, measures=4, **how):
    base = np.arange(prompts) % 2 if losses == 0 else np.arange(prompts) < prompts // 2
    tuned = base & (np.arange(prompts) >= losses)
    return Measured(name, margin, difference(tuned, base, margin, 0.95, measures), **how)


def names(*losses, **how):
    return [measured(f"m{index}", count, **how) for index, count in enumerate(losses)]


def test_a_checkpoint_passes_if_all_measures_do():
    assert decide(names(0, 0, 0, 0), 0.95).word == PASS
    found = decide(names(0, 0, 0, 15), 0.95)
    assert [one.word for one in found.measures] == [PASS, PASS, PASS, CANNOT_TELL]
    assert found.word == CANNOT_TELL
    assert [one.needed for one in found.measures[:3]] == [None] * 3
    assert found.measures[3].needed > 400


def test_a_checkpoint_fails_if_one_measure_does_under_holm():
    assert decide(names(80, 0, 0, 0), 0.95).word == FAIL
    # 33 of 400 lie below the margin alone (one-sided p about .02), but not among four.
    one = names(33, 0, 0, 0)
    assert say(one[0]).word == FAIL
    assert 0.025 / 4 < one[0].raw.p_below < 0.025
    assert decide(one, 0.95).word == CANNOT_TELL
    assert decide(one[:1], 0.95).word == FAIL
    assert decide(one, 0.95).adjusted[0] == pytest.approx(4 * one[0].raw.p_below)


def test_a_judge_that_is_not_certified_cannot_tell_whichever_way_its_numbers_point():
    for losses in (0, 80):
        said = say(measured("safety", losses, certified=False))
        assert (said.word, said.reason, said.needed) == (CANNOT_TELL, "the judge is not certified", None)
    assert decide([*names(0, 0), measured("safety", 80, certified=False)], 0.95).word == CANNOT_TELL


def test_raw_and_corrected_differences_must_lead_to_the_same_word():
    assert say(measured("safety", 0, corrected=(-0.02, 0.02))).word == PASS
    for corrected in ((-0.06, 0.02), (-0.3, -0.1), (np.nan, np.nan)):
        said = say(measured("safety", 0, corrected=corrected))
        assert said.word == CANNOT_TELL
        assert "different words" in said.reason
    assert decide([measured("safety", 80, corrected=(-0.06, 0.0))], 0.95).word == CANNOT_TELL


def test_without_answers_or_measures_nothing_can_be_told():
    nothing = Measured("utility", 0.05, difference(np.empty(0), np.empty(0), 0.05, 0.95, 4))
    assert say(nothing).reason == "no answers"
    assert decide([*names(0, 0, 0), nothing], 0.95).word == CANNOT_TELL
    assert decide([*names(80, 0, 0), nothing], 0.95).word == FAIL
    assert decide([], 0.95).word == CANNOT_TELL


def test_a_margin_of_nothing():
    assert decide([measured("safety", 0, margin=0.0)], 0.95).word == CANNOT_TELL
    assert decide([measured("safety", 0, margin=0.0)], 0.95).measures[0].needed is None
    assert decide([measured("safety", 80, margin=0.0)], 0.95).word == FAIL
