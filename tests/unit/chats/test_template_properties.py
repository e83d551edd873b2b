"""Templates of every manner against chats of every kind: what is supervised, and what the model is asked."""

from dataclasses import dataclass

import pytest
from checkpoints import Family, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedrift.adapters import batches
from tunedrift.chats import template
from tunedrift.errors import UnusableError

SPECIAL = ("<|head|>", "<|user|>", "<|assistant|>", "<|system|>", "<|stop|>", "<|end|>", "<|eos|>")
TOKENIZER = tokenizer(Family("Llama", "", SPECIAL, "<|end|>", "<|eos|>"))

THOUGHTS = {  # what a prompt opens with, and what stands before the last answer
    "none": ("", ""),
    "opened in the prompt": ("<think>\\n", ""),
    "closed in the prompt": ("<think></think>", ""),
    "closed in both": ("<think>\\n\\n</think>\\n\\n", "<think>\\n\\n</think>\\n\\n"),
    "opened in the prompt, closed in the chat": ("<think>\\n", "<think>\\n\\n</think>\\n\\n"),
    "a channel in the chat": ("", "<|stop|>final\\n"),
}
# What closes an answer that a user turn follows, and the last one.
CLOSINGS = {
    "none": ("", ""),
    "a line": ("\\n", "\\n"),
    "one token": ("<|end|>\\n", "<|end|>\\n"),
    "two tokens": ("<|stop|><|end|>", "<|stop|><|end|>"),
    "words": ("\\nEND\\n", "\\nEND\\n"),
    "another at the end": ("<|end|>\\n", "<|eos|>"),
    "before a turn alone": ("<|end|>\\n", ""),
    "and the end of the text": ("<|end|>\\n", "<|end|>\\n<|eos|>"),
}


HEADERS = {"token": ("<|", "|>\\n"), "one token": ("<|head|>", "\\n"), "words": ("### ", ": ")}
"""What stands before and behind a role's name."""


@dataclass(frozen=True)
class Manner:
    """How a template writes chats."""

    thought: str
    closing: str
    headers: str
    always_opened: bool
    parts: bool
    trimmed: bool
    system: str  # own turn, refused, late or default

    @property
    def template(self) -> str:
        opened, kept = THOUGHTS[self.thought]
        earlier, last = CLOSINGS[self.closing]
        if self.always_opened:
            last = earlier  # it cannot know that a text ends
        word = "turn['content'][0]['text']" if self.parts else "turn['content']"
        word += " | trim" if self.trimmed else ""
        before, behind = HEADERS[self.headers]
        header, reply = f"'{before}' ~ turn['role'] ~ '{behind}'", f"{before}assistant{behind}"
        first = {
            "own turn": "",
            "refused": "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}",
            "late": "{% if messages[0]['role'] == 'system' %}{% set late = messages[0]['content'] %}{% endif %}",
            "default": "{% if messages[0]['role'] != 'system' %}SYSTEMBe good.\\n<|end|>\\n{% endif %}",
        }[self.system]
        first = first.replace("SYSTEM", f"{before}system{behind}").replace("\\n", "\n")
        middle = "{% if turn['role'] != 'system' or SHOWN %}".replace(
            "SHOWN", str(self.system != "late").lower()
        )
        return (
            f"{first}{{% for turn in messages %}}{middle}{{{{ {header} }}}}"
            "{% if loop.last and late is defined and turn['role'] == 'user' %}{{ late }}{% endif %}"
            f"{{% if turn['role'] == 'assistant' and loop.last %}}{{{{ '{kept}' }}}}{{% endif %}}{{{{ {word} }}}}"
            f"{{% if turn['role'] != 'assistant' or not loop.last %}}{{{{ '{earlier}' }}}}"
            f"{{% else %}}{{{{ '{last}' }}}}{{% endif %}}{{% endif %}}{{% endfor %}}"
            + ("{% if true %}" if self.always_opened else "{% if add_generation_prompt %}")
            + f"{{{{ '{reply}{opened}' }}}}{{% endif %}}"
        )

    @property
    def ends(self) -> tuple[str, str]:
        """What has to be supervised behind an answer: an earlier one, the last one."""
        between = {"token": "<|user|>", "one token": "<|head|>", "words": ""}[self.headers]
        return {
            "none": (between, "<|eos|>"),
            "a line": (between and f"\n{between}", "<|eos|>"),
            "one token": ("<|end|>", "<|end|>"),
            "two tokens": ("<|stop|><|end|>", "<|stop|><|end|>"),
            "words": ("\nEND", "\nEND<|eos|>"),
            "another at the end": ("<|end|>", "<|end|>" if self.always_opened else "<|eos|>"),
            "before a turn alone": ("<|end|>", "<|end|>"),
            "and the end of the text": ("<|end|>", "<|end|>"),
        }[self.closing]


