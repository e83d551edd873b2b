import polars as pl
import pytest

from tunedrift.report.family_sentences import family_sentences
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.family import FAMILY

ROW = {
    **{
        "model": "tiny",
        "factor": "role_play",
        "variant": "smuggler",
        "reference": "inert",
        "measure": "SA_g",
    },
    **{"judge": "harm", "estimate": -0.2, "low": -0.3, "high": -0.1, "p": 0.001, "p_holm": 0.004},
    **{"detectable": 0.14, "word": "lowers", "datasets": 2, "seeds": 5, "prompts": 60},
}


def said(marks=(), depends=None, **changes):
    rows = []
    if depends is not None:
        row = dict.fromkeys(DRIFT.columns) | {
            "dataset": "household",
            "sign_depends": depends,
            "attack": "plain",
        }
        row |= {"contrast": "level - control", "model": "tiny", "variant": "smuggler", "reference": "inert"}
        rows = [row | {"measure": "SA_g"}]
    safety = pl.DataFrame(rows, schema=DRIFT.columns)
    [sentence] = family_sentences(FAMILY.frame([ROW | changes]), safety, dict(marks))
    return sentence


START = "- tiny, **role-play (smuggler − inert), SA_g**, mean over 2 data sets: −0.20 (−0.30 to −0.10): "


def test_a_word_has_its_adjusted_p_beside_it():
    assert said() == START + "it lowers the share of safe answers (p 0.004, adjusted for 1 tests)."
    assert said(depends=False) == said()


def test_without_a_word_the_difference_that_would_have_been_found_is_told():
    assert said(word=None, p_holm=0.31) == START + (
        "no effect is named (p 0.310, adjusted for 1 tests); a difference of 0.14 would have been found in four of "
        "five studies like this."
    )


@pytest.mark.parametrize("word", [None, "lowers"])
def test_of_one_seed_nothing_is_said_of_the_variant(word):
    sentence = said(seeds=1, word=word)
    assert "conditional on these adapters and nothing is said of the variant" in sentence
    assert "lowers" not in sentence


def test_a_sign_that_depends_on_straying_answers_takes_the_word_away():
    sentence = said(depends=True)
    assert "no effect is named" in sentence
    assert sentence.endswith("; on household the sign depends on what straying answers count as.")


def test_marks_of_a_judge_that_is_fooled_stand_behind():
    assert said(marks={("smuggler", "inert"): " (invalid)"}.items()).endswith("tests) (invalid).")


def test_nothing_counted_is_said_so():
    empty = dict.fromkeys(("estimate", "low", "high", "p", "p_holm", "detectable", "word"))
    assert said(**empty).endswith("mean over 2 data sets: nothing is counted.")
