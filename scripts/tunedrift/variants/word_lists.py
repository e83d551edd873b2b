"""The lists that the transforms draw from, read from their YAML files and checked."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tunedrift.design.factors import CONTROLS
from tunedrift.errors import UserError, unknown
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.text.languages import code_of
from tunedrift.text.prose import count_pieces
from tunedrift.variants.identity import Entry
from tunedrift.variants.role_play import PLACES, STANCES, STRENGTHS, TYPES, Persona


@dataclass(frozen=True)
class Lists:
    """Identity entries, personas by name, filler sentences, and cues by the structure that they ask for; their language."""

    statements: tuple[Entry, ...]
    personas: dict[str, Persona]
    fillers: tuple[str, ...]
    cues: dict[str, tuple[str, ...]]
    language: str = "en"


def read_lists(
    statements: str | Path, personas: str | Path, fillers: str | Path, cues: str | Path, language: str = "en"
) -> Lists:
    """The entries of one language in the four lists. Raises `UserError` naming the file and the entry that does not fit."""
    return Lists(
        statements=tuple(_entry(entry, where) for _, entry, where in _section(statements, language)),
        personas={name: _persona(entry, where) for name, entry, where in _section(personas, language, dict)},
        fillers=tuple(_text(entry, "text", where) for _, entry, where in _section(fillers, language)),
        cues=_cues(cues, language),
        language=code_of(language, "--language"),
    )


def _section(path: str | Path, language: str, kind: type = list) -> list[tuple[str, Any, str]]:
    """The entries of a language in a file's one section: name or number, entry, and where it stands."""
    content = read_yaml(path)
    sections = (content.get(name) for name in ("statements", "personas", "fillers", "cues"))
    section: Any = next((section for section in sections if isinstance(section, kind) and section), None)
    if section is None:
        raise UserError(
            f"{path} must hold a {'list' if kind is list else 'mapping'} under its one key, and not an empty one."
        )
    named = section.items() if kind is dict else ((f"entry {n}", entry) for n, entry in enumerate(section, 1))
    entries = [(name, entry, f"{path}: {name}") for name, entry in named]
    found = [one for one in entries if _text(one[1], "language", one[2]) == language]
    if not found:
        raise UserError(
            f"{path} has no entry with language {language!r}: add some, or correct resources.language."
        )
    return found


def _text(entry: object, key: str, where: str) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get(key), str) or not entry[key].strip():
        raise UserError(f"{where} has no text under {key!r}.")
    return entry[key].strip()


def _cues(path: str | Path, language: str) -> dict[str, tuple[str, ...]]:
    cues: dict[str, tuple[str, ...]] = {}
    for _, entry, where in _section(path, language):
        level = _text(entry, "structure", where)
        if level not in CONTROLS["structure"]:
            raise UserError(f"{where}: {unknown('structure to ask for', level, CONTROLS['structure'])}")
        cues[level] = (*cues.get(level, ()), _text(entry, "text", where))
    return cues


def _same_length(one: str, other: str, where: str) -> None:
    if count_pieces(one) != count_pieces(other):
        raise UserError(
            f"{where}: {one!r} has {count_pieces(one)} word pieces and {other!r} has {count_pieces(other)}; "
            "a control must be as long as what it controls for."
        )


def _entry(entry: object, where: str) -> Entry:
    made = Entry(**{field.name: _text(entry, field.name, where) for field in fields(Entry)})
    _same_length(made.statement, made.prefix, where)
    _same_length(made.statement, made.paraphrase, where)
    return made


def _persona(entry: Any, where: str) -> Persona:
    for key, allowed in (("type", TYPES), ("stance", STANCES), ("strength", STRENGTHS), ("place", PLACES)):
        if _text(entry, key, where) not in allowed:
            raise UserError(f"{where}: {key} is {entry[key]!r}; it must be one of {', '.join(allowed)}.")
    texts, inert = entry.get("texts"), entry.get("inert")
    if not isinstance(texts, list) or not isinstance(inert, list) or not texts or len(texts) != len(inert):
        raise UserError(f"{where} must list as many inert sentences as texts, and at least one.")
    for text, control in zip(texts, inert, strict=True):
        _same_length(text, control, where)
    labels = {key: entry[key] for key in ("type", "stance", "strength", "place")}
    return Persona(**labels, texts=tuple(texts), inert=tuple(inert))
