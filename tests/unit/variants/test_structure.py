from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.text.markup import count_elements
from tunedrift.text.prose import count_pieces, sentences, words
from tunedrift.variants.length_control import TOLERANCE, lengthen
from tunedrift.variants.structure import LEVELS, itemized, markdown, plain

PROSE = (
    "Anyone can wash a scarf. Open a window. Throw the waste in the bin. Finally, your home will thank you."
)

MARKED = """## Making tea

You need **three** things:

- a cup
- hot *water*
- `leaf.type`

1. **Boil** the water.
2. Pour it.

> Keep   "this" *as it is*.

| a | b |
|---|---|
| 1 | 2 |

```python
x = 2*3*4  # **not bold**

- no list
```"""

VERBATIM = [
    '> Keep   "this" *as it is*.',
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "```python\nx = 2*3*4  # **not bold**\n\n- no list\n```",
    "`leaf.type`",
]

FILLERS = ("Indeed.", "Life goes on.", "The sky is wide.", "Time flies.", "There are seven days in a week.")

WORDS = st.sampled_from(
    [
        "the",
        "a",
        "red",
        "Cup",
        "water",
        "Wash",
        "it",
        "is",
        "can",
        "First",
        "then,",
        "Finally,",
        "2",
        "3.5",
        "10%",
        "Dr.",
        "e.g.",
        "1.",
        "-",
        "#",
        "*",
        "**",
        "2*3*4",
        "__init__",
        '"a',
        'quote."\n',
        "",
        "",
        "",
        "`code",
        "x`",
        "https://a.org/b_c*d*",
        "$x_1$",
        "été",
        "Nr.",
        "(so)",
        "note:",
        "**bold**",
        ">",
        "|",
        "日本",
        "fox,",
        "dogs;",
        "end.",
        "Yes!",
        "Why?",
        "1984.",
    ]
)
TEXTS = st.lists(
    st.tuples(
        st.lists(WORDS, min_size=1, max_size=9), st.sampled_from([" ", ". ", "\n", "\n\n", ".\n- ", "!\n2. "])
    ),
    min_size=1,
    max_size=8,
).map(lambda parts: "".join(" ".join(line) + end for line, end in parts).strip())


@pytest.mark.parametrize("change", LEVELS.values(), ids=LEVELS)
@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_no_word_is_added_dropped_or_moved_and_twice_is_once(change, text):
    result = change(text)
    if result is not None:
        assert change(result) == result
        before, after = plain(text), plain(result)
        assert before is None or after is None or words(after) == words(before)


@given(
    text=st.lists(st.sampled_from(PROSE.split(". ")), min_size=2, max_size=8).map(
        lambda part: ". ".join(part) + "."
    )
)
@settings(deadline=None)
def test_plain_gives_the_words_of_marked_up_prose_back(text):
    for change in (itemized, markdown):
        assert words(plain(change(text))) == words(text)


