import pytest
import tiny
import torch

from tunedrift import chat, models, scoring
from tunedrift.errors import UserError

CHATS = [
    [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    for prompt, answer in [
        ("How do I plant a tree?", "First dig a hole."),
        ("France?", "Paris."),
        ("What is the capital of France?", "The capital of France is Paris. " * 6),
        ("dig", ""),
    ]
]


@pytest.fixture(scope="module", params=[False, True], ids=["pad≠eos", "pad=eos"])
def loaded(request, tmp_path_factory):
    model_json = tiny.save_reward_model(tmp_path_factory.mktemp("rm"), pad_is_eos=request.param)
    return models.load_reward_model(model_json), models.load_tokenizer(model_json)


def test_a_score_does_not_depend_on_batch_or_neighbours(loaded):
    together = scoring.score(*loaded, CHATS, batch_size=4)
    alone = scoring.score(*loaded, CHATS, batch_size=1)
    assert together == pytest.approx(alone, abs=1e-5)
    assert scoring.score(*loaded, CHATS[::-1], batch_size=2)[::-1] == pytest.approx(alone, abs=1e-5)
    assert len(set(alone)) == len(CHATS)


def test_a_score_is_the_head_at_the_last_token(loaded):
    model, tokenizer = loaded
    ids = torch.tensor([chat.encode(tokenizer, chat.render(tokenizer, CHATS[0]).rstrip())])
    with torch.no_grad():
        expected = model.score(model.model(ids).last_hidden_state[0, -1]).item()
    assert scoring.score(model, tokenizer, CHATS)[0] == pytest.approx(expected, abs=1e-5)


def test_a_long_chat_loses_its_beginning(loaded):
    model, tokenizer = loaded
    long = CHATS[2]
    ids = chat.encode(tokenizer, chat.render(tokenizer, long).rstrip())[-20:]
    with torch.no_grad():
        expected = model.score(model.model(torch.tensor([ids])).last_hidden_state[0, -1]).item()
    assert scoring.score(model, tokenizer, [long], max_length=20) == pytest.approx([expected], abs=1e-5)


def test_a_classifier_with_several_outputs_is_no_reward_model(tmp_path):
    with pytest.raises(UserError, match="has one output, this one has 2"):
        models.load_reward_model(tiny.save_reward_model(tmp_path, outputs=2))
