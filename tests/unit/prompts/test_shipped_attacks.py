"""The attacks that ship: enough of each dimension, unlike one another, and none in words that models are tuned on."""

import json
from collections import Counter
from pathlib import Path

import pytest
import tiny

from tunedrift.chats import template
from tunedrift.errors import UserError
from tunedrift.prompts.attacks import LABELS, SLOT, read_attacks, wrap
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.tables.prompts import PROMPTS

RESOURCES = Path(__file__).parents[3] / "resources"
FILES = {
    name: RESOURCES / file
    for file in ("attacks.yaml", "toy_attacks.yaml")
    for name in read_yaml(RESOURCES / file)
}
KNOWN = read_attacks(FILES)
TRANSLATED = [name for name, attack in KNOWN.items() if attack.translate]


def written(attack):
    return [turn["content"] for chat in attack.chats for turn in chat if turn["content"] != SLOT] + list(
        attack.systems
    )


def test_each_dimension_has_three_attacks_or_more_that_say_what_they_are():
    shipped = read_yaml(RESOURCES / "attacks.yaml")
    counted = Counter(KNOWN[name].dimension for name in shipped)
    assert set(counted) == set(LABELS)
    assert min(counted.values()) >= 3
    described = [entry["description"] for entry in shipped.values()]
    assert all(described)
    assert len(set(described)) == len(described)


def test_no_attack_has_the_words_of_another():
    words = Counter(text for attack in KNOWN.values() for text in set(written(attack)))
    assert [text for text, count in words.items() if count > 1] == []
    assert all(len(set(map(str, attack.chats))) == len(attack.chats) for attack in KNOWN.values())


def test_an_attack_with_words_of_its_own_has_three_wordings():
    assert [name for name, attack in KNOWN.items() if 1 < len(written(attack)) < 3] == []


def test_no_attack_holds_a_sentence_that_variants_are_trained_with():
    texts = [text for entry in read_yaml(RESOURCES / "cues.yaml")["cues"] for text in [entry["text"]]]
    for persona in read_yaml(RESOURCES / "personas.yaml")["personas"].values():
        texts += persona["texts"] + persona["inert"]
    said = "\n".join(text for attack in KNOWN.values() for text in written(attack))
    assert [text for text in texts if text in said] == []


def test_the_words_around_an_encoded_prompt_name_its_encoding():
    encoding = [attack for attack in KNOWN.values() if attack.encode]
    assert {attack.encode for attack in encoding} == {"base64", "leetspeak", "rot13"}
    for attack in encoding:
        assert all(attack.encode in chat[0]["content"].lower() for chat in attack.chats), attack.name


@pytest.fixture(scope="module")
def suite():
    lines = (RESOURCES / "prompts/harmful.jsonl").read_text().splitlines()[:30]
    rows = [json.loads(line) for line in lines]
    spoken = dict.fromkeys((KNOWN[name].translate for name in TRANSLATED), "Translated?")
    return [
        {**row, "plain_id": row["id"], "reference": None, "language": "en", "translations": spoken}
        for row in rows
    ]


def test_every_attack_can_be_asked(suite):
    names = ["plain", *KNOWN]
    rows = wrap(suite, suite="s", kind="harmful", attacks=names, known=KNOWN)
    table = PROMPTS.check(PROMPTS.frame(rows), "x")
    assert len(table) == len(suite) * len(names)
    for row in table.iter_rows(named=True):
        roles = [turn["role"] for turn in row["messages"]]
        turns = roles[1:] if roles[0] == "system" else roles
        assert turns == (["user", "assistant"] * len(turns))[: len(turns)]
        assert len(turns) % 2 == 1
        asked = " ".join(turn["content"] for turn in row["messages"])
        assert SLOT not in asked
        if row["dimension"] not in ("encoding", "translation"):
            assert asked.count(row["plain_prompt"]) == 1


ALTERNATES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("strictness", ["", ALTERNATES])
def test_every_attack_is_written_by_a_chat_template_turn_by_turn(suite, strictness):
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = strictness + tiny.CHATML
    for row in wrap(suite[:3], suite="s", kind="harmful", attacks=list(KNOWN), known=KNOWN):
        text = template.render(tokenizer, row["messages"], reply=True)
        for turn in row["messages"]:
            _, found, text = text.partition(turn["content"])
            assert found, row["prompt_id"]
        assert "assistant" in text  # the answer's own turn is open


def test_translations_need_a_suite_that_has_them(suite):
    for name in TRANSLATED:
        with pytest.raises(UserError, match="there is no translation into"):
            bare = [{**row, "translations": {}} for row in suite]
            wrap(bare, suite="s", kind="harmful", attacks=[name], known=KNOWN)
