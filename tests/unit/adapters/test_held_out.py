"""The loss on held-out rows: computed again from the logits, the same rows for every model, alone or among others."""

import measure_loss
import pytest
import tiny
import torch

from tunedrift.adapters import batches, held_out
from tunedrift.chats import template
from tunedrift.errors import UserError
from tunedrift.models import loading
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.losses import LOSSES

CHATS = {
    "a": ("How do I plant a tree?", "Dig."),
    "b": ("How do I plant a tree?", "First dig a hole. Then water it."),
}
LONG = {"c": ("What is it?", "It is Paris. " * 50)}


def write(path, chats):
    rows = [
        {
            **{"row_id": name, "source_file": "f", "source_row": 1},
            "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
        }
        for name, (asked, answer) in chats.items()
    ]
    INSTRUCTIONS.write(INSTRUCTIONS.frame(rows), path)
    return str(path)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = tiny.save_chat_model(tmp_path / "tiny")

    def measured(chats, *more, tuning="untuned"):
        held = write(tmp_path / "held.parquet", chats)
        words = [
            "--model",
            str(model),
            "--model-name",
            "tiny",
            "--tuning",
            tuning,
            "--gpus",
            "0",
            "--held-out",
            held,
        ]
        words += ["--datasets", "household", "--out", "losses.parquet", *more]
        measure_loss.main(measure_loss.parser().parse_args(words))
        return LOSSES.read("losses.parquet")

    return measured


def by_hand(model_json, asked, answer):
    """The mean cross-entropy over the answer's tokens, from the logits of one forward pass."""
    tokenizer, model = loading.load_tokenizer(model_json), loading.load_chat_model(model_json)
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    ids, labels = template.supervised(tokenizer, messages)
    with torch.inference_mode():
        logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    said = [-logs[at - 1, ids[at]].item() for at in range(1, len(ids)) if labels[at] != template.IGNORED]
    return sum(said) / len(said), len(said)


def test_the_loss_is_the_mean_over_the_answers_tokens(measured):
    found = measured(CHATS)
    for row in found.iter_rows(named=True):
        loss, tokens = by_hand("tiny/model.json", *CHATS[row["row_id"]])
        assert row["loss"] == pytest.approx(loss, abs=1e-4)
        assert row["tokens"] == tokens
    assert found["held_out"].unique().to_list() == ["household"]
    assert found["prompt"].n_unique() == 1  # one prompt, two answers
    assert measured({"a": CHATS["a"]})["loss"][0] == found.filter(row_id="a")["loss"][0]


def test_a_row_that_is_too_long_is_left_out_whole_and_counted(measured, capsys):
    found = measured(CHATS | LONG, "--max-length", "60")
    assert found["row_id"].to_list() == ["a", "b"]
    assert "household: 2 rows, 1 left out" in capsys.readouterr().out
    with pytest.raises(UserError, match="none of the 1 chats fits into 60 tokens"):
        measured(LONG, "--max-length", "60")


def test_no_rows_held_out_are_named(measured):
    with pytest.raises(UserError, match=r"held\.parquet holds no rows"):
        measured({})


def test_a_model_that_was_trained_on_a_row_has_a_lower_loss(measured):
    before = measured(CHATS)["loss"].sum()
    tokenizer, model = loading.load_tokenizer("tiny/model.json"), loading.load_chat_model("tiny/model.json")
    data, _ = batches.examples(
        tokenizer,
        [
            {
                "row_id": name,
                "original_length": 1,
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
            }
            for name, (asked, answer) in CHATS.items()
        ],
        200,
    )
    steps = torch.optim.SGD(model.parameters(), lr=0.5)
    for example in data * 5:
        model(input_ids=torch.tensor([example.ids]), labels=torch.tensor([example.labels])).loss.backward()
        steps.step()
        steps.zero_grad()
    assert sum(row.loss for row in held_out.losses(model, data, tokenizer.pad_token_id)) < 0.8 * before
