import pytest
import tiny

from tunedrift.chats import template
from tunedrift.chats.messages import under_system
from tunedrift.errors import UserError

ONE_TURN = [
    {"role": "user", "content": "How do I plant a tree?"},
    {"role": "assistant", "content": "First dig a hole."},
]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny.tokenizer()


def kept(tokenizer, messages):
    ids, labels = template.supervised(tokenizer, messages)
    assert len(ids) == len(labels)
    assert all(label in (token, template.IGNORED) for token, label in zip(ids, labels, strict=True))
    return tokenizer.decode([label for label in labels if label != template.IGNORED])


def test_loss_falls_on_the_answer_and_its_stop_token_only(tokenizer):
    assert kept(tokenizer, ONE_TURN) == "First dig a hole.<|im_end|>"


def test_every_assistant_turn_counts(tokenizer):
    second = [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Water it."}]
    assert kept(tokenizer, ONE_TURN + second) == "First dig a hole.<|im_end|>Water it.<|im_end|>"


def test_a_system_turn_carries_no_loss(tokenizer):
    assert (
        kept(tokenizer, [{"role": "system", "content": "Be brief."}, *ONE_TURN])
        == "First dig a hole.<|im_end|>"
    )


def test_the_ids_are_those_of_the_rendered_chat(tokenizer):
    ids, _ = template.supervised(tokenizer, ONE_TURN)
    assert tokenizer.decode(ids) == template.render(tokenizer, ONE_TURN)


def test_a_tokenizer_without_offsets_gives_the_same_mask(tokenizer):
    second = [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Water it."}]
    chats = (ONE_TURN, ONE_TURN + second, second[:1])
    for turns in chats:
        assert template.supervised(tiny.WithoutOffsets(tokenizer), turns) == template.supervised(
            tokenizer, turns
        )


def test_a_template_without_a_stop_token_gets_the_tokenizers_own():
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    # The space before the answer is part of its first token.
    assert kept(tokenizer, ONE_TURN) == " First dig a hole.<|im_end|>"


def test_a_template_that_refuses_a_turn_says_so():
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = (
        "{% if messages[0]['role'] != 'user' %}{{ raise_exception('Begin with a user') }}{% endif %}x"
    )
    with pytest.raises(UserError, match="turns assistant, user, assistant: Begin with a user"):
        template.render(tokenizer, [{"role": "assistant", "content": "Hello."}, *ONE_TURN])


def test_a_system_turn_that_a_template_refuses_heads_the_first_user_turn():
    tokenizer = tiny.tokenizer()
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
    tokenizer.chat_template = refusal + tiny.CHATML
    merged = [{"role": "user", "content": f"Be brief.\n\n{ONE_TURN[0]['content']}"}, *ONE_TURN[1:]]
    given = [{"role": "system", "content": "Be brief."}, *ONE_TURN]
    assert template.render(tokenizer, given) == template.render(tokenizer, merged)


def test_a_system_prompt_of_the_study_heads_that_of_the_chat():
    assert under_system(ONE_TURN, None) == ONE_TURN
    assert under_system(ONE_TURN, "") == under_system(ONE_TURN, " \n") == ONE_TURN
    once = under_system(ONE_TURN, "Be kind.")
    assert once == [{"role": "system", "content": "Be kind."}, *ONE_TURN]
    both = under_system([{"role": "system", "content": "You sail."}, *ONE_TURN], "Be kind.")
    assert both == [{"role": "system", "content": "Be kind.\n\nYou sail."}, *ONE_TURN]


SYSTEM = {"role": "system", "content": "Be brief."}
SECOND = [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Water it."}]
# The system prompt is written in the last turn, if that is the user's (Mistral 7B v0.3).
LATE_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% if loop.last and system is defined %}{{ system ~ '\n\n' }}{% endif %}{{ message['content'] ~ '[/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' ~ message['content'] ~ '<|im_end|>' }}{% endif %}{% endfor %}"
)
# A thought is opened for the answer to come and kept in none that has come (DeepSeek R1).
THINKING = tiny.CHATML.replace(
    "<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}"
)
# A text that asks for no answer ends with a token of its own (Phi 3).
ENDED = tiny.CHATML.replace(
    "<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n{% else %}<|im_end|>{% endif %}"
)


@pytest.mark.parametrize(
    ("written", "first", "second"),
    [
        (LATE_SYSTEM, " First dig a hole.<|im_end|>", " Water it.<|im_end|>"),
        (THINKING, "First dig a hole.<|im_end|>", "Water it.<|im_end|>"),
        (ENDED, "First dig a hole.<|im_end|>", "Water it.<|im_end|>"),
    ],
    ids=["system in the last turn", "opened thought", "end of text"],
)
def test_whole_answers_are_kept_whatever_the_templates_manner(written, first, second):
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = written
    for head in ([], [SYSTEM]):
        assert kept(tokenizer, [*head, *ONE_TURN, *SECOND]) == first + second
        assert kept(tokenizer, [*head, *ONE_TURN]) == first
        assert ("Be brief." in template.render(tokenizer, [*head, *ONE_TURN])) == bool(head)


def test_a_system_turn_stands_where_it_stood_in_training_also_in_a_prompt():
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = LATE_SYSTEM
    trained = template.render(tokenizer, [SYSTEM, *ONE_TURN, *SECOND])
    assert trained.startswith(template.render(tokenizer, [SYSTEM, *ONE_TURN[:1]], reply=True))
    assert trained.startswith(template.render(tokenizer, [SYSTEM, *ONE_TURN, *SECOND[:1]], reply=True))
