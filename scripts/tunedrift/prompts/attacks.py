"""Prompts under attacks: each plain prompt in the words, turns, encoding or language of an attack or of a stack."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunedrift.errors import UnusableError, UserError, nearest, unknown
from tunedrift.hashing import draw
from tunedrift.prompts.encodings import ENCODINGS, encode
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.tables.prompts import DIMENSIONS, OWN, PLAIN, UNATTACKED

SLOT = "{prompt}"

KEYS = ("dimension", "description", "translate", "encode", "templates", "turns", "system")
"""What an attack may say of itself, in the order in which it is done."""

LABELS = tuple(dimension for dimension in DIMENSIONS if dimension not in (UNATTACKED, OWN))
"""The dimensions that an attack may have."""

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
"""A language as ISO 639 names it, such as sw or zh-Hans."""

Chat = list[dict[str, str]]
"""Turns with a role and a content, from a user turn to a user turn; one of these holds `SLOT`, once."""


@dataclass(frozen=True)
class Attack:
    """One entry of a file of attacks, checked."""

    name: str
    dimension: str
    chats: Sequence[Chat]
    systems: Sequence[str] = ()
    translate: str | None = None
    encode: str | None = None

    @property
    def ends_a_stack(self) -> bool:
        """Whether it makes several turns, so that no attack can act on what it makes."""
        return any(len(chat) > 1 for chat in self.chats)


def read_attacks(files: Mapping[str, str | Path]) -> dict[str, Attack]:
    """The attacks by name, each from the file that is given for it; `UserError` says what is wrong in which file."""
    entries = {path: read_yaml(path) for path in dict.fromkeys(files.values())}
    found = {}
    for name, path in files.items():
        if name not in entries[path]:
            raise UserError(f"{path} has no attack {name!r}: {nearest(name, list(map(str, entries[path])))}")
        found[name] = read_attack(name, entries[path][name], path)
    return found


def read_attack(name: str, entry: object, file: str | Path) -> Attack:
    """An attack as a file of attacks says it (the head of resources/attacks.yaml explains the keys).

    Raises `UserError` with the file, the attack and the number of the template for the first thing that is wrong.
    """
    where = f"{file}, attack {name!r}"
    if not isinstance(entry, dict) or not entry:
        raise UserError(f"{where}: it must hold `dimension` and what it does, such as `templates`.")
    if odd := [key for key in entry if key not in KEYS]:
        raise UserError(f"{where}: the key {odd[0]!r} is unknown: {nearest(str(odd[0]), list(KEYS))}")
    for key in ("templates", "turns", "system"):
        if key in entry and (not isinstance(entry[key], list) or not entry[key]):
            raise UserError(f"{where}: `{key}` must be a list of one entry or more.")
    dimension = entry.get("dimension")
    if dimension not in LABELS:
        said = "has no `dimension`" if dimension is None else f"has the unknown dimension {dimension!r}"
        raise UserError(f"{where} {said}: {nearest(str(dimension), list(LABELS))}")
    if entry.keys() <= {"dimension", "description"}:
        raise UserError(f"{where} does nothing: give it `templates`, or another of {', '.join(KEYS[2:])}.")
    if {"templates", "turns"} <= entry.keys():
        raise UserError(f"{where}: `templates` and `turns` cannot stand together. Make two attacks of them.")
    translate, encoding = entry.get("translate"), entry.get("encode")
    if "translate" in entry and not (isinstance(translate, str) and LANGUAGE.fullmatch(translate)):
        raise UserError(f"{where}: `translate` must be the code of a language in quotes, such as 'sw'.")
    if "encode" in entry and encoding not in list(ENCODINGS):
        raise UserError(
            f"{where}: there is no encoding {encoding!r}: {nearest(str(encoding), list(ENCODINGS))}"
        )
    templates = [_template(where, number, text) for number, text in enumerate(entry.get("templates", ()), 1)]
    chats = [
        _chat(f"{where}, turns {number}", turns) for number, turns in enumerate(entry.get("turns", ()), 1)
    ]
    for number, text in enumerate(entry.get("system", ()), start=1):
        if not isinstance(text, str) or not text.strip() or SLOT in text:
            raise UserError(f"{where}: system prompt {number} must be a text without {SLOT}.")
    chats = chats or [[{"role": "user", "content": text}] for text in templates or [SLOT]]
    return Attack(name, dimension, chats, entry.get("system", ()), translate, encoding)


def wrap(
    prompts: list[dict],
    *,
    suite: str,
    kind: str,
    attacks: Sequence[str],
    known: Mapping[str, Attack],
    stacks: Mapping[str, Sequence[str]] | None = None,
) -> list[dict]:
    """Rows of the prompts table: each plain prompt, then the same under each attack.

    `stacks` name attacks that act one after the other, from the first to the last. Of an attack's templates, turns and
    system prompts one each is drawn by the plain prompt's id: the same in a stack and alone. Prompts that their data set
    has attacked already (`asked`) are put as they are, without a plain row. Raises `UserError` for an unknown attack, a
    stack in an order that cannot be, or a prompt that has no such translation or does not survive an encoding.
    """
    if any(prompt.get("asked") is not None for prompt in prompts):
        return _own(prompts, suite, kind, attacks)
    rows = [_row(prompt, suite, kind, PLAIN, UNATTACKED, _user(prompt["prompt"])) for prompt in prompts]
    for name in dict.fromkeys(attacks):
        if name == PLAIN:
            continue
        parts = _parts(name, known, stacks or {})
        dimension = "+".join(part.dimension for part in parts)
        for prompt in prompts:
            try:
                messages = _messages(prompt, parts)
            except UnusableError as reason:
                raise UserError(f"{_where(suite, prompt)}, under the attack {name!r}: {reason}.") from reason
            row = _row(prompt, suite, kind, name, dimension, messages)
            rows.append(row | {"language": parts[0].translate or row["language"]})
    return rows


def _template(where: str, number: int, text: object) -> str:
    if not isinstance(text, str) or text.count(SLOT) != 1:
        raise UserError(f"{where}: template {number} must hold {SLOT} exactly once.")
    return text


def _chat(where: str, turns: object) -> Chat:
    """The turns of `- user: …` and `- assistant: …`, if a model can be asked with them."""
    if not isinstance(turns, list) or len(turns) % 2 == 0:
        raise UserError(f"{where}: it must be a list of turns from a user turn to a user turn.")
    chat = []
    for number, turn in enumerate(turns, start=1):
        role = "user" if number % 2 else "assistant"
        content = turn.get(role) if isinstance(turn, dict) and len(turn) == 1 else None
        if not isinstance(content, str) or not content.strip():
            raise UserError(f"{where}: turn {number} must be `{role}:` and its text.")
        chat.append({"role": role, "content": content})
    asked, answered = (sum(turn["content"].count(SLOT) for turn in chat[at::2]) for at in (0, 1))
    if asked != 1 or answered:
        raise UserError(f"{where}: the user turns must hold {SLOT} exactly once, the assistant's never.")
    return chat


def _parts(name: str, known: Mapping[str, Attack], stacks: Mapping[str, Sequence[str]]) -> list[Attack]:
    """The attacks that act under a name, in their order."""
    names = stacks.get(name, [name])
    if odd := [part for part in names if part not in known]:
        raise UserError(unknown("attack", odd[0], [PLAIN, *known, *stacks]))
    parts = [known[part] for part in names]
    for part in parts[:-1]:
        if part.ends_a_stack:
            raise UserError(
                f"the attack {name!r}: {part.name!r} makes several turns, so nothing can act on it. Put it last."
            )
    for number, part in enumerate(parts[1:], start=1):
        encoded = [before.name for before in parts[:number] if before.encode]
        if part.encode == "leetspeak" and encoded:
            raise UserError(
                f"the attack {name!r}: {part.name!r} would write digits over what {encoded[0]!r} encodes, which "
                "nobody could undo. Take one of them out."
            )
        if part.translate:
            raise UserError(
                f"the attack {name!r}: {part.name!r} asks the translation of the plain prompt. Put it first."
            )
    return parts


def _messages(prompt: dict, parts: list[Attack]) -> Chat:
    """What is put to the model; the system prompts of several parts stand with the last one's first."""
    text = prompt["prompt"]
    chat: Chat = []
    systems: list[str] = []
    for part in parts:
        if part.translate:
            text = _translated(prompt, part.translate)
        if part.encode:
            text = encode(text, part.encode)
        drawn = part.chats[draw(len(part.chats), part.name, prompt["plain_id"])]
        chat = [{**turn, "content": turn["content"].replace(SLOT, text)} for turn in drawn]
        text = chat[-1]["content"]
        if part.systems:
            number = draw(len(part.systems), part.name, "system", prompt["plain_id"])
            systems.insert(0, part.systems[number])
    return [{"role": "system", "content": "\n".join(systems)}, *chat] if systems else chat


