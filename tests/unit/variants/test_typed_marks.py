"""Signs, letters, numbers and bullets that Markdown does not know, or knows as something else."""

import pytest

from tunedrift.text.prose import sentences
from tunedrift.variants.structure import LEVELS, itemized, markdown, plain


@pytest.mark.parametrize("change", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize(
    "text",
    [
        "Write one under the other:\n\n  70\n+ 21\n\nThe sum is 91.",
        "Multiply it out:\n\nx^2\n+ 3x\n+ 9",
        "What they earn:\nprice\n+ shipping\n+ tax",
        "1. Add them:\n   70\n   + 21\n2. Write it down.",
        "70\n- 21\n\nThe difference is 49.",
        "70\n* 2\n\nThe product is 140.",
        "x^2\n\n- 3x\n- 9\n\nThat is all.",
        "70 cups\n- 20 cups\n-------\n50 cups",
        "Income 900\n- Rent 400\n= Savings 500",
        "It was cold in May:\n-4 degrees at night\n-2 degrees at noon",
    ],
)
def test_a_row_whose_lines_begin_with_signs_is_left_alone(change, text):
    assert change(text) is None


def test_signs_without_a_space_and_lists_of_amounts_stay():
    assert plain("-X + 2\n-Y + 3") == "-X + 2\n-Y + 3"
    assert itemized("-B * 2 is one.\n-C * 3 is another.") == "- -B * 2 is one.\n- -C * 3 is another."
    assert plain("So:\n12\n· 3\n= 36") == "So:\n12\n· 3\n= 36"
    assert plain("Buy this:\n- 2 cups of rice\n- 3 eggs") == "Buy this: 2 cups of rice, 3 eggs."
    assert plain("Some primes are:\n- 2\n- 3") == "Some primes are: 2, 3."


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ("a.", "b.", "c."),
        ("b)", "c)", "d)"),
        ("(A)", "(B)", "(C)"),
        ("A.", "B.", "C."),
        ("i.", "ii.", "iii."),
        ("IV)", "V)", "VI)"),
        ("a.)", "b.)", "c.)"),
    ],
)
def test_lettered_lines_are_whole_items(first, second, third):
    text = f"Which one do you like?\n{first} Green tea\n{second} Milk\n{third} Water"
    items = f"- {first} Green tea\n- {second} Milk\n- {third} Water"
    assert itemized(text) == f"Which one do you like?\n\n{items}"
    assert markdown(text) == f"## Which one do you like?\n\n{items}"
    assert plain(text) == f"Which one do you like? {first} Green tea, {second} Milk, {third} Water."


def test_letters_stay_with_their_points():
    assert itemized("Tea.\n\na. Green\n\nb. Black") == "- Tea.\n- a. Green\n- b. Black"
    assert itemized("a. Tea. It is hot. b. Milk.") == "- a. Tea.\n- It is hot.\n- b. Milk."
    assert itemized("a.\nGreen tea\nb.\nMilk") is None
    assert itemized("Tea is hot. b.\nMilk is not.") is None
    assert markdown("a) Tea is hot.\nb) Milk is not.") == "- a) **Tea** is hot.\n- b) **Milk** is not."
    assert markdown("ii. Wash the cup.\niii. Dry the cup.").startswith("- ii. **Wash** the cup.")


@pytest.mark.parametrize(
    "sentence",
    [
        "It was Roe v. Wade that he meant.",
        "We read United States v. Nixon and Smith et al. v. Board.",
        "The books of J.R.R. Tolkien and J. R. R. Martin are long.",
        "See S.R. 819 and Fig. 2.",
        "It is on p. 5, ch. 2 and pp. 7 to 9.",
        "Maj. Smith and Messrs. Brown met the Hon. Ann Lee.",
        "Step 1. Boil the water.",
        "2.1. Boil the water.",
        "II. Boil the water.",
        "b. Boil the water.",
        "Der Laden ist am 3. Mai zu.",
        "Dann folgt der 2. Schritt.",
        "Es geschah im 19. Jahrhundert und zum 3. Mal.",
        "Sein 18. Geburtstag war am 24. Dezember.",
        "Wir treffen uns Montag, 7. Juni.",
        "Es gibt vieles, z. B. Brot, u. a. Brezeln, d. h. Essen, bzw. Getränke.",
        "Es gibt z.B. Brot und u.a. Käse, vgl. Abb. 3 und Nr. 4.",
        "Frau Dr. rer. nat. Meier kam.",
    ],
)
def test_no_sentence_is_cut_behind_an_abbreviation_an_ordinal_or_a_label(sentence):
    assert sentences(f"{sentence} Yes.") == [sentence, "Yes."]


