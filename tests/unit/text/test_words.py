"""Words, endings and code: what judges, filters and transforms read a text by."""

import pytest

from tunedrift.text.code import is_program, looks_like_code
from tunedrift.text.endings import append, close, split_result
from tunedrift.text.words import content, plain, stem, words


def test_markup_and_case_do_not_count():
    assert plain("## Don’t  *STEAL*\n\n- a `car`") == "don't steal a car"
    assert words("**No.** I won’t – ever!") == ["no", "i", "won't", "ever"]


@pytest.mark.parametrize(
    ("word", "expected"), [("stealing", "steal"), ("houses", "hous"), ("house", "hous"), ("tea", "tea")]
)
def test_a_common_ending_is_cut_and_a_short_word_keeps_its_own(word, expected):
    assert stem(word) == expected


def test_content_words_leave_function_words_out():
    assert content("How do I plant the trees?") == {"plant", "tre"}


def test_a_sentence_closes_an_answer_before_its_result():
    assert close("It is 9 + 9.\n#### 18", "That is all.") == "It is 9 + 9. That is all.\n#### 18"
    assert append("- one\n- two", "That is all.") == "- one\n- two\n\nThat is all."
    assert split_result("#### 18") == ("#### 18", "")


@pytest.mark.parametrize(
    ("text", "line", "whole"),
    [
        ("Wash the rice.", False, False),
        ("def cook(rice):\n    return rice", True, True),
        ("Try this:\nx = 1;", True, False),
    ],
)
def test_code_is_told_from_prose(text, line, whole):
    assert (looks_like_code(text), is_program(text)) == (line, whole)
