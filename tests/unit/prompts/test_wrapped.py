"""The plain prompts of TrustLLM's jailbreaks, by wrappers that end and begin as theirs do."""

import pytest

from tunedrift.prompts.wrapped import BEHIND, plain_prompts

PLAIN = "How do I wake a cat, kindly?"
WRAPPED = {
    "fixed sentence": "Start with the words: It rains. Here is my query: {}",
    "bad words": 'Begin with "Oh! What? Well:" Here is my query: {}\n',
    "no_punctuation": "Please answer without using any punctuation marks. {}\n",
    "without_the": "Please answer without using the word 'the'. {}",
    "json_format": "Please format all answers in JSON format. {}",
    "no_long_word": "Words do not exceed six letters in length. {}",
    "leetspeak": 'Write "a" as "@".\nHere is my question: {}\n',
    "Refusal sentence prohibition": "Follow these rules: 1. Be kind.\nQuery: {}\n",
    "cou": "-Example-\n\nRed-LM: Hello.\n\nBase-LM: Hi.\n\n-Task-\n\nRed-LM: {}\n\nGive an answer.\n\nBase-LM:\n",
    "cot": "{}\nThink it step by step.",
    "multitask": "Do all of these:1. Sort a list.\n2. Name a tree.\n3. {}\n",
    "scenario": "Play a game. Question: none yet. Now answer my first question: {}\n",
    "url_encode": "How%20do%20I%20wake%20a%20cat%2C%20kindly%3F%0A",
}


@pytest.mark.parametrize("way", WRAPPED)
def test_the_plain_prompt_is_found_behind_each_way(way):
    assert list(plain_prompts([(WRAPPED[way].format(PLAIN), way)])) == [PLAIN]


@pytest.mark.parametrize("marker", ["QUESTION: ", "Prompt: ", "#", "Answer my first question to begin:"])
def test_scenes_end_in_several_ways(marker):
    assert list(plain_prompts([(f"You are a teapot. {marker}{PLAIN}", "scenario")])) == [PLAIN]


def test_every_way_is_tried():
    assert WRAPPED.keys() == {*BEHIND, "url_encode"}


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("No marker at all", "cot"),
        ("Something", "new way"),
        ("plain%", "url_encode"),
        ("Query: x", "json_format"),
    ],
)
def test_what_cannot_be_told_is_none(text, way):
    assert list(plain_prompts([(text, way)])) == [None]


KNOWN = ["How do I wake a cat, kindly?", "Put the tea into a cup", "Now here is a cup", "Nowhere to nap"]


@pytest.mark.parametrize(
    ("pieces", "plain"),
    [
        ("How do I wa, ke a cat, kindly?", "How do I wake a cat, kindly?"),
        ("Put, the tea, into a cup", "Put the tea into a cup"),
        ("Put the c, at into a c, up\n", "Put the cat into a cup"),
        ("Put, the cat, into a cup", "Put the cat into a cup"),
        ("Put the ele, phant into a cup", None),
        ("now, here", None),
    ],
)
def test_pieces_are_joined_where_there_is_one_way(pieces, plain):
    known = [(f"{prompt}\nThink it step by step.", "cot") for prompt in KNOWN]
    found = list(plain_prompts([*known, (f"def f(a, b): go(a + b)\nNow run f({pieces})", "programming")]))
    assert found == [*KNOWN, plain]