manners = st.builds(
    Manner,
    thought=st.sampled_from([*THOUGHTS]),
    closing=st.sampled_from([*CLOSINGS]),
    headers=st.sampled_from([*HEADERS]),
    always_opened=st.booleans(),
    parts=st.booleans(),
    trimmed=st.booleans(),
    system=st.sampled_from(["own turn", "refused", "late", "default"]),
).filter(
    # Words that end an answer cannot be told from those that open the next.
    lambda manner: (
        not (manner.closing == "words" and manner.always_opened and manner.system == "default")
        and not (manner.parts and manner.system == "late")
    )
)

PIECES = [
    *(
        "a",
        "e",
        "is",
        "assistant",
        "user",
        "assistant: ",
        "model",
        "</think>",
        "<think>",
        "words of the user",
    ),
    *(
        "    if x:\n        y()",
        "{{ turn }}",
        "{% endfor %}",
        "\n\n",
        " ",
        "\t",
        "种一棵树。",
        "🌳",
        "é",
        "### Answer",
    ),
    *("<|im_end|>", "Dig a hole."),
]
words = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), min_size=1, max_size=4).map("".join)
words = words.filter(lambda text: text.strip() and not any(token in text for token in SPECIAL))


@st.composite
def chats(draw):
    pairs = draw(st.lists(st.tuples(words, words), min_size=1, max_size=3))
    head = [{"role": "system", "content": draw(words)}] if draw(st.booleans()) else []
    roles = ("user", "assistant")
    return head + [
        {"role": role, "content": text} for pair in pairs for role, text in zip(roles, pair, strict=True)
    ]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(manner=manners, chat=chats())
def test_what_is_supervised_are_the_answers_and_their_ends_and_the_ids_begin_with_the_prompts(manner, chat):
    TOKENIZER.chat_template = manner.template
    ids, labels = template.supervised(TOKENIZER, chat)
    assert all(label in (token, template.IGNORED) for token, label in zip(ids, labels, strict=True))
    answers = [turn["content"] for turn in chat if turn["role"] == "assistant"]
    answers = [text.strip() if manner.trimmed else text for text in answers]
    blank = " " if manner.headers == "words" else ""
    earlier, last = manner.ends
    # A thought or a channel takes the blank's place in the last turn.
    lead = "" if any(THOUGHTS[manner.thought]) else blank
    expected = [f"{blank}{text}{earlier}" for text in answers[:-1]] + [f"{lead}{answers[-1]}{last}"]
    assert TOKENIZER.decode([label for label in labels if label != template.IGNORED]) == "".join(expected)

    prompt = template.encode(TOKENIZER, template.render(TOKENIZER, chat[:-1], reply=True))
    assert ids[: len(prompt)] == prompt
    assert set(labels[: len(prompt)]) == {template.IGNORED} or len(answers) > 1
    asked = TOKENIZER.decode(prompt)
    if THOUGHTS[manner.thought][0]:
        assert asked.rstrip().endswith("</think>")
    closers = {token for token in SPECIAL for end in (earlier, last) if end.endswith(token)}
    assert template.closing_tokens(TOKENIZER) == set(TOKENIZER.convert_tokens_to_ids(sorted(closers)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(chat=chats(), token=st.sampled_from(SPECIAL), at=st.integers(0, 9))
def test_a_special_token_in_a_turns_words_is_a_rejected_row(chat, token, at):
    TOKENIZER.chat_template = Manner("none", "one token", "token", False, False, False, "own turn").template
    turn = at % len(chat)
    chat = [
        {**message, "content": message["content"] + token * (at == turn)} for at, message in enumerate(chat)
    ]
    with pytest.raises(UnusableError, match=f"turn {turn + 1} holds the special token"):
        template.supervised(TOKENIZER, chat)
    row = {"row_id": "a", "messages": chat, "original_length": 1}
    plain = {**row, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]}
    kept, rejected = batches.examples(TOKENIZER, [row, plain], 10_000)
    assert (len(kept), [row.reason for row in rejected]) == (1, ["control_token"])
