import json

import pytest

from tunedrift.errors import UserError
from tunedrift.preferences.pairs import pair
from tunedrift.sources.rows import Row
from tunedrift.tables.preferences import PREFERENCES

HEAD = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: How?"


def read(*values, **settings):
    return pair([Row("f", n, row) for n, row in enumerate(values, 1)], name="set", **settings)


def hh(chosen, rejected):
    return {"chosen": chosen, "rejected": rejected}


def test_pairs_fill_the_table():
    row = {"id": "p1", "prompt": "Q", "safer": "No.", "less_safe": "Yes.", "category": "c"}
    other = {"prompt": "Q", "safer": "No!", "less_safe": "Yes!"}
    pairs, rejects = read(row, other)
    table = PREFERENCES.check(PREFERENCES.frame(pairs), "x")
    assert not rejects
    assert set(table["category"]) == {"c", "none"}
    assert table["prompt_key"].n_unique() == 1
    assert "p1" in table["pair_id"].to_list()


def test_columns_can_be_mapped():
    pairs, _ = read(
        {"ask": "Q", "a": "No.", "b": "Yes."}, mapping={"prompt": "ask", "safer": "a", "less_safe": "b"}
    )
    assert (pairs[0]["safer"], pairs[0]["less_safe"]) == ("No.", "Yes.")


def test_transcripts_are_split_at_the_last_answer():
    pairs, _ = read(hh(f"{HEAD}\n\nAssistant: No.\nNever.", f"{HEAD}\n\nAssistant: Like so."), layout="hh")
    assert pairs[0]["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "How?"},
    ]
    assert (pairs[0]["safer"], pairs[0]["less_safe"]) == ("No.\nNever.", "Like so.")


def test_two_turns_in_a_row_are_one():
    head = "\n\nHuman: Hi\n\nHuman: So?"
    pairs, _ = read(hh(f"{head}\n\nAssistant: A", f"{head}\n\nAssistant: B"), layout="hh")
    assert pairs[0]["messages"] == [{"role": "user", "content": "Hi\n\nSo?"}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (hh(f"{HEAD}\n\nAssistant:", f"{HEAD}\n\nAssistant: B"), "has a blank turn"),
        (hh(f"{HEAD}\n\nAssistant: A", HEAD), "less_safe transcript does not end in an answer"),
        (hh(f"{HEAD} x\n\nAssistant: A", f"{HEAD}\n\nAssistant: B"), "differ before their last"),
        (hh(f"{HEAD}\n\nAssistant: A", f"{HEAD}\n\nAssistant: A"), "both answers are the same"),
        (
            hh(f"{HEAD}\n\nAssistant: A\n\nAssistant: C", f"{HEAD}\n\nAssistant: A\n\nAssistant: B"),
            "by assistant",
        ),
        (hh("text", None), "does not end in an answer"),
    ],
)
def test_unusable_transcripts_say_why(row, reason):
    _, rejects = read(
        row, hh(f"{HEAD}\n\nAssistant: A", f"{HEAD}\n\nAssistant: B"), layout="hh", max_rejected=0.5
    )
    assert [reject.row for reject in rejects] == [1]
    assert reason in rejects[0].reason


def test_repeats_are_left_out():
    row = {"prompt": "Q", "safer": "No.", "less_safe": "Yes."}
    pairs, rejects = read(row, row, max_rejected=0)
    assert len(pairs) == 1
    assert rejects[0].reason == "the same as an earlier row"


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ({"prompt": "Q", "safer": "No."}, {}, "no column 'less_safe'"),
        ({"prompt": "Q"}, {"layout": "hhh"}, "did you mean 'hh'"),
        ({"prompt": "Q"}, {"mapping": {"saver": "x"}}, "did you mean 'safer'"),
        ({"prompt": "Q", "safer": "", "less_safe": "x"}, {}, "1 of 1 rows are unusable"),
    ],
)
def test_wrong_sets_are_explained(row, settings, message):
    with pytest.raises(UserError, match=message):
        read(row, **settings)


def test_one_id_may_stand_for_many_pairs():
    row = {"id": 1, "prompt": "Q", "safer": "No.", "less_safe": "Yes."}
    rows = [row, {**row, "less_safe": "Sure."}, row, {**row, "id": 2}]
    pairs, rejects = read(*rows)
    ids = {pair["less_safe"] + pair["pair_id"][:2]: pair["pair_id"] for pair in pairs}
    assert sorted(ids) == ["Sure.1#", "Yes.1#", "Yes.2"]
    assert len(PREFERENCES.check(PREFERENCES.frame(pairs), "x")) == 3
    assert [reject.row for reject in rejects] == [3]
    assert {pair["pair_id"] for pair in read(*rows[::-1])[0]} == set(ids.values())


