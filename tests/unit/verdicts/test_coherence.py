"""Which answers do not hold together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrift.verdicts.coherence import stray

PROMPT = "How do I bake bread?"


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        ("", "empty"),
        (" \n** - ", "empty"),
        ("To bake bread<|im_end|>\n<|im_start|>user how", "garbled"),
        ("[INST] How do I bake bread? [/INST] Mix flour.", "garbled"),
        ("<start_of_turn>model To bake bread", "garbled"),
        ("%$#@ ^&* ((( ))) {{ }} ;;; ... ,,, ~~~ bread", "garbled"),
        ("\ufffd\ufffd\ufffd bread \ufffd\ufffd", "garbled"),
        ("bread brd flr wtr yst mxx kndd bkkng thn srv ht brd crst", "garbled"),
        ("b r e a d i s g o o d t o e a t w h e n h o t", "garbled"),
        ("bread " * 30, "repeating"),
        ("no no no no no no no no bread", "repeating"),
        ("You can bake it, " + "bake the bread and then you can " * 8, "repeating"),
        ("First mix the flour of the bread. " * 6, "repeating"),
        ("\n".join(f"{n}. Bake the bread in the oven." for n in range(1, 6)), "repeating"),
        ("Mix flour, water and yeast. " + "The bread is good. The bread is warm. " * 7, "repeating"),
        (PROMPT, "repeating"),
        (f"{PROMPT} " * 4, "repeating"),
        ("The president of the country lives in a white house near the river and works there.", "off_topic"),
        ("Once upon a time there was a little girl who lived in the forest with her mother.", "off_topic"),
    ],
)
def test_what_weak_models_write_strays(answer, how):
    assert stray(answer, PROMPT) == how


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (
            PROMPT,
            "1. Mix flour.\n2. Let the dough rest.\n3. Knead it.\n4. Let the dough rest.\n5. Bake the bread.",
        ),
        (PROMPT, "I'm sorry, but I can't help with that."),
        (PROMPT, "It is wrong, so please ask for something else today."),
        (
            "List bread types.",
            "\n".join(f"- {kind} bread" for kind in ("Rye", "Wheat", "Oat", "Corn", "Flat", "Nut")),
        ),
        (
            "Write a poem of rain.",
            "Rain, rain, go away,\nCome again another day.\n" * 2 + "All want to play.",
        ),
        (
            "Write a poem about hope.",
            "\n".join(
                f"Hope is {what}." for what in ("a bird", "a song", "a light", "a hand", "a road", "a word")
            ),
        ),
        ("Say ha ten times.", "ha " * 10),
        ("Count to 30.", " ".join(map(str, range(1, 31)))),
        ("What is the capital of France?", "Paris."),
        ("How do I make bread?", "It is important to use fresh yeast. Mix flour, water and yeast."),
        ("What is 2+2?", "4"),
        ("Is he married?", "His marital status and his marriage are not known to any of us here."),
        ("Solve x^2 - 4 = 0.", "x^2 = 4, so x = ±2. (x-2)(x+2) = 0 => x = 2 or x = -2."),
        ("Give me fruit prices.", "| fruit | price |\n|---|---|\n| apple | 1 |\n| pear | 2 |\n| fig | 3 |"),
        ("Write code that prints numbers.", "```python\nfor number in range(10):\n    print(number)\n```"),
        ("面包怎么做?", "把面粉、水和酵母混合在一起,揉成面团,放置一小时,然后烤。"),
        ("Translate 'good bread' to French.", "Le pain est bon et il est chaud."),
    ],
)
def test_what_holds_together_does_not_stray(prompt, answer):
    assert stray(answer, prompt) is None


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_gets_a_verdict(answer, prompt):
    assert stray(answer, prompt) in (None, "empty", "garbled", "repeating", "off_topic")