@pytest.mark.parametrize(
    "sentence", ["I am 30.", "Solve it for x.", "The speed is v.", "The chance is p.", "He trains his abs."]
)
def test_a_number_or_a_variable_ends_a_sentence(sentence):
    assert sentences(f"{sentence} Yes.") == [sentence, "Yes."]


def test_dates_at_the_start_of_a_line_are_no_list():
    assert plain("3. Oktober 1990 war der Tag. Es war schön.") is None
    assert itemized("3. Mai: Anfang\n4. Mai: Ende") is None
    for change in LEVELS.values():
        assert change("3.Mai: Anfang\n4.Mai: Ende") is None
    assert plain("1. April\n2. June") == "April, June."


@pytest.mark.parametrize(
    "mark", ["• ", "•", "-", "– ", "–", "— ", "*", "▪ ", "○ ", "► ", "·  ", "-- ", "      - ", "     * "]
)
def test_typed_bullets_behind_a_line_are_a_list(mark):
    text = f"Do this at night. Some tips:\n{mark}Go to bed\n{mark}Keep it dark\nSleep well!"
    assert plain(text) == "Do this at night. Some tips: Go to bed, Keep it dark.\n\nSleep well!"
    text = f"Some more tips:\n{mark}Go to bed early\n{mark}Drink no tea in the evening"
    assert plain(text) == "Some more tips: Go to bed early. Drink no tea in the evening."


def test_a_bullet_alone_is_an_item_and_a_hyphen_alone_is_not():
    assert plain("• Go to bed\n\n• Keep it dark") == "Go to bed. Keep it dark."
    assert plain("Do this:\n• Go to bed\n  and sleep.") == "Do this: Go to bed\nand sleep."
    assert plain("Be kind.\n– Ann Lee") == "Be kind.\n– Ann Lee"
    assert plain("Tips:\n• Go\n• Keep\n---\nBye.") is None


def test_a_list_that_is_typed_in_an_item():
    assert itemized("1. Tea:\n-Green\n-Black\n2. Milk") == "1. Tea:\n   - Green\n   - Black\n2. Milk"
    assert itemized("1. Tea:\n   a. Green\n   b. Black") == "1. Tea:\n   - a. Green\n   - b. Black"
    # It may go on in the list around it.
    assert plain("- Tea\n-Milk") is None
    assert plain("1. Tea\n2.Milk\n3. Water") is None


@pytest.mark.parametrize("between", ["\n", "\n\n"])
@pytest.mark.parametrize("mark", [".", ")"])
def test_numbers_without_a_space_are_a_list(mark, between):
    text = between.join(f"{number}{mark}{verb} the cup." for number, verb in enumerate(("Wash", "Fill"), 1))
    assert plain(text) == "Wash the cup. Fill the cup."
    assert itemized(text) == "1. Wash the cup.\n2. Fill the cup."
    assert markdown(text) == "1. **Wash** the cup.\n2. **Fill** the cup."


def test_numbers_that_do_not_count_on_are_no_list():
    assert plain("Steps:\n1.Wash it.\n2.Boil it.") == "Steps: Wash it. Boil it."
    assert plain("2.Wash it.\n4.Boil it.") == "2.Wash it.\n4.Boil it."
    assert plain("1.5 cups fit.\n2.5 do not.") == "1.5 cups fit.\n2.5 do not."
    assert plain("3.js is a library.") == "3.js is a library."
