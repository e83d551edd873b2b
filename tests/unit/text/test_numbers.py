"""Numbers as values: signs, groups of digits, fractions, percent and the digits of many scripts."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrift.text.numbers import Number, tokens
from tunedrift.text.words import plain


def values(text):
    """The numbers of a text as plain figures; words are left out."""
    return [float(token.value) for token in tokens(text) if isinstance(token, Number)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[
            (number, [1200])
            for number in ("1200", "1,200", "1,200.00", "1'200", "1\u202f200", "1_200", "$1,200.")
        ],
        *[("1.000,5", [1000.5]), ("1.234.567,89", [1234567.89]), ("1.234.567", [1234567]), ("1.000", [1])],
        *[
            ("1,5", [1.5]),
            ("0,125", [0.125]),
            ("2,3,5", [2, 3, 5]),
            ("(3,4)", [3, 4]),
            ("1,00,000", [100000]),
        ],
        *[
            ("1 000 000", [1000000]),
            ("5 10", [5, 10]),
            ("3.50", [3.5]),
            (".5", [0.5]),
            ("007", [7]),
            ("1e3", [1000]),
        ],
        *[("-5", [-5]), ("−5", [-5]), ("-$5", [-5]), ("x = -4", [-4]), ("+5", [5]), ("minus 5", [-5])],
        *[
            ("10-5", [10, 5]),
            ("10 - 5", [10, 5]),
            ("5 -4 = 1", [5, 4, 1]),
            ("3–7", [3, 7]),
            ("- 5 cups", [5]),
        ],
        *[
            ("5*4 = 20", [5, 4, 20]),
            ("5x4=20", [5, 4, 20]),
            ("5×4", [5, 4]),
            ("12. Yes", [12]),
            ("1.Wash", [1]),
        ],
        *[
            ("1/2", [0.5]),
            ("½", [0.5]),
            ("1½", [1.5]),
            ("2 1/2 cups", [2.5]),
            ("-1/2", [-0.5]),
            ("1/0", [1, 0]),
        ],
        *[
            ("20/4 = 5", [5, 20, 4, 5]),
            ("1/2/2024", [1, 2, 2024]),
            ("2024-05-06", [2024, 5, 6]),
            ("12:30", [12, 30]),
        ],
        *[
            *[
                ("No.5", [5]),
                ("Done.5 cups", [5]),
                ("v1.2", [2]),
                ("…5", [5]),
                ("-.5", [-0.5]),
                ("(-5)", [-5]),
            ],
            *[("(3)-2", [3, 2]), ("50%-60%", [50, 60]), ("from -5 to 10", [-5, 10]), ("COVID-19", [19])],
            ("5²", [5, 2]),
            ("10⁻³", [10, -3]),
            ("①②", [1, 2]),
            ("5kg", [5]),
            ("B12 and H₂O", []),
            ("5.3 m", [5.3]),
        ],
        *[
            ("٣٫٥", [3.5]),
            ("١٬٢٠٠", [1200]),
            ("१२", [12]),
            ("১২", [12]),
            ("๑๒", [12]),
            ("１，２００", [1200]),
        ],
        *[("答案是12个", [12]), ("有3，500人", [3, 500]), ("答案是-5。", [-5])],
    ],
)
def test_a_number_is_its_value_however_it_is_written(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize("text", ["50%", "50 %", "50 percent", "50 per cent", "٥٠٪", "５０％"])
def test_percent_goes_with_its_number(text):
    assert list(tokens(text)) == [Number(Fraction(50), percent=True)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("STRASSE", "Straße"),
        ("10 ㏃", "10 Bq"),
        ("Ｐａｒｉｓ", "paris"),
        ("Pa\u00adris\u200b", "paris"),
        ("**P**aris", "paris"),
        ("don’t", "don't"),
        ("on 2024-05-06", "on 2024-5-6"),
    ],
)
def test_one_word_in_two_spellings(one, other):
    assert list(tokens(one)) == list(tokens(other)) != []


def test_vowel_signs_belong_to_the_word():
    assert list(tokens("दिल दल")) == ["दिल", "दल"]


HOSTILE = [
    "\n",
    " ",
    "1",
    "1,",
    "1.",
    "1/",
    "1 ",
    "1 1/",
    "1:",
    ",000",
    "1 000",
    "1'000",
    "-",
    "$",
    "*",
    "a*",
    "²",
    "minus ",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("read", [lambda text: list(tokens(text)), plain])
def test_time_is_linear_in_the_length(read, piece):
    def seconds(length):
        start = time.process_time()
        read(piece * length)
        return time.process_time() - start

    # Quadratic time would be 64 times as long.
    assert min(seconds(16_000) for _ in range(2)) < 30 * max(seconds(2_000), 0.003)


@given(st.text(max_size=40) | st.text(alphabet="0123456789.,/:-+e'x %½²\n ab是٣", max_size=40))
def test_a_letter_or_a_digit_is_in_a_token(text):
    assert list(tokens(text)) or not any(character.isalnum() for character in text)


def test_a_number_too_long_to_compute_with_is_compared_by_its_digits():
    assert list(tokens("7" * 5000)) == ["7" * 5000]
    assert list(tokens(f"1/{'7' * 5000}")) == [Number(Fraction(1)), "7" * 5000]
