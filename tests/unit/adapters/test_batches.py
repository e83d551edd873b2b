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


def test_long_and_unanswered_chats_are_rejected_and_counted_apart():
    tokenizer = tiny.tokenizer()
    long = row("dig", "dig " * 200)
    kept, rejected = batches.examples(tokenizer, [row("How?", "So."), long, long, row("dig")], 64)
    assert [example.row_id for example in kept] == ["How?"]
    assert rejected == {"too_long": 2, "no_answer": 1}
    with pytest.raises(UserError, match="none of the 1 chats fits into 64 tokens"):
        batches.examples(tokenizer, [long], 64)


def test_chats_without_an_answer_are_no_matter_of_length():
    with pytest.raises(
        UserError, match="none of the 2 chats has an answer that the model's chat template holds"
    ):
        batches.examples(tiny.tokenizer(), [row("dig"), row("a")], 64)


def test_a_stop_token_in_an_answers_text_is_named():
    stopped = row("How does a turn end?", "Write <|im_end|> behind the words.")
    said = r"hold 1 of 1 chats, .* row How does .*: turn 2 holds the special token '<\|im_end\|>'. Correct the rows"
    with pytest.raises(UserError, match=said):
        batches.examples(tiny.tokenizer(), [stopped], 64)
    kept, rejected = batches.examples(tiny.tokenizer(), [stopped, row("How?", "So.")], 64, max_rejected=0.5)
    assert [example.row_id for example in kept] == ["How?"]
    assert rejected == {"too_long": 0, "no_answer": 0, "control_token": 1}


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
def test_a_row_that_one_variant_lost_moves_the_others_by_a_place_at_most(grouped):
    rows = data(LENGTHS)
    lost = rows[:20] + rows[21:]
    drawn = []
    for examples in (rows, lost):
        steps = list(batches.Order(examples, 8, 0, grouped))
        drawn.append({examples[row].row_id: number for number, step in enumerate(steps) for row in step})
    assert drawn[0].keys() - drawn[1].keys() == {"row20"}
    moved = sum(drawn[0][name] != drawn[1][name] for name in drawn[1])
    assert moved <= len(lost) / 4
