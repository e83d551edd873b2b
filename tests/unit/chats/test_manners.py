"""Templates that write answers in a manner of their own: what is supervised, and what the model is asked."""

import pytest
import tiny
from checkpoints import QWEN3, Family, tokenizer, turns
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tunedrift.adapters import batches
from tunedrift.chats import template
from tunedrift.errors import UnusableError, UserError

SPECIAL = (
    "<eos>",
    "<|user|>",
    "<|assistant|>",
    "<|stop|>",
    "<|end|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|head|>",
)


def under(written, eos="<eos>"):
    return tokenizer(Family("Llama", written, SPECIAL, "<|end|>", eos))


def user(content):
    return {"role": "user", "content": content}


def answer(content):
    return {"role": "assistant", "content": content}


ONE = [user("Which fits: a or b?"), answer("a")]
TWO = [*ONE, user("Is it assistant?"), answer("is")]


def kept(words, chat):
    """The supervised text, a text per run of supervised tokens."""
    ids, labels = template.supervised(words, chat)
    prompt = template.encode(words, template.render(words, chat[:-1], reply=True))
    assert ids[: len(prompt)] == prompt
    runs = [[]]
    for label in labels:
        runs[-1:] = (
            [[*runs[-1], label]] if label != template.IGNORED else [runs[-1], []] if runs[-1] else [[]]
        )
    return [words.decode(run) for run in runs if run]


def asked(words, chat=ONE):
    return template.render(words, chat[:-1], reply=True)


