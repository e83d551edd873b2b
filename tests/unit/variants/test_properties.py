"""What holds for every transform, on generated Markdown and on answers as people write them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.text.endings import split_result
from tunedrift.text.prose import words
from tunedrift.variants.cue import ask
from tunedrift.variants.identity import FIELDS, insert, strip
from tunedrift.variants.length_control import MATCHED_TO, lengthen
from tunedrift.variants.role_play import play
from tunedrift.variants.structure import LEVELS, plain
from tunedrift.variants.word_lists import read_lists

RESOURCES = Path(__file__).parents[3] / "resources"
NAMES = ("identity", "personas", "fillers", "cues")
LISTS = read_lists(*(RESOURCES / f"{name}.yaml" for name in NAMES))

VERBATIM = (
    "```python\nx = [1, 2]  # **no** emphasis\n\n- no item\n```",
    "| day | price |\n|---|---|\n| 1 | $2.50 |",
    "> She wrote:  *keep* this.\n> Second line.",
    "$$E = m c^2$$",
)
ATOMS = (
    "`a * b`",
    "https://a.org/x_(y)?q=1*2",
    "3,141.59",
    "\\(x^2\\)",
    '"Go. *Now*."',
    "«Bonjour à tous»",
    "naïve café",
    "(1/2)*$12",
)
SENTENCES = st.builds(
    "{} {} {}.".format,
    st.sampled_from(["The cup", "Most people", "A good plan", "In winter, she", "Finally, you", "Then Tom"]),
    st.sampled_from(["likes", "needs", "can wash", "is near", "should try"]),
    st.sampled_from([*ATOMS, "the **red** door", "*one* more day", "a walk", "tea, bread and e.g. jam"]),
)
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=4).map(" ".join)
BLOCKS = st.one_of(
    PARAGRAPHS,
    st.sampled_from(VERBATIM),
    st.sampled_from(["# Title", "## Second title", "---"]),
    st.lists(SENTENCES, min_size=1, max_size=4).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(SENTENCES, min_size=2, max_size=4).map(
        lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
    ),
)
DOCUMENTS = st.lists(BLOCKS, min_size=1, max_size=5).map("\n\n".join)

ANSWERS = (
    "Sure! Here is a plan:\n\n1. **Buy** eggs, e.g. six.\n2. Boil them for 7.5 min.\n\nEnjoy!",
    "The answer is 42.\n#### 42",
    "He has 3 x 4 = <<3*4=12>>12 cups.\nSo he has (1/2)*$12 = $<<12/2=6>>6 left.\n#### 6",
    "Dear Ann,\nthank you for the cake.\nYours, Tom",
    "Use `pip install x`, then run:\n\n```\nx --help\n```\n\nSee https://a.org/b_c.",
    "Los gatos duermen mucho. También comen. ¿Por qué? Porque sí.",
    "def f(x):\n    return x * 2\n\nprint(f(3))",
    "- Apples\n- Pears\n- Plums",
    "The terms *lie* and *lay* differ: “lie” needs no object. “Lay” does.",
)
TEXTS = st.one_of(DOCUMENTS, st.sampled_from(ANSWERS))
KEYS = st.integers(0, 50).map(str)


def marks(text):
    return [part for part in (*VERBATIM, *ATOMS) if part in text]


@pytest.mark.parametrize("level", LEVELS)
@given(text=TEXTS)
@settings(max_examples=120, deadline=None)
def test_structure_keeps_words_order_and_whatever_is_verbatim(level, text):
    result = LEVELS[level](text)
    if result is None:
        return
    assert LEVELS[level](result) == result
    assert words(plain(result)) == words(plain(text))
    assert all(result.count(part) == text.count(part) for part in marks(text))


@pytest.mark.parametrize("level", MATCHED_TO)
@given(text=TEXTS, key=KEYS)
@settings(max_examples=40, deadline=None)
def test_length_only_appends_and_only_once(level, text, key):
    result = lengthen(text, level, LISTS.fillers, key)
    if result is not None:
        body, closing = split_result(text)
        assert result.startswith(body)
        assert result.endswith(closing)
        assert lengthen(result, level, LISTS.fillers, key) == result


@pytest.mark.parametrize("level", FIELDS)
@given(text=TEXTS, key=KEYS)
@settings(max_examples=60, deadline=None)
def test_an_inserted_sentence_is_all_that_changes_and_can_be_taken_out_again(level, text, key):
    result = insert(text, level, LISTS.statements, key)
    known = [getattr(entry, FIELDS[level]) for entry in LISTS.statements]
    sentence = max((entry for entry in known if entry in result), key=len)
    assert result.replace(sentence, "", 1).split() == text.split()
    assert insert(result, level, LISTS.statements, "other") == result
    if level != "prefix" and (stripped := strip(result, LISTS.statements)) is not None:
        assert stripped.split() == text.split()


@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_stripping_leaves_answers_alone_in_which_nobody_says_who_speaks(text):
    assert strip(text, LISTS.statements) == text


@given(
    text=TEXTS,
    key=KEYS,
    name=st.sampled_from(sorted(LISTS.personas)),
    level=st.sampled_from(sorted(LISTS.cues)),
)
@settings(max_examples=60, deadline=None)
def test_personas_and_cues_stand_around_the_instruction_once(text, key, name, level):
    chat = [{"role": "user", "content": text}]
    for change in (
        lambda messages: play(messages, LISTS.personas[name], key),
        lambda messages: play(messages, LISTS.personas[name], key, inert=True),
        lambda messages: ask(messages, LISTS.cues[level], key),
    ):
        changed = change(chat)
        assert change(changed) == changed != chat
        assert text in changed[-1]["content"]
