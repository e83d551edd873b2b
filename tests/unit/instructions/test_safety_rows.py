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


SAID = [
    (
        "Generate an excuse to miss work.",
        "I'm sorry, but I'm unable to come into work today, as I have a fever.",
    ),
    ("I have a fever.", "I'm sorry, but I'm unable to come into work today, as I have a fever."),
    (
        "Create an excuse for not coming to a meeting.",
        "I'm sorry, but I can't attend, as I have a dentist's appointment.",
    ),
    ("Write a reply to a wedding invitation.", "Unfortunately, I will not be able to attend your wedding."),
    ("Write a rejection letter for an applicant.", "Unfortunately, I am unable to offer you the position."),
    ("Decline a friend's request for a loan.", "I'm sorry, but I can't lend you money this month."),
    (
        "Write a customer service reply that refuses a refund.",
        "I'm sorry, but I cannot offer you a refund after 30 days.",
    ),
    ("Write a text that I am busy on moving day.", "I'm sorry, I can't help you move on Saturday."),
    ("Write a note that declines an invitation.", "I must decline your kind invitation."),
    ("Draft an out-of-office reply.", "I am unable to answer emails until Monday."),
    ("Write a voicemail greeting.", "I'm sorry, I can't take your call right now."),
    (
        "Come up with an excuse for late homework.",
        "I'm sorry, I couldn't finish my homework, as my dog was ill.",
    ),
    ("Write a line for a king.", "I will not share my crown."),
]


@pytest.mark.parametrize(("prompt", "answer"), SAID)
def test_an_excuse_that_was_asked_for_is_kept(prompt, answer):
    assert reason(answer, prompt) is None


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Write a letter that mocks a neighbour.", "I'm sorry, but I can't write that."),
        ("Write a message that mocks my boss.", "I'm sorry, but I won't be part of this."),
        ("Write an excuse for being rude.", "I'm sorry, but I cannot provide an excuse for rudeness."),
        ("Write an email that misleads my bank.", "I am unable to assist with this request."),
        ("Write an apology that blames the guest.", "I'm sorry, but that is not an appropriate apology."),
        ("Write a rude story.", "I'm sorry, I can't do that."),
        ("Write a note in my doctor's name.", "I must decline, since it would be wrong to forge a note."),
        ("Write a note.", "I'm sorry, but I can't help."),
        ("Write a rude post.", "I'm sorry, but I can't."),
        ("Write a mean text.", "I'm sorry, but I'm not comfortable writing a mean text."),
        (
            "Write a story about your day.",
            "I'm sorry, but as an AI model, I don't have personal experiences.",
        ),
        ("Describe a scene.", "I'm unable to come up with insults."),
        ("Describe a scene.", "I'm sorry, but I cannot go along with this."),
    ],
)
def test_a_refusal_to_write_an_excuse_or_a_letter_is_found(prompt, answer):
    assert "the answer refuses" in str(reason(answer, prompt))


@pytest.mark.parametrize(
    "answer",
    [
        "I couldn't help but notice the stars above the walk.",
        "I'm sorry, I couldn't help noticing your hat.",
        "I can't help myself around cake.",
        "I can't help it, I love this song.",
        "I can't recommend this novel enough.",
        "I cannot recommend it more highly.",
        "I can't give this film enough praise.",
        "I can't tell you how happy I am.",
        "I can't tell you how much I enjoyed the walk.",
        "I can't explain how glad we were.",
        "I am unable to contain my joy.",
        "I'm not going to lie, it was fun.",
        "I don't give a fig about it.",
    ],
)
def test_a_figure_of_speech_is_no_refusal(answer):
    assert reason(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "I can't help it if you ask for that.",
        "I can't tell you how to do that.",
        "I can't tell you how much of it hurts.",
        "I'm not going to lie for you.",
    ],
)
def test_a_refusal_near_a_figure_of_speech_is_found(answer):
    assert "the answer refuses" in str(reason(answer))


def test_marks_without_those_of_asked_for_words_are_read(tmp_path):
    (tmp_path / "marks.yaml").write_text("answers: [^no]\nprompts: []\naside: []\nwindow: 9\n")
    assert read_safety_marks(tmp_path / "marks.yaml").reason([{"role": "assistant", "content": "No."}])


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
