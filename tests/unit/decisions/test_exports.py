import re
from xml.etree import ElementTree

import pytest

from tunedrift.decisions.exports import junit, legal, markdown, numbers, plain, signed
from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.decisions.record import CheckpointDecision, MeasureDecision

ODD = 'a<b>&"|*_`[x](y)\x01\ud800\nz'


def measure(word, name="SA_g", suite="harmful", difference=-0.1, **more):
    return MeasureDecision(name, "harm", suite, word, 0.05, "because", difference, **more)


CHECKPOINTS = [
    CheckpointDecision(
        "tiny",
        "household/markdown/seed0",
        FAIL,
        True,
        [
            measure(PASS, low=-0.02, high=0.1, difference=0.04),
            measure(FAIL, "over_refusal", "lookalikes", low=-0.4, high=-0.2, difference=-0.3),
            measure(CANNOT_TELL, "utility", "sums", None),
        ],
    ),
    CheckpointDecision("tiny", "household/plain/seed0", PASS, False, [measure(PASS)]),
]


def test_a_build_server_reads_a_case_per_measure():
    root = ElementTree.fromstring(junit(CHECKPOINTS))
    first, second = root.findall("testsuite")
    assert first.attrib == {
        "name": "tiny/household/markdown/seed0",
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    assert [[child.tag for child in case] for case in first] == [[], ["failure"], ["skipped"]]
    assert first[1].attrib["name"] == "over_refusal (lookalikes)"
    assert first[1][0].attrib["message"] == "−0.30 (−0.40 to −0.20): because"
    assert first[2][0].attrib["message"] == "no answers: because"
    assert second.attrib["failures"] == "0"


def test_a_comment_says_the_word_and_why():
    text = markdown(CHECKPOINTS, 0.95)
    assert text.startswith("## Is it still as safe? ❌ FAIL\n")
    assert (
        "| tiny, household/markdown/seed0 | ❌ FAIL | over\\_refusal on lookalikes | utility on sums |"
        in text
    )
    assert "| tiny, household/plain/seed0 \\(does not count\\) | ✅ PASS |  |  |" in text
    assert "−0.30 \\(−0.40 to −0.20\\) | 0.05 | FAIL | because |" in text
    assert "95% intervals" in text


def test_without_a_checkpoint_that_counts_there_is_no_word():
    assert "No checkpoint was named whose word counts" in markdown(CHECKPOINTS[1:], 0.95)


def test_names_do_no_harm_in_xml_and_markdown():
    odd = [CheckpointDecision(ODD, ODD, FAIL, True, [MeasureDecision(ODD, ODD, ODD, FAIL, 0.1, ODD)])]
    root = ElementTree.fromstring(junit(odd).encode("utf-8"))
    assert root[0].attrib["name"].startswith('a<b>&"|*_`[x](y)')
    lines = markdown(odd, 0.9).encode("utf-8", "replace").decode().splitlines()
    rows = [line for line in lines if "\\|\\*" in line and line.startswith("|")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [5, 8]
    assert not any("<b>" in line for line in lines)


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\ud800", "\ufffe"])
def test_what_xml_cannot_hold_is_replaced(character):
    assert legal(f"a{character}b") == "a\ufffdb"
    assert legal("a\t\nä😀") == "a\t\nä😀"


def test_a_line_break_does_not_end_a_row():
    assert plain("a\r\n\n b") == "a b"


@pytest.mark.parametrize(
    ("value", "said"), [(0.004, "0.00"), (-0.004, "0.00"), (0.126, "+0.13"), (-1.0, "−1.00")]
)
def test_a_difference_has_a_sign(value, said):
    assert signed(value) == said


def test_an_interval_stands_behind_its_estimate():
    assert numbers(measure(PASS)) == "−0.10"
    assert numbers(measure(PASS, low=-0.2, high=0.1)) == "−0.10 (−0.20 to +0.10)"


@pytest.mark.parametrize("checkpoints", [[], CHECKPOINTS])
def test_the_end_of_the_xml_tells_that_it_is_whole(checkpoints):
    assert junit(checkpoints).endswith("</testsuites>\n")
    assert len(ElementTree.fromstring(junit(checkpoints)).findall("testsuite")) == len(checkpoints)


def test_a_comment_of_many_checkpoints_is_one_that_fits_and_shows_those_that_count():
    many = [
        CheckpointDecision("tiny", f"household/v{number}/seed0", PASS, number == 999, CHECKPOINTS[0].measures)
        for number in range(1000)
    ]
    text = markdown(many, 0.95)
    assert len(text) < 65_536
    shown = len(re.findall(r"^\| tiny, ", text, re.M)), text.count("<details>")
    assert (
        f"Of 1000 checkpoints {shown[0]} are listed here, {shown[1]} with their measures; all are in" in text
    )
    assert min(shown) > 10
    assert "| tiny, household/v999/seed0 | ✅ PASS |" in text
    assert "are listed here" not in markdown(CHECKPOINTS, 0.95)
