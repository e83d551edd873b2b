import pytest

from tunedrift.errors import UserError
from tunedrift.layouts import UnusableError, choose

PAIR = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
WITH_CONTEXT = [{"role": "user", "content": "Q\n\nC"}, {"role": "assistant", "content": "A"}]


def read(values, name="auto", mapping=None):
    return choose(values, name=name, mapping=mapping, where="set").messages(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"instruction": " Q ", "input": "", "output": "A\n"}, PAIR),
        ({"instruction": "Q", "input": None, "output": "A"}, PAIR),
        ({"instruction": "Q", "input": "C", "output": "A"}, WITH_CONTEXT),
        ({"instruction": "Q", "input": "C", "response": "A"}, WITH_CONTEXT),
        ({"instruction": "Q", "context": "C", "response": "A", "category": "x"}, WITH_CONTEXT),
        ({"question": "Q", "answer": "A"}, PAIR),
        ({"prompt": "Q", "completion": "A"}, PAIR),
        ({"prompt": "Q", "response": "A"}, PAIR),
        ({"messages": PAIR}, PAIR),
        ({"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}, PAIR),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, PAIR[1]]}, PAIR),
    ],
)
def test_layouts_are_detected(values, expected):
    assert read(values) == expected


def test_system_prompts_and_turns_survive_and_an_open_question_is_dropped():
    system = {"role": "system", "content": "S"}
    assert read({"messages": [system, *PAIR, *PAIR, PAIR[0]]}) == [system, *PAIR, *PAIR]
    assert read({"system": "S", "question": "Q", "answer": "A"}) == [system, *PAIR]


def test_columns_can_be_mapped():
    values = {"ask": "Q", "say": "A", "more": "C", "output": "no"}
    assert read(values, mapping={"prompt": "ask", "answer": "say", "context": "more"}) == WITH_CONTEXT


@pytest.mark.parametrize(
    ("name", "mapping", "message"),
    [
        ("auto", None, "no known layout"),
        ("alpaka", None, "did you mean 'alpaca'"),
        ("dolly", None, "has no column 'instruction'"),
        ("columns", None, "needs a column mapping"),
        ("auto", {"prompt": "x"}, "must name a column for 'answer'"),
        ("auto", {"prompt": "x", "answer": "z"}, "no column 'z'"),
        ("auto", {"prompt": "x", "answer": "y", "reply": "y"}, "'reply' cannot be mapped"),
    ],
)
def test_a_wrong_layout_is_explained(name, mapping, message):
    with pytest.raises(UserError, match=message):
        choose(["x", "y"], name=name, mapping=mapping, where="set")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"question": "Q", "answer": None}, "'answer' is null"),
        ({"question": "  ", "answer": "A"}, "'question' is blank"),
        ({"question": "Q", "answer": 7}, "'answer' is not text"),
        ({"question": "Q", "answer": "\ud800"}, "half a character"),
        ({"messages": []}, "not a list of turns"),
        ({"messages": ["Q"]}, "turn 1 is not an object"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "has the role 'tool'"),
        ({"messages": [PAIR[0]]}, "no answer"),
        ({"messages": [PAIR[1]]}, "turn 1 is by assistant"),
        ({"messages": [PAIR[0], PAIR[0], PAIR[1]]}, "turn 2 is by user"),
        ({"messages": [PAIR[0], {"role": "assistant", "content": None}]}, "turn 2 is null"),
    ],
)
def test_unusable_rows_say_why(values, reason):
    with pytest.raises(UnusableError, match=reason):
        read(values)
