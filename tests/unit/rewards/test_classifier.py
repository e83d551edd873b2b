import copy

import pytest
import tiny
import torch

from tunedrift.chats import template
from tunedrift.errors import UserError
from tunedrift.models import loading
from tunedrift.rewards import classifier, subjects

TEXTS = [
    f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>"
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
    return classifier.load_reward_model(model_json), loading.load_tokenizer(model_json)


def score(loaded, texts, **options):
    found = dict(classifier.score(*loaded, texts, **options))
    return [found[text] for text in texts]


def head(loaded, ids):
    model, _ = loaded
    with torch.no_grad():
        return model.score(model.model(torch.tensor([ids])).last_hidden_state[0, -1]).item()


def test_a_score_does_not_depend_on_batch_or_neighbours(loaded):
    alone = score(loaded, TEXTS, batch_size=1)
    assert score(loaded, TEXTS, batch_size=4) == pytest.approx(alone, abs=1e-5)
    assert score(loaded, TEXTS[::-1], batch_size=2)[::-1] == pytest.approx(alone, abs=1e-5)
    assert len(set(alone)) == len(TEXTS)


def test_in_half_precision_a_score_does_not_depend_on_neighbours_either(loaded):
    model, tokenizer = loaded
    half = copy.deepcopy(model).to(torch.bfloat16), tokenizer
    texts = [text * 3 for text in TEXTS]
    alone = [score(half, [text])[0] for text in texts]
    assert score(half, texts, batch_size=4) == alone
    assert score(half, texts[:2] + texts[3:], batch_size=3) == alone[:2] + alone[3:]


def test_a_score_is_the_head_at_the_last_token(loaded):
    ids = template.encode(loaded[1], TEXTS[0])
    assert score(loaded, TEXTS[:1]) == pytest.approx([head(loaded, ids)], abs=1e-5)


def test_a_score_is_the_classifiers_own_for_a_chat_under_its_template(tmp_path):
    model_json = tiny.save_reward_model(tmp_path)
    model, tokenizer = classifier.load_reward_model(model_json), loading.load_tokenizer(model_json)
    messages = [{"role": "user", "content": "France?"}, {"role": "assistant", "content": "Paris."}]
    ids = tokenizer.apply_chat_template(messages, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        own = model(ids).logits.item()
    assert score((model, tokenizer), [template.render(tokenizer, messages)]) == pytest.approx([own], abs=1e-5)


def test_scores_in_half_precision_do_not_tie(loaded):
    model, tokenizer = loaded
    half = copy.deepcopy(model).to(torch.bfloat16)
    texts = [TEXTS[0] + " dig" * times for times in range(200)]
    assert len(set(score((half, tokenizer), texts))) > 190


def test_a_long_text_loses_its_beginning(loaded):
    ids = template.encode(loaded[1], TEXTS[2])[-20:]
    assert score(loaded, TEXTS[2:3], max_length=20) == pytest.approx([head(loaded, ids)], abs=1e-5)


def test_a_classifier_with_several_outputs_is_no_reward_model(tmp_path):
    with pytest.raises(UserError, match="has one output, this one has 2"):
        classifier.load_reward_model(tiny.save_reward_model(tmp_path, outputs=2))


def test_texts_that_are_alike_once_cut_are_counted(loaded):
    _, tokenizer = loaded
    same = "The capital of France is Paris. " * 9
    scored = [
        ("long pair", "First dig a hole. " + same),
        ("long pair", "Then water it well. " + same),
        ("other pair", same + "Dig."),
        ("other pair", same + "Water."),
        ("short pair", "Dig."),
        ("short pair", "Dig."),
        ("one text twice", "Paris. " + same),
        ("one text twice", "Paris. " + same),
    ]
    assert subjects.cut_texts(tokenizer, scored, 40) == (5, 1)
    assert subjects.cut_texts(tokenizer, scored, 4000) == (0, 0)
