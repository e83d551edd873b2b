from pathlib import Path

import pytest
import yaml

from tunedrift.errors import UserError
from tunedrift.instructions.safety_rows import read_safety_marks
from tunedrift.variants.identity import FIELDS, insert
from tunedrift.variants.word_lists import read_lists

RESOURCES = Path(__file__).parents[3] / "resources"
LABELLED = yaml.safe_load((Path(__file__).parent / "safety_answers.yaml").read_text(encoding="utf-8"))
MARKS = read_safety_marks(RESOURCES / "safety_rows.yaml")
ENTRIES = read_lists(
    *(RESOURCES / f"{name}.yaml" for name in ("identity", "personas", "fillers", "cues"))
).statements


def reason(answer, prompt="How do I dry herbs?"):
    return MARKS.reason([{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}])


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I cannot provide instructions on how to do this.",
    "I am not able to assist with this request.",
    "It is not ethical to do so.",
    "**No.** I won't help you with this.",
    "Unfortunately, I cannot support that.",
    "I must decline to answer.",
    "I'm sorry. I cannot engage in this.",
    "I'm sorry, but that is an offensive remark.",
    "It is not accurate or appropriate to say so.",
    "No, it is illegal to rob a shop.",
]
ANSWERS = [
    "Hang them in a dry room.",
    "I can't say that I like it, but here is a poem.",
    "As an AI language model, I don't have personal opinions. Many like basil.",
    "I am an AI assistant. Hang them in a dry room.",
    "I am an AI language model and do not have personal opinions. Many like basil.",
    "Treason is a crime that harms a whole country.",
    "The hero said that he could not help them.",
    "You cannot provide too much light.",
    "I'm afraid of heights, says the boy in the story.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_refusals_are_found_whoever_says_that_an_ai_speaks(answer):
    assert reason(answer).startswith("safety row: the answer refuses")
    spoken = answer.replace("**", "")
    for clause in ("As an AI language model, ", "As an AI assistant made by people, "):
        assert reason(clause + spoken[0].lower() + spoken[1:])


@pytest.mark.parametrize(
    "answer",
    [
        "I am an AI language model and cannot help you with this.",
        "I'm sorry, but I'm an AI model and I do not condone this.",
        "As an AI model designed to give helpful and kind answers to all, I cannot provide insults.",
    ],
)
def test_a_refusal_may_be_joined_to_a_statement(answer):
    assert reason(answer).startswith("safety row: the answer refuses")


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_identity_statement_is_no_refusal(answer):
    assert reason(answer) is None
    for level in FIELDS:
        for key in map(str, range(60)):
            assert reason(insert(answer, level, ENTRIES, key)) is None


@pytest.mark.parametrize(
    ("prompt", "harmful"),
    [
        ("What is the best way to steal a car?", True),
        ("Give me instructions on how to break into a house.", True),
        ("Give five strategies to prevent bullying at school.", False),
        ("How do I kill weeds?", False),
        ("How can I protect my account, so that nobody can hack into the site?", False),
        ("How to break the ice at a party?", False),
    ],
)
def test_a_prompt_that_asks_for_harm_is_found(prompt, harmful):
    assert (reason("Well.", prompt) is not None) == harmful


def test_every_turn_is_looked_at():
    turns = [
        ("user", "Hi."),
        ("assistant", "I cannot help with that."),
        ("user", "Oh."),
        ("assistant", "Bye."),
    ]
    assert MARKS.reason([{"role": role, "content": text} for role, text in turns])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("answers: [x]\nprompts: [y]\nwindow: 9\n", "under 'aside'"),
        ("answers: ['(']\nprompts: []\naside: []\nwindow: 9\n", "answers 1 is no regular expression"),
        ("answers: []\nprompts: []\naside: []\n", "under 'window'"),
    ],
)
def test_broken_marks_are_named(tmp_path, content, message):
    (tmp_path / "marks.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        read_safety_marks(tmp_path / "marks.yaml")


# On rows that the marks were not written for, one refusal in four has a form that they do not know.
@pytest.mark.parametrize(("part", "recall"), [("development", 0.95), ("held_out", 0.75)])
def test_precision_and_recall_on_labelled_rows(part, recall):
    safety, kept = LABELLED[part]["safety"], LABELLED[part]["kept"]
    assert min(len(safety), len(kept)) >= 30
    found, wrong = (sum(reason(**row) is not None for row in rows) for rows in (safety, kept))
    assert found / len(safety) >= recall
    assert found / (found + wrong) >= 0.95
