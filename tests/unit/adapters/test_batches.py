import pytest
import tiny

from tunedrift.adapters import batches
from tunedrift.chats import template
from tunedrift.errors import UserError

LENGTHS = [(7 * row) % 50 for row in range(106)]


def row(*contents):
    roles = ("user", "assistant")
    messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    return {"row_id": contents[0], "messages": messages, "original_length": 9}


def test_long_and_unanswered_chats_are_rejected_for_their_reason():
    long = row("dig", "dig " * 200)
    kept, rejected = batches.examples(tiny.tokenizer(), [row("How?", "So."), long, row("a")], 64)
    assert [example.row_id for example in kept] == ["How?"]
    assert rejected == [("dig", "too_long", ""), ("a", "no_answer", "")]
    batches.check_held(rejected, 3, max_rejected=0)  # neither is the template's fault


def test_nothing_left_to_train_on_is_told_by_its_cause():
    batches.check_left(1, ["too_long"], 64)
    with pytest.raises(
        UserError, match=r"none of the 2 chats fits into 64 tokens .* Raise tuning.max_length"
    ):
        batches.check_left(0, ["no_answer", "too_long"], 64)
    with pytest.raises(
        UserError, match="none of the 2 chats has an answer that the model's chat template holds"
    ):
        batches.check_left(0, ["no_answer"] * 2, 64)


def test_a_stop_token_in_an_answers_text_is_named():
    stopped = row("How does a turn end?", "Write <|im_end|> behind the words.")
    kept, rejected = batches.examples(tiny.tokenizer(), [stopped, row("How?", "So.")], 64)
    assert [example.row_id for example in kept] == ["How?"]
    assert [row[:2] for row in rejected] == [("How does a turn end?", "control_token")]
    batches.check_held(rejected, 2, max_rejected=0.5)
    said = r"hold 1 of 2 chats, .* row How does .*: turn 2 holds the special token '<\|im_end\|>'. Correct the rows"
    with pytest.raises(UserError, match=said):
        batches.check_held(rejected, 2, max_rejected=0.4)


def test_padding_is_masked_and_carries_no_loss():
    batch = batches.pad(
        [batches.Example("a", [5, 6], [-100, 6], 1), batches.Example("b", [7], [7], 1)], padding=0
    )
    assert batch["input_ids"].tolist() == [[5, 6], [7, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]
    assert batch["labels"].tolist() == [[template.IGNORED, 6], [7, template.IGNORED]]
    assert batch["row_ids"] == ["a", "b"]


def data(lengths):
    return [batches.Example(f"row{row}", [1], [1], length) for row, length in enumerate(lengths)]


def order(epoch=0, grouped=True, seed=0, lengths=LENGTHS):
    steps = batches.Order(data(lengths), 8, seed, grouped)
    steps.set_epoch(epoch)
    drawn = list(steps)
    assert len(drawn) == len(steps) == 14
    assert [len(step) for step in drawn] == [8] * 13 + [2]
    return [row for step in drawn for row in step]


@pytest.mark.parametrize("grouped", [True, False])
def test_every_row_comes_once_in_an_order_of_seed_and_epoch(grouped):
    assert sorted(order(grouped=grouped)) == list(range(106))
    assert order(grouped=grouped) == order(grouped=grouped)
    assert order(grouped=grouped) != order(epoch=1, grouped=grouped)
    assert order(grouped=grouped) != order(seed=1, grouped=grouped)


def padding(rows):
    steps = [[LENGTHS[row] for row in rows[first : first + 8]] for first in range(0, len(rows), 8)]
    return sum(max(step) * len(step) - sum(step) for step in steps)


def test_grouping_saves_padding_and_keeps_whole_batches_together():
    assert padding(order()) < padding(order(grouped=False)) / 2


def test_without_grouping_the_order_does_not_depend_on_lengths():
    assert order(grouped=False) == order(grouped=False, lengths=LENGTHS[::-1])


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("lost", [1, 10, 40])
def test_a_lost_row_gives_its_place_to_another_and_the_rest_stay_in_their_steps(grouped, lost):
    rows = data(LENGTHS)
    kept = [row for row in rows if int(row.row_id[3:]) % 106 not in range(20, 20 + lost)]
    gone = [batches.Row(row.row_id, row.length) for row in rows if row not in kept]
    steps = []
    for examples, without in ((rows, []), (kept, gone)):
        drawn = list(batches.Order(examples, 8, 0, grouped, without))
        assert [len(step) for step in drawn[:-1]] == [8] * (len(drawn) - 1)
        assert sorted(row for step in drawn for row in step) == list(range(len(examples)))
        steps.append([{examples[row].row_id for row in step} for step in drawn])
    assert len(steps[1]) == -(-len(kept) // 8)
    left = {row.row_id for row in kept}
    # In the order of the steps, each holds what it held before but for rows that filled up others.
    together = sum(max(len(before & left & after) for before in steps[0]) for after in steps[1])
    assert together >= len(kept) - lost - 8


def test_a_row_that_is_lost_moves_no_other_from_its_step():
    rows = data(LENGTHS)
    for grouped in (True, False):
        (one,) = [row for row in rows if row.row_id == "row20"]
        kept = [row for row in rows if row is not one]
        order = batches.Order(kept, 8, 0, grouped, [batches.Row(one.row_id, one.length)])
        before, after = (
            {names[row].row_id: step for step, batch in enumerate(drawn) for row in batch}
            for names, drawn in ((rows, batches.Order(rows, 8, 0, grouped)), (kept, order))
        )
        moved = sum(before[name] != after[name] for name in after)
        assert moved <= 8  # the row that takes its place, and those that were last with it