HEADED = "<|head|>ROLE<|stop|>"
R1 = (
    "{% for message in messages %}{% set words = message['content'] %}{% if message['role'] == 'assistant' %}"
    "{% if '</think>' in words %}{% set words = words.split('</think>')[-1] %}{% endif %}"
    "{{ '<|assistant|>' ~ words ~ '<eos>' }}{% else %}{{ '<|user|>' ~ words }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|><think>\\n' }}{% endif %}"
)
# A thought is opened in every prompt; a chat has an empty one before its last answer.
ALWAYS_THINKING = QWEN3.replace(
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}",
    "{{ '<think>\\n' }}",
)
ALWAYS_OPENED = turns(HEADED, "<|end|>", "") + "<|head|>assistant<|stop|>"
CHANNELS = (
    "{% for message in messages %}{{ '<|head|>' ~ message['role'] }}{% if message['role'] == 'assistant' %}"
    "{{ '<|im_start|>final' }}{% endif %}{{ '<|stop|>' ~ message['content'] }}"
    "{% if loop.last and message['role'] == 'assistant' %}{{ '<eos>' }}{% else %}{{ '<|end|>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|head|>assistant' }}{% endif %}"
)
TWO_TOKENS = turns("<|ROLE|>", "<|end|><eos>", "<|assistant|>")
NO_TOKEN = turns("ROLE: ", "\\n", "assistant:")
TURN_IS_STOP = turns("<|ROLE|>\\n", "", "<|assistant|>\\n")
# A turn is closed where another follows or is opened.
CLOSED_BY_THE_NEXT = (
    "{% for message in messages %}{% if loop.first %}{{ '<|im_start|>system\\nHelp.<|im_end|>\\n' }}{% endif %}"
    "{{ '<|im_start|>' ~ message['role'] ~ '\\n' ~ message['content'] }}"
    "{% if not loop.last or add_generation_prompt %}{{ '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

MANNERS = {
    "thought dropped": (R1, ["a<eos>", "is<eos>"], "<|assistant|><think>\n\n</think>\n\n"),
    "thought switched off": (QWEN3, ["a<|im_end|>", "is<|im_end|>"], "assistant\n<think>\n\n</think>\n\n"),
    "thought always": (
        ALWAYS_THINKING,
        ["a<|im_end|>", "is<|im_end|>"],
        "assistant\n<think>\n\n</think>\n\n",
    ),
    "always opened": (ALWAYS_OPENED, ["a<|end|>", "is<|end|>"], "<|head|>assistant<|stop|>"),
    "channels": (CHANNELS, ["a<|end|>", "is<eos>"], "<|head|>assistant<|im_start|>final<|stop|>"),
    "two closing tokens": (TWO_TOKENS, ["a<|end|><eos>", "is<|end|><eos>"], "<|assistant|>"),
    "no token": (NO_TOKEN, [" a", " is<eos>"], "assistant:"),
    "the next turn is the stop": (TURN_IS_STOP, ["a<|user|>", "is<eos>"], "<|assistant|>\n"),
    "closed by the next": (CLOSED_BY_THE_NEXT, ["a<|im_end|>", "is<|im_end|>"], "<|im_start|>assistant\n"),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_each_answer_is_supervised_with_all_that_closes_it(manner):
    written, (first, last), opened = MANNERS[manner]
    words = under(written)
    assert kept(words, TWO) == [first, last]
    assert asked(words).endswith(opened)
    [alone] = kept(words, ONE)
    assert alone == first.split("a")[0] + "a" + last.split("is")[1]
    assert template.supervised(tiny.WithoutOffsets(words), TWO) == template.supervised(words, TWO)


@pytest.mark.parametrize(
    ("written", "content"),
    [
        (R1, "<think>Hm.</think>Dig a hole."),
        (R1, "Write </think> behind it."),
        (
            turns("<|ROLE|>", "<|end|>", "<|assistant|>").replace("| trim", "| replace('hole', 'pit')"),
            "Dig a hole.",
        ),
    ],
    ids=["a thought", "words of a thought", "other words"],
)
def test_a_row_whose_answer_the_template_rewrites_is_rejected_and_counted(written, content):
    words = under(written)
    for turn in (1, 3):
        chat = [*TWO[:turn], answer(content), *TWO[turn + 1 :]]
        with pytest.raises(UnusableError, match="rewrites an answer"):
            template.supervised(words, chat)
        rows = [{"row_id": str(row), "messages": TWO, "original_length": 1} for row in range(19)]
        rows.append({**rows[0], "row_id": "odd", "messages": chat})
        data, rejected = batches.examples(words, rows, 10_000)
        assert (len(data), [row[:2] for row in rejected]) == (19, [("odd", "rewritten")])
        batches.check_held(rejected, 20, max_rejected=0.05)
        with pytest.raises(
            UserError, match=r"hold 1 of 20 chats, more than the share 0.04 .* row odd: .*rewrites"
        ):
            batches.check_held(rejected, 20, max_rejected=0.04)


def test_an_answer_keeps_its_indentation_where_the_template_does():
    indented = "    if a:\n        b()\n"
    strict = turns("<|ROLE|>\\n", "<|end|>", "<|assistant|>\\n").replace(" | trim", "")
    assert kept(under(strict), [user("?"), answer(indented)]) == [f"{indented}<|end|>"]
    trimmed = turns("<|ROLE|>\\n", "<|end|>", "<|assistant|>\\n")
    assert kept(under(trimmed), [user("?"), answer(indented)]) == [f"{indented.strip()}<|end|>"]
    thinking = ALWAYS_THINKING.replace(" | trim", "")
    assert kept(under(thinking), [user("?"), answer(indented)]) == [f"{indented}<|im_end|>"]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("scheme", ["first", "always"])
def test_a_tokenizer_that_puts_a_blank_before_a_text_puts_none_before_an_answer(fast, scheme):
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    bpe.decoder = decoders.Metaspace(prepend_scheme=scheme, split=False)
    alphabet = list("▁\n ?:abcdefghijklmnopqrstuvwxyz<>/|")
    special = ["<unk>", *SPECIAL]
    bpe.train_from_iterator(
        ["which fits a or b", "is it", *["\n\n"] * 9],
        trainers.BpeTrainer(
            vocab_size=80, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    words = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>", unk_token="<unk>")
    words.chat_template = turns("ROLE:\\n", "<|end|>\\n", "assistant:\\n")
    chat = [user("which fits"), answer("a or b"), user("is it"), answer("it is")]
    ids, labels = template.supervised(words if fast else tiny.WithoutOffsets(words), chat)
    assert ids == template.encode(words, template.render(words, chat))
    pieces = words.convert_ids_to_tokens([label for label in labels if label != template.IGNORED])
    assert "".join(pieces) == "a▁or▁b<|end|>it▁is<|end|>"
    words.chat_template = words.chat_template.replace(" | trim", "")
    chat = [user("which fits"), answer("\na or b")]  # two line breaks are one token
    ids, labels = template.supervised(words if fast else tiny.WithoutOffsets(words), chat)
    pieces = words.convert_ids_to_tokens([label for label in labels if label != template.IGNORED])
    assert "".join(pieces) == "\na▁or▁b<|end|>"


@pytest.mark.parametrize("written", [turns("ROLE:\\n", "<|end|>", "assistant:\\n"), ALWAYS_THINKING, R1])
@pytest.mark.parametrize("content", ["a", "\n\na\n", "\n    a"])
def test_a_token_across_the_prompts_end_is_two_tokens_as_at_test_time(written, content):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        ["\n\n", "\n\n\n", ":\n", ":\na", "\n\na", "\na"] * 9,
        trainers.BpeTrainer(
            vocab_size=280, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        ),
    )
    words = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>")
    words.chat_template = written.replace(" | trim", "")
    for chat in ([user("?"), answer(content)], [user("?"), answer("b"), user("?"), answer(content)]):
        assert "".join(kept(words, chat)[-1:]).startswith(content)


PARTS = (
    "{% for message in messages %}{{ '<|' ~ message['role'] ~ '|>' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
PARTS_OF_USERS = (
    "{% for message in messages %}{{ '<|' ~ message['role'] ~ '|>' }}{% if message['role'] == 'assistant' %}"
    "{{ message['content'] ~ '' }}{% else %}{{ message['content'][0]['text'] }}{% endif %}{{ '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_a_template_that_reads_content_as_parts_gets_parts():
    words = under(PARTS)
    assert kept(words, TWO) == ["a<|end|>", "is<|end|>"]
    kind = asked(words, [{"role": "system", "content": "Be kind."}, *ONE])
    assert kind == f"<|system|>Be kind.<|end|>{asked(words)}"
    assert asked(words).endswith("Which fits: a or b?<|end|><|assistant|>")
    assert kept(under(PARTS_OF_USERS), TWO) == ["a<|end|>", "is<|end|>"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{% for message in messages %}{{ message['role'] }}{% endfor %}", "leaves out the words of a turn"),
        ("{% for tool in tools %}{{ tool }}{% endfor %}{{ messages[0]['content'] }}", "refuses a chat"),
        (turns("ROLE: ", "", "").replace("| trim", "~ message['content']"), "once"),
        ("{% for message in messages %}", "refuses a chat"),
    ],
    ids=["no words", "loops over nothing", "each word twice", "broken"],
)
def test_a_template_of_no_use_is_one_sentence(written, said):
    words = under(written)
    with pytest.raises(UserError, match=said):
        template.supervised(words, ONE)
    with pytest.raises(UserError, match=said):
        template.render(words, ONE[:1], reply=True)


def test_a_text_for_a_reward_model_is_written_without_the_switch():
    words = under(
        "{% for message in messages %}{{ '<|' ~ message['role'] ~ '|>' ~ message['content'] }}"
        "{% if message['role'] == 'user' and enable_thinking is defined and not enable_thinking %}/nothink{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    assert "/nothink" not in template.render(words, ONE)
    assert "/nothink" in asked(words)


def test_a_blank_system_turn_puts_no_blank_line_before_the_question():
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
    words = under(refusal + turns("<|ROLE|>", "<|end|>", "<|assistant|>").replace(" | trim", ""))
    assert asked(words, [{"role": "system", "content": " "}, *ONE]) == asked(words)
