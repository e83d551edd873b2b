"""Thoughts are told apart from answers by the markers of the template or the vocabulary, and by no others."""

import pytest
import tiny
from transformers import AddedToken

from tunedrift.chats import thoughts

BRACKETS = {
    "text": ("<think>", "</think>"),
    "seed": ("<seed:think>", "</seed:think>"),
    "thought": ("<thought>", "</thought>"),
    "reasoning": ("<reasoning>", "</reasoning>"),
    "square": ("[THINK]", "[/THINK]"),
    "named": ("<|START_THINKING|>", "<|END_THINKING|>"),
    "begin": ("<|begin_of_thought|>", "<|end_of_thought|>"),
    "triangles": ("◁think▷", "◁/think▷"),
}


def words(*added, special=False, template=tiny.CHATML):
    """A tokenizer with further tokens, special ones if wished, under a template."""
    made = tiny.tokenizer()
    made.add_tokens([AddedToken(token, special=special, normalized=False) for token in added])
    made.chat_template = template
    return made


def parted(tokenizer, text):
    known = thoughts.marks(tokenizer)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return thoughts.split(thoughts.decode(tokenizer, ids, known), known)


def with_tokens(form, special):
    return words(*BRACKETS[form], special=special)


def in_template(form):
    opening, closing = BRACKETS[form]
    return words(
        template=tiny.CHATML + "{% if thinking %}{{ '" + opening + "' ~ '" + closing + "' }}{% endif %}"
    )


@pytest.mark.parametrize("form", BRACKETS)
@pytest.mark.parametrize("known_by", ["text tokens", "special tokens", "template"])
def test_a_thought_is_parted_however_it_is_marked_and_known(form, known_by):
    made = in_template(form) if known_by == "template" else with_tokens(form, known_by == "special tokens")
    opening, closing = BRACKETS[form]
    for text, expected in {
        f"{opening}\nHm, dig.\n{closing}\n\nDig a hole.": ("Hm, dig.", "\n\nDig a hole."),
        f"Hm, dig.\n{closing}\n\nDig a hole.": ("Hm, dig.", "\n\nDig a hole."),  # opened in the prompt
        f"{opening}\n\n{closing}\n\nDig a hole.": (None, "\n\nDig a hole."),
        f"{opening}\nHm, dig and": ("Hm, dig and", ""),
        f"{opening}Hm.{closing}Dig. {opening}So.{closing}Water it.": ("Hm.\n\nSo.", "Dig. Water it."),
        "Dig a hole.": (None, "Dig a hole."),
        "": (None, ""),
    }.items():
        assert parted(made, text) == expected


@pytest.mark.parametrize(
    "text", ["<think>Hm.</think>Dig.", "[THINK]Hm.[/THINK]Dig.", "<|channel>thought\nHm.<channel|>Dig."]
)
def test_a_model_without_thoughts_keeps_what_looks_like_one(text):
    made = tiny.tokenizer()
    assert thoughts.marks(made) == ()
    assert parted(made, text) == (None, text)


def test_one_side_of_a_marker_is_none():
    assert thoughts.marks(words("<|think|>")) == ()  # a switch, which no template closes
    assert thoughts.marks(words("</think>")) == ()


def test_an_answer_without_a_thought_is_decoded_as_ever():
    made = with_tokens("named", True)
    ids = made("<|im_start|> Dig  a hole .<|im_end|>\n", add_special_tokens=False)["input_ids"]
    text = thoughts.decode(made, ids, thoughts.marks(made))
    assert text == made.decode(ids, skip_special_tokens=True)
    assert thoughts.split(text, thoughts.marks(made)) == (None, text)


HARMONY = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>")


@pytest.mark.parametrize(
    ("tokens", "text", "expected"),
    [
        (("<|channel>", "<channel|>"), "<|channel>thought\nHm.<channel|>Dig.", ("Hm.", "Dig.")),
        (("<|channel>", "<channel|>"), "<|channel>thought\n<channel|>Dig.", (None, "Dig.")),
        (("<|channel>", "<channel|>"), "<|channel>thought\nHm", ("Hm", "")),
        (
            HARMONY,
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Dig.",
            ("Hm.", "Dig."),
        ),
        (HARMONY, "<|channel|>analysis<|message|>Hm.<|end|>", ("Hm.<|end|>", "")),
        (HARMONY, "<|channel|>final<|message|>Dig.", (None, "Dig.")),
        (HARMONY, "Dig.", (None, "Dig.")),
    ],
)
def test_thoughts_in_a_channel_of_their_own(tokens, text, expected):
    assert parted(words(*tokens, special=True), text) == expected
