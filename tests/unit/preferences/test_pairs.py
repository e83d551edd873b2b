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


def test_an_id_must_be_unique():
    row = {"id": 1, "prompt": "Q", "safer": "No.", "less_safe": "Yes."}
    with pytest.raises(UserError, match="row 2: the id '1' occurs twice"):
        read(row, row)
