import json

import pytest

from tunedrift.errors import UnusableError, UserError
from tunedrift.instructions.layouts import choose

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


@pytest.mark.parametrize("column", ["system", "system_prompt"])
@pytest.mark.parametrize(
    "values",
    [
        {"messages": PAIR},
        {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
        {"instruction": "Q", "output": "A"},
        {"instruction": "Q", "context": "", "response": "A"},
        {"question": "Q", "answer": "A"},
        {"question": "Q", "response": "A"},
        {"prompt": "Q", "completion": "A"},
    ],
)
def test_a_system_column_is_the_system_turn(values, column):
    assert read({column: "S", **values}) == [{"role": "system", "content": "S"}, *PAIR]
    assert read({column: "", **values}) == PAIR


def test_a_chats_own_system_turn_stays():
    own = [{"role": "system", "content": "own"}, *PAIR]
    assert read({"system": "S", "messages": own}) == own


def test_a_history_becomes_earlier_turns():
    values = {"instruction": "Q", "output": "A", "system": "S"}
    earlier = [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": " A1"}]
    expected = [{"role": "system", "content": "S"}, *earlier, *PAIR]
    assert read({**values, "history": [["Q1", " A1"]]}) == expected
    assert read({**values, "history": '[["Q1", " A1"]]'}) == expected
    for empty in ([], None, "", "[]"):
        assert read({**values, "history": empty}) == [expected[0], *PAIR]


def test_two_columns_for_one_field_may_be_there_if_one_is_filled():
    columns = {"instruction": "Q", "input": "", "context": "C", "output": None, "response": "A"}
    assert read(columns) == read({**columns, "input": "C", "output": "A"}) == WITH_CONTEXT


@pytest.mark.parametrize("roles", [("Human", "GPT"), ("USER", "Assistant"), ("human ", "bot")])
def test_roles_in_any_case(roles):
    turns = [{"role": role, "content": message["content"]} for role, message in zip(roles, PAIR, strict=True)]
    assert read({"messages": turns}) == PAIR


def test_a_chat_may_be_json_text():
    assert read({"messages": json.dumps(PAIR)}) == PAIR


@pytest.mark.parametrize(("answer", "text"), [(7, "7"), (0, "0"), (2.5, "2.5")])
def test_a_number_is_text(answer, text):
    assert read({"question": "Q", "answer": answer})[-1]["content"] == text


def test_an_answer_keeps_its_indentation():
    code = "    return x\n  y"
    for answer in (code, f"\n \r\n\n{code} \n\n"):
        assert read({"prompt": " Q", "completion": answer})[-1]["content"] == code
        turns = [{"role": "user", "content": f"  Q\n{code}"}, {"role": "assistant", "content": answer}]
        read_turns = read({"messages": turns})
        assert [turn["content"] for turn in read_turns] == [f"Q\n{code}", code]


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
        ({"question": "Q", "answer": True}, "'answer' is not text"),
        ({"question": "Q", "answer": ["A"]}, "'answer' is not text"),
        ({"question": "Q", "answer": float("nan")}, "'answer' is null"),
        ({"question": "Q"} | {"answer": "", "response": None}, "'answer' is blank"),
        ({"instruction": "Q", "input": "C", "context": "D", "output": "A"}, "'input' and 'context' are both"),
        ({"instruction": "Q", "output": "A", "response": "B"}, "'output' and 'response' are both filled"),
        (
            {"question": "Q", "answer": "A", "system": "S", "system_prompt": "T"},
            "'system' and 'system_prompt'",
        ),
        (
            {"instruction": "Q", "output": "A", "history": "Q1"},
            "'history' is not a list of .question, answer.",
        ),
        ({"instruction": "Q", "output": "A", "history": [["Q1"]]}, "'history' is not a list"),
        (
            {"instruction": "Q", "output": "A", "history": [["Q1", ""]]},
            "the answer of pair 1 in 'history' is blank",
        ),
        ({"messages": [{"role": ["user"], "content": "Q"}]}, r"turn 1 has the role \['user'\]"),
        ({"messages": "[" * 100_000}, "not a list of turns"),
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


NO = [
    ("weight", 0),
    ("weight", 0.0),
    ("train", False),
    ("train", "false"),
    ("loss", False),
    ("loss_scale", 0),
    ("training", False),
    ("trainable", False),
    ("output_with_loss", 0),
]


def log(*fields):
    """A chat of one question and answer for each mapping of further fields of the answer."""
    turns = [turn for more in fields for turn in (PAIR[0], {**PAIR[1], **more})]
    return {"messages": turns}


@pytest.mark.parametrize(("field", "no"), NO)
def test_an_answer_without_loss_ends_a_chat_or_is_named(field, no):
    assert read(log({field: 1}, {field: True}, {field: None})) == PAIR * 3
    assert read(log({field: 1}, {field: no})) == PAIR
    assert read(log({}, {field: no}, {field: no})) == PAIR
    with pytest.raises(UnusableError, match=f"turn 2 has '{field}': {no!r}, but stands before an answer"):
        read(log({field: no}, {field: 1}))
    with pytest.raises(UnusableError, match=f"no answer is trained on: '{field}' of turn 2 is {no!r}"):
        read(log({field: no}))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"weight": 0.5}, "turn 2 has 'weight': 0.5; only 0 and 1 can be honoured"),
        ({"train": "maybe"}, "turn 2 has 'train': 'maybe'"),
        ({"tool_calls": [{"id": "c1"}]}, "turn 2 has 'tool_calls', which cannot be trained on as text"),
        ({"tool_calls": [{"id": "c1"}], "content": None}, "turn 2 has 'tool_calls'"),
        ({"function_call": {"name": "f"}}, "turn 2 has 'function_call'"),
        (
            {"train_detail": [{"begin_offset": 0, "end_offset": 1, "train": False}]},
            "turn 2 has 'train_detail'",
        ),
    ],
)
def test_fields_of_turns_that_cannot_be_honoured_are_named(more, reason):
    with pytest.raises(UnusableError, match=reason):
        read(log(more, {}))
    assert read(log({"tool_calls": [], "function_call": None})) == PAIR


INVISIBLE = [
    "\u200b",
    "\ufeff",
    "\u2060\u200d",
    "\u00ad",
    "\u3164",
    "\u2800",
    "\ufe0f",
    "\u200b \n\u00a0",
    "\x00",
    "\u180e",
    "\U000e0020",
]


@pytest.mark.parametrize("text", INVISIBLE)
def test_text_that_shows_nothing_is_blank(text):
    for values in ({"question": "Q", "answer": text}, {"question": text, "answer": "A"}):
        with pytest.raises(UnusableError, match="is blank"):
            read(values)
    with pytest.raises(UnusableError, match="turn 2 is blank"):
        read({"messages": [PAIR[0], {**PAIR[1], "content": text}]})
    assert read({"instruction": "Q", "input": text, "output": "A", "system": text}) == PAIR
    assert read({"question": f"{text}Q", "answer": "A"})[0]["content"].endswith("Q")


def test_rows_without_columns_are_explained():
    with pytest.raises(UserError, match="set: the first rows are empty"):
        choose([], name="auto", mapping=None, where="set")
