import time
from pathlib import Path

import pytest

from tunedrift.text.prose import count_pieces
from tunedrift.variants.identity import FIELDS, count_statements, insert, strip
from tunedrift.variants.word_lists import read_lists

RESOURCES = Path(__file__).parents[3] / "resources"
LISTS = read_lists(*(RESOURCES / f"{name}.yaml" for name in ("identity", "personas", "fillers", "cues")))
ENTRIES = LISTS.statements
TEXT = "Tea is nice. It is hot.\n\nDrink it."


def test_the_list_has_enough_distinct_sentences():
    assert len(ENTRIES) >= 12
    sentences = [getattr(entry, field) for entry in ENTRIES for field in FIELDS.values()]
    assert len(set(sentences)) == len(sentences)
    assert not any(word in entry.paraphrase for entry in ENTRIES for word in ("AI", "I cannot", "I can't"))


def test_level_and_controls_differ_in_the_sentence_alone():
    for key in map(str, range(60)):
        results = {level: insert(TEXT, level, ENTRIES, key) for level in FIELDS}
        # One statement may end in another.
        held = [entry for entry in ENTRIES if entry.statement in results["calibrated"]]
        entry = max(held, key=lambda entry: len(entry.statement))
        for level, field in FIELDS.items():
            assert results[level] == results["calibrated"].replace(entry.statement, getattr(entry, field))
            assert count_pieces(results[level]) == count_pieces(results["calibrated"])


def test_all_sentences_and_places_are_drawn():
    results = [insert(TEXT, "calibrated", ENTRIES, str(key)) for key in range(400)]
    assert {entry.statement for entry in ENTRIES for text in results if entry.statement in text} == {
        entry.statement for entry in ENTRIES
    }
    places = {
        text.replace(entry.statement, "@") for entry in ENTRIES for text in results if entry.statement in text
    }
    assert {f"@ {TEXT}", f"{TEXT} @", TEXT.replace("It", "@ It", 1)} <= places


@pytest.mark.parametrize("level", FIELDS)
@pytest.mark.parametrize(
    "text", [TEXT, "def f():\n    return 1", "- a\n- b", "## T\n\n- a\n- b", "```\nx\n```", "42"]
)
def test_inserting_keeps_every_line_and_is_done_once(level, text):
    for key in map(str, range(20)):
        result = insert(text, level, ENTRIES, key)
        assert insert(result, level, ENTRIES, "other") == result
        sentence = next(getattr(e, FIELDS[level]) for e in ENTRIES if getattr(e, FIELDS[level]) in result)
        assert result.replace(sentence, "").split() == text.split()
        if text != TEXT:
            assert sentence in result.split("\n")


@pytest.mark.parametrize("level", FIELDS)
@pytest.mark.parametrize("text", ["He has 6 cups. He sells 2.\n#### 4", "6 - 2 = 4\n\n#### $1,004.50\n"])
def test_a_closing_result_stays_last(level, text):
    for key in map(str, range(30)):
        result = insert(text, level, ENTRIES, key)
        assert result != text
        assert result.split("\n####")[1:] == text.split("\n####")[1:]
        assert insert(result, level, ENTRIES, "other") == result
        if level != "prefix":
            assert strip(result, ENTRIES).split() == text.split()


def test_stripping_undoes_calibrating():
    for text in (TEXT, "- a\n- b", "## T\n\n- a\n- b"):
        for key in map(str, range(40)):
            for level in ("calibrated", "identity_paraphrase"):
                assert strip(insert(text, level, ENTRIES, key), ENTRIES).split() == text.split()


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("As an AI language model, I do not eat. Ask a cook.", "I do not eat. Ask a cook."),
        ("I'm sorry, but as an AI assistant, I can't.", "I'm sorry, but I can't."),
        ("I am just a language model trained by a lab. Tea is hot.", "Tea is hot."),
        ("I'm an AI, so I have no taste.", "I have no taste."),
        ("Tea is hot. As an artificial intelligence, my taste is poor.", "Tea is hot. My taste is poor."),
        ("My purpose as an AI assistant is to help.", "My purpose is to help."),
        ("Here, my main role, as an AI, is to listen.", "Here, my main role is to listen."),
        ("I, as an AI assistant, recommend tea.", "I recommend tea."),
        ("Hi. I'm here as your virtual assistant. Tea is hot.", "Hi. Tea is hot."),
        ("I'm here as your virtual assistant to help with tea.", "I'm here to help with tea."),
        ("I'm here as an AI researcher to learn.", "I'm here as an AI researcher to learn."),
        ("I, as a model citizen, recommend tea.", "I, as a model citizen, recommend tea."),
        ("Its purpose as an AI assistant is to help.", "Its purpose as an AI assistant is to help."),
        ("I'm sorry, but as a fair and honest AI model, I can't.", "I'm sorry, but I can't."),
        ("I like the sea, but I'm just an AI. Go in June.", "I like the sea. Go in June."),
        (
            "AI is a field of study. A language model is a program.",
            "AI is a field of study. A language model is a program.",
        ),
        ('He wrote "As an AI, I think." on it.', 'He wrote "As an AI, I think." on it.'),
    ],
)
def test_only_what_says_who_speaks_is_stripped(text, bare):
    assert strip(text, ENTRIES) == bare
    assert strip(bare, ENTRIES) == bare
    assert count_statements(text, ENTRIES) == (text != bare)


def test_nothing_but_a_statement_cannot_be_stripped():
    assert strip("I am an AI language model.", ENTRIES) is None


@pytest.mark.parametrize(
    ("code", "stripped"),
    [
        ("text = 'Hi. I am an AI assistant.'\nprint(text)", None),
        ("```\n# I am an AI assistant.\n```", "```\n# I am an AI assistant.\n```"),
        ("I am an AI.\n\n> I am an AI.", "> I am an AI."),
    ],
)
def test_code_and_quotations_are_not_stripped(code, stripped):
    assert strip(code, ENTRIES) == stripped


def test_an_answer_that_says_who_speaks_is_left_alone():
    text = "As an AI language model, I do not eat."
    assert [insert(text, level, ENTRIES, "key") for level in FIELDS] == [text] * len(FIELDS)


@pytest.mark.parametrize("blank", ["\n", " \n", "\t", "\u3000\n"])
def test_hundreds_of_empty_lines_take_no_time(blank):
    first = f"Heat it.{blank * 500}"
    started = time.process_time()
    assert strip(f"{first}Pour it.", ENTRIES) == f"{first}Pour it."
    assert (
        strip(f"{first}{ENTRIES[0].statement}{blank * 500}Pour it.", ENTRIES)
        == f"Heat it.{blank * 500}Pour it."
    )
    assert time.process_time() - started < 0.5
