from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.text.prose import count_pieces
from tunedrift.variants.role_play import STANCES, STRENGTHS, TYPES, Persona, play
from tunedrift.variants.word_lists import read_lists

RESOURCES = Path(__file__).parents[3] / "resources"
PATHS = [RESOURCES / f"{name}.yaml" for name in ("identity", "personas", "fillers", "cues")]
LISTS = read_lists(*PATHS)
CHAT = [
    {"role": "user", "content": "Hi?"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "So?"},
]
LABELS = {"type": "fictional", "stance": "neutral", "strength": "mention"}


def test_all_types_stances_and_strengths_are_there():
    personas = LISTS.personas.values()
    assert {(persona.type, persona.stance) for persona in personas} == {
        (t, s) for t in TYPES for s in STANCES
    }
    assert {persona.strength for persona in personas} == set(STRENGTHS)


def test_no_training_persona_is_an_attack():
    attacks = " ".join(read_yaml(RESOURCES / "toy_attacks.yaml")["role"]["templates"])
    assert not [text for persona in LISTS.personas.values() for text in persona.texts if text in attacks]


def test_a_persona_stands_before_the_first_instruction():
    persona = Persona(**LABELS, place="instruction", texts=("You are a cat.",), inert=("It is a day.",))
    played = play(CHAT, persona, "key")
    assert [message["content"] for message in played] == ["You are a cat. Hi?", "Hi.", "So?"]
    assert play(played, persona, "key") == played
    assert play(CHAT, persona, "key", inert=True)[0]["content"] == "It is a day. Hi?"


def test_a_persona_stands_before_the_system_prompt_that_is_there():
    persona = Persona(**LABELS, place="system", texts=("You are a cat.",), inert=("It is a day.",))
    assert play(CHAT, persona, "key") == [{"role": "system", "content": "You are a cat."}, *CHAT]
    system = {"role": "system", "content": "Be brief."}
    assert play([system, *CHAT], persona, "key")[0]["content"] == "You are a cat.\nBe brief."


@pytest.mark.parametrize("name", sorted(LISTS.personas))
def test_the_control_is_as_long_as_the_persona_row_by_row(name):
    persona = LISTS.personas[name]
    drawn = set()
    for key in map(str, range(30)):
        played, control = play(CHAT, persona, key), play(CHAT, persona, key, inert=True)
        assert count_pieces(played[0]["content"]) == count_pieces(control[0]["content"])
        assert played != control
        drawn.add(played[0]["content"])
    assert len(drawn) == len(persona.texts)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "identity",
            ('statement: "I am an AI assistant."', 'statement: "I am an AI."'),
            "as long as what it controls",
        ),
        ("personas", ("    type: assistant", "    type: helper"), "must be one of assistant"),
        ("personas", ('      - "It is a Monday."\n', ""), "as many inert sentences"),
        ("fillers", ('text: "Indeed."', 'text: ""'), "no text under 'text'"),
        ("fillers", ("fillers:", "other:"), "must hold a list"),
        ("cues", ("structure: plain", "structure: plane"), "did you mean 'plain'"),
        ("fillers", ("language: en, ", ""), "entry 1 has no text under 'language'"),
    ],
)
def test_a_list_that_does_not_match_is_refused(tmp_path, name, change, message):
    content = (RESOURCES / f"{name}.yaml").read_text()
    assert change[0] in content
    changed = tmp_path / f"{name}.yaml"
    changed.write_text(content.replace(*change, 1))
    with pytest.raises(UserError, match=message) as raised:
        read_lists(*(changed if path.stem == name else path for path in PATHS))
    assert str(changed) in str(raised.value)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_list_without_an_entry_of_the_language_is_named(tmp_path, path):
    other = tmp_path / path.name
    other.write_text(path.read_text().replace("language: en", "language: de"))
    with pytest.raises(UserError, match="has no entry with language 'en'") as raised:
        read_lists(*(other if one == path else one for one in PATHS))
    assert str(other) in str(raised.value)


def test_only_entries_of_the_language_are_drawn(tmp_path):
    paths = [tmp_path / path.name for path in PATHS]
    for path, shipped in zip(paths, PATHS, strict=True):
        text = shipped.read_text()
        path.write_text(text.replace("language: en", "language: de", 1))
    german = {"language": "de"}
    with pytest.raises(UserError, match=r"cues\.yaml"):
        read_lists(*paths[:3], PATHS[3], **german)
    lists = read_lists(*paths, **german)
    assert (lists.statements, lists.fillers) == (LISTS.statements[:1], LISTS.fillers[:1])
    assert list(lists.personas) == list(LISTS.personas)[:1]
    assert lists.cues == {"plain": LISTS.cues["plain"][:1]}
    assert read_lists(*paths).fillers == LISTS.fillers[1:]