@given(text=st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_survived(text):
    for change in LEVELS.values():
        assert change(text) is None or isinstance(change(text), str)


def test_prose_becomes_markdown_with_title_steps_and_lead_ins():
    assert markdown(PROSE) == (
        "## Anyone can wash a scarf\n\n- **Open** a window.\n- **Throw** the waste in the bin.\n"
        "- **Finally**, your home will thank you."
    )


@pytest.mark.parametrize(
    ("sentence", "led"),
    [
        ("Wash the cup.", "**Wash** the cup."),
        ("Debit cards generally have fees.", "**Debit cards** generally have fees."),
        ("In the end, it works.", "**In the end**, it works."),
        ("The old cups are hot.", "**The old cups** are hot."),
        ("Tea: a hot drink.", "**Tea**: a hot drink."),
        ("It is hot.", "It is hot."),
        ("Danny loved cups and was glad.", "Danny loved cups and was glad."),
        ("If you can wait, wait.", "**If you can wait**, wait."),
        ("**Tea** is hot.", "**Tea** is hot."),
        ("Based on your symptoms, rest.", "**Based on your symptoms**, rest."),
        ("Depending on the heat of your cup, wait.", "Depending on the heat of your cup, wait."),
        ("We'll need a cup.", "We'll need a cup."),
        ("Cups, plates, and jugs are hot.", "Cups, plates, and jugs are hot."),
        ("However, cups, plates, and jugs are hot.", "**However**, cups, plates, and jugs are hot."),
        ("So Tom has a cup.", "So Tom has a cup."),
        ("Tea.  Green leaves are best.", "Tea.  Green leaves are best."),
        ("Dr. Jones is here.", "**Dr. Jones** is here."),
    ],
)
def test_lead_ins_are_whole_phrases(sentence, led):
    assert markdown(f"- {sentence}\n- It ends.") == f"- {led}\n- It ends."


def test_steps_have_no_title():
    assert (
        markdown("First wash it. Then dry it. Now rest.")
        == "1. First wash it.\n2. Then dry it.\n3. Now rest."
    )


def test_prose_becomes_a_list_numbered_if_it_tells_steps():
    assert itemized("Tea is nice. It is hot.") == "- Tea is nice.\n- It is hot."
    assert (
        itemized("First, boil it. Then pour it. Drink.") == "1. First, boil it.\n2. Then pour it.\n3. Drink."
    )


def test_a_typed_bullet_is_not_doubled():
    assert markdown('They said:\n-"Go on."\n-"Sit down."') == 'They said:\n\n- "Go on."\n- "Sit down."'
    assert itemized("Take this:\n• Tent\n• Map") == "Take this:\n\n- Tent\n- Map"
    assert plain("-Rome, Italy  \n-Bern") == "Rome, Italy. Bern."
    assert itemized("-4 + 1 = -3 km\n-3 - 1 = -4 km") == "- -4 + 1 = -3 km\n- -3 - 1 = -4 km"


def test_labels_and_calculations_are_no_introduction():
    assert (
        markdown("Merlot: Red\nMalbec: Red\nRiesling: White")
        == "- **Merlot**: Red\n- **Malbec**: Red\n- **Riesling**: White"
    )
    assert markdown("Tom has 2 * 3 = 6 cups.\nAnn has two.").startswith("- Tom has")


def test_items_that_go_on_in_a_sentence_stay_one():
    text = "Pros include\n\n- room for many people and their dogs\n- a garden that lies in the sun"
    assert plain(text) == "Pros include room for many people and their dogs; a garden that lies in the sun."


def test_markup_becomes_prose():
    assert plain(MARKED).startswith(
        "Making tea. You need three things: a cup, hot water, `leaf.type`. Boil the water."
    )


@pytest.mark.parametrize("change", LEVELS.values(), ids=LEVELS)
def test_code_tables_and_quotations_pass_byte_for_byte(change):
    assert all(part in change(MARKED) for part in VERBATIM)


@pytest.mark.parametrize("change", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize(
    "atom",
    [
        "https://a.org/x_y?z=1*2*3",
        "2*3*4",
        "$a * b * c$",
        "(1/2)*$12 = (1/4)*$24",
        "2*(1/4)*200",
        "600 *40/100 = 24* 10",
        r"(?=.*[A-Z])(?=.*\d).{8}",
        "'*' and '*'",
        "__init__",
        '"Go. Now. *Run*."',
        "<<2*3=6>>",
        "3.14",
        "ünïcödé",
    ],
)
def test_atoms_pass_byte_for_byte(change, atom):
    text = f"One thing is {atom} here. Another thing is a *word* here. The last thing is {atom} again."
    assert change(text).count(atom) == 2


@pytest.mark.parametrize("change", LEVELS.values(), ids=LEVELS)
def test_a_result_after_hashes_is_no_heading(change):
    text = "She has 2 + 3 = 5 cups.\nShe gives one away.\n#### 4"
    assert change(text).endswith("#### 4")


def test_unfenced_code_is_fenced_or_left_alone():
    code = "def add(a, b):\n    return a * b * 2\n\n# add\nprint(add(1, 2))"
    assert markdown(code) == f"```\n{code}\n```"
    assert plain(code) == code
    assert itemized(code) is None
    assert itemized(f"This adds. It works.\n\n{code}") is None


def test_sentences_around_unfenced_code_stay_outside_its_fence():
    code = "def add(a, b):\n    return a * b * 2\n\nx = add(1, 2)\nprint(x)"
    text = f"Here is the corrected code:\n{code}\n\nThe output would now be 4."
    result = f"Here is the corrected code:\n\n```\n{code}\n```\n\nThe output would now be 4."
    assert markdown(text) == markdown(result) == result
    assert plain(text) == text
    assert markdown(f"Resources:\n{code}") == f"```\nResources:\n{code}\n```"
    # As prose, the list would lose its numbers.
    assert markdown(f"1. Define a short function called add.\n2. Then call it just once.\n\n{code}") is None


@pytest.mark.parametrize(
    "text", ["A = <<4=4>>4 floors\nB = 4 + 9 = <<4+9=13>>13 floors\n#### 13", "x = -7/11, y = 8/11"]
)
def test_equations_are_no_code(text):
    assert markdown(text) is None


def test_html_without_a_blank_line_gets_none():
    text = "Use this page. It is short.\n\n<!DOCTYPE html>\n<html>\n<p>Tea</p>\n</html>"
    assert itemized(text).endswith("<!DOCTYPE html>\n<html>\n<p>Tea</p>\n</html>")


def test_what_introduces_something_else_is_no_item():
    code = "```\nx = 1\n```"
    assert itemized("The output would be:\n25") is None
    assert markdown("The output would be:\n25") is None
    assert markdown("Cup: red\nJug: red\nMug:").endswith("- **Mug**:")
    pair = f"The cups in this old house are red, and so are all of its plates. Here is one:\n\n{code}"
    assert markdown(pair) == pair
    more = f"All cups are red or green. Tom has one in his old house. It is hot. Look:\n\n{code}"
    assert markdown(more) == (
        f"## All cups are red or green\n\n- **Tom** has one in his old house.\n- It is hot.\n\nLook:\n\n{code}"
    )


def test_a_comma_behind_one_item_is_no_part_of_the_prose():
    assert plain("- Ann Lee\n- Tom Ray,\n- Jo") == "Ann Lee, Tom Ray, Jo."
    assert plain("- Rome, Italy\n- Bern,\n- Lima, Peru") == "Rome, Italy. Bern. Lima, Peru."


@pytest.mark.parametrize(
    "text",
    [
        "One sentence only.",
        "Dear Ann,\nthank you for the cake. It was good.\nYours, Tom",
        "Roses are red,\nviolets are blue,\nsugar is sweet,\nand so are you.",
        "Verse\nBm          C\nIt goes round. It goes on.",
        "茶は好きです。とても。",
    ],
)
def test_what_is_no_prose_is_left_alone(text):
    assert itemized(text) is None


def test_sentences_end_where_they_should():
    text = 'Dr. Ann has 3.5 cups, e.g. two. She said "Go. Now." Then J. Doe left at 5 p.m. today! 1. Eat. 2. Sleep.'
    assert sentences(text) == [
        "Dr. Ann has 3.5 cups, e.g. two.",
        'She said "Go. Now."',
        "Then J. Doe left at 5 p.m. today!",
        "1. Eat.",
        "2. Sleep.",
    ]


@given(
    text=st.lists(st.sampled_from(PROSE.split(". ")), min_size=3, max_size=9).map(
        lambda part: ". ".join(part) + "."
    )
)
@settings(deadline=None)
def test_the_length_control_is_as_long_as_markdown_and_has_no_markup(text):
    result = lengthen(text, "length", FILLERS, "key")
    if result is not None:
        target = count_pieces(markdown(text))
        assert abs(count_pieces(result) - target) <= TOLERANCE * target
        assert result.startswith(text)
        assert plain(result) == result
        assert lengthen(result, "length", FILLERS, "key") == result


def test_fillers_stand_before_a_closing_result():
    text = (
        "Tom is tall.\nHe has 6 cups on the shelf.\nHe sells 2 of them today.\nSo he has 6 - 2 = 4.\n#### 4"
    )
    for key in map(str, range(20)):
        longer = lengthen(text, "length", FILLERS, key)
        assert longer.startswith(text.removesuffix("\n#### 4"))
        assert longer.endswith(".\n#### 4")
        assert longer != text
        assert lengthen(longer, "length", FILLERS, key) == longer


def test_a_result_is_no_heading_in_the_counts():
    counts = count_elements("# Cups\n\nHe has 4.\n\n#### 4")
    assert counts["headings"] == 1


def test_the_length_control_needs_the_structure_and_room():
    assert lengthen("One sentence only.", "length", FILLERS, "key") is None
    assert lengthen(PROSE, "length", FILLERS, "key") != PROSE
    assert lengthen(PROSE, "length", ("A sentence that is far too long to fit in " * 9,), "key") is None


@pytest.mark.parametrize("unit", ["[a ", "a*b_", "“a ", "\\( ", "a"])
def test_thousands_of_unclosed_marks_take_no_minutes(unit):
    text = unit * (30_000 // len(unit))
    began = process_time()
    results = [change.__wrapped__(text) for change in (plain, markdown, itemized)]
    assert process_time() - began < 10
    assert all(result is None or words(plain(result)) == words(text) for result in results)