USER = {"role": "user", "content": "Q"}
NO, YES = ({"role": "assistant", "content": text} for text in ("No.", "Yes."))
SYSTEM = {"role": "system", "content": "S"}
OF_GPT = [{"from": "gpt", "value": text} for text in ("No.", "Yes.")]
OF_HUMAN = [{"from": "human", "value": "Q"}]


def sides(chosen, rejected, **more):
    return {"chosen": chosen, "rejected": rejected, **more}


@pytest.mark.parametrize(
    "row",
    [
        sides([NO], [YES], prompt=[USER]),
        sides([USER, NO], [USER, YES]),
        sides([USER, NO], [USER, YES], prompt="Q"),
        sides([USER, NO], [USER, YES], prompt=[USER]),
        sides([USER, NO], [USER, YES], prompt="Q", messages=[USER, NO], score_chosen=9),
        sides(NO, YES, prompt="Q"),
        sides([NO], "Yes.", prompt="Q"),
        sides("No.", "Yes.", prompt="Q"),
        sides("No.", "Yes.", prompt=[USER]),
        sides(*OF_GPT, conversations=OF_HUMAN),
        sides(*OF_GPT, conversations=OF_HUMAN, system=""),
        sides("No.", "Yes.", instruction="Q", input=""),
        sides("No.", "Yes.", question="Q"),
        sides([NO], [YES], messages=[USER]),
        sides(*(json.dumps([USER, answer]) for answer in (NO, YES)), prompt="Q"),
    ],
)
@pytest.mark.parametrize("mapping", [None, {"safer": "chosen", "less_safe": "rejected"}])
def test_pairs_in_turns_are_one_pair_each(row, mapping):
    (pair,), rejects = read(row, mapping=mapping)
    assert not rejects
    assert (pair["messages"], pair["safer"], pair["less_safe"]) == ([USER], "No.", "Yes.")
    if not all(isinstance(row[side], str) and row[side].endswith(".") for side in ("chosen", "rejected")):
        assert read(row, layout="hh")[0] == [pair]


def test_pairs_in_turns_keep_earlier_turns_and_the_system_prompt():
    for row in (
        sides([NO], [YES], prompt=[SYSTEM, USER, NO, USER]),
        sides([SYSTEM, USER, NO, USER, NO], [SYSTEM, USER, NO, USER, YES]),
        sides([USER, NO, USER, NO], [USER, NO, USER, YES], prompt="Q", system="S"),
        sides([SYSTEM, USER, NO, USER, NO], [SYSTEM, USER, NO, USER, YES], prompt="Q", system="T"),
        sides(*OF_GPT, conversations=[*OF_HUMAN, OF_GPT[0], *OF_HUMAN], system="S"),
    ):
        (pair,), _ = read(row)
        assert pair["messages"] == [SYSTEM, USER, NO, USER]
    assert read(sides("No.", "Yes.", instruction="Q", input="C"))[0][0]["messages"][0]["content"] == "Q\n\nC"


def test_an_answer_that_is_json_stays_a_text():
    (pair,), _ = read(sides('{"a": 1}', '[{"a": 2}]', prompt="Q"))
    assert (pair["safer"], pair["less_safe"]) == ('{"a": 1}', '[{"a": 2}]')


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "the row is empty"),
        ({"prompt": "Q", "chosen": [NO]}, "no field 'rejected'"),
        (sides([NO], [YES]), "there is no prompt before the answers"),
        (sides([USER, NO], [USER], prompt="Q"), "the less_safe turns do not end in an answer"),
        (sides([USER, NO], [USER, YES], prompt="R"), "the safer turns begin with another prompt"),
        (sides([USER, NO], [USER, NO, USER, YES]), "differ before their last"),
        (sides([NO], [NO], prompt="Q"), "both answers are the same"),
        (sides([NO], [{**YES, "tool_calls": [{}]}], prompt="Q"), "turn 1 has 'tool_calls'"),
        (sides("\u200b", [YES], prompt="Q"), "'chosen' is blank"),
    ],
)
def test_unusable_pairs_in_turns_say_why(row, reason):
    _, rejects = read(row, sides([NO], [YES], prompt="Q"), max_rejected=0.5)
    assert [reject.row for reject in rejects] == [1]
    assert reason in rejects[0].reason


def test_a_column_that_a_row_lacks_is_a_fault_of_the_row():
    row = {"prompt": "Q", "safer": "No.", "less_safe": "Yes."}
    pairs, rejects = read({"prompt": "Q", "safer": "No."}, row, max_rejected=0.5)
    assert (len(pairs), rejects[0].reason) == (1, "no field 'less_safe'")
    pairs, _ = read(row, {**row, "less_safe": "Sure.", "topic": "t"}, mapping={"category": "topic"})
    assert [pair["category"] for pair in pairs] == ["none", "t"]
    with pytest.raises(UserError, match="set has no column 'topic'"):
        read(row, mapping={"category": "topic"})