def _translated(prompt: dict, language: str) -> str:
    translations = {
        name: text for name, text in (prompt.get("translations") or {}).items() if text and text.strip()
    }
    if language not in translations:
        has = f"it has {', '.join(sorted(translations))}" if translations else "it has none"
        raise UnusableError(
            f"there is no translation into {language!r} ({has}). Take the attack off the suite"
        )
    return translations[language]


def _own(prompts: list[dict], suite: str, kind: str, attacks: Sequence[str]) -> list[dict]:
    """Rows of a suite whose prompts are attacked already: what is asked, its method as the stratum."""
    if other := [name for name in attacks if name != PLAIN]:
        raise UserError(
            f"suite {suite!r}: its prompts are attacked already. Take {other[0]!r} out of its `attacks`, which are "
            "for suites of plain prompts."
        )
    if lacking := [prompt for prompt in prompts if prompt.get("asked") is None]:
        raise UserError(
            f"{_where(suite, lacking[0])}: it lacks the attacked prompt that others of the suite have. Add it, or "
            "take the row out."
        )
    return [
        _row(prompt, suite, kind, OWN, OWN, _user(prompt["asked"]))
        | {"stratum": prompt.get("method") or prompt["stratum"]}
        for prompt in prompts
    ]


def _row(prompt: dict, suite: str, kind: str, attack: str, dimension: str, messages: Chat) -> dict:
    return {
        "prompt_id": f"{suite}/{prompt['plain_id']}/{attack}",
        "suite": suite,
        "kind": kind,
        "plain_id": prompt["plain_id"],
        "attack": attack,
        "dimension": dimension,
        "stratum": prompt["stratum"],
        "category": prompt["category"],
        "language": prompt.get("language"),
        "messages": messages,
        "plain_prompt": prompt["prompt"],
        "reference": prompt["reference"],
    }


def _user(text: str) -> Chat:
    return [{"role": "user", "content": text}]


def _where(suite: str, prompt: dict) -> str:
    """A prompt as a person finds it: its id may be a digest, so its beginning stands behind it."""
    beginning = prompt["prompt"] if len(prompt["prompt"]) <= 40 else f"{prompt['prompt'][:40]}…"
    return f"suite {suite!r}, prompt {prompt['plain_id']!r} ({beginning!r})"
