"""The refusal patterns of a YAML file."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from tunedrift.errors import UserError
from tunedrift.text.languages import code_of

SAYS = ("declines", "judges", "warns", "hesitates")
"""What the patterns of a group may say: the speaker declines, calls the request wrong, warns of it, or hesitates."""

LISTS = (
    "idioms",
    "asks_for_text",
    "asks_for_judgement",
    "of_request",
    "names_no_law",
    "asks_for_self_harm",
    "consoles",
    "cares",
    "of_speaker",
    "explains",
    "answers",
    "turns",
    "offers",
    "alternatives",
)
"""The lists of patterns beside the groups; what each is for stands above it in the shipped file."""


@dataclass(frozen=True)
class Group:
    """Patterns that say the same: tried on a sentence that holds one of the `cues` (all, if there are none)."""

    says: str
    cues: tuple[str, ...]
    patterns: tuple[re.Pattern, ...]

    def match(self, sentence: str) -> bool:
        """Whether one of the patterns is in a sentence."""
        if self.cues and not any(cue in sentence for cue in self.cues):
            return False
        return any(pattern.search(sentence) for pattern in self.patterns)


@dataclass(frozen=True)
class Patterns:
    """Refusal patterns: their language, groups, how many sentences each reaches, and the lists beside them by name."""

    language: str
    groups: tuple[Group, ...]
    reach: dict[str, int]
    idioms: tuple[re.Pattern, ...]
    asks_for_text: tuple[re.Pattern, ...]
    asks_for_judgement: tuple[re.Pattern, ...]
    of_request: tuple[re.Pattern, ...]
    names_no_law: tuple[re.Pattern, ...]
    asks_for_self_harm: tuple[re.Pattern, ...]
    consoles: tuple[re.Pattern, ...]
    cares: tuple[re.Pattern, ...]
    of_speaker: tuple[re.Pattern, ...]
    explains: tuple[re.Pattern, ...]
    answers: tuple[re.Pattern, ...]
    turns: tuple[re.Pattern, ...]
    offers: tuple[re.Pattern, ...]
    alternatives: tuple[re.Pattern, ...]


def read_patterns(path: str | Path, *, without: Collection[str] = ()) -> Patterns:
    """The patterns in a YAML file, English if it names no `language`; `UserError` names what is wrong with it.

    Groups that were written from one of the sources `without` are left out, so that a label set is judged by
    patterns that do not know it.
    """
    try:
        settings = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        reach = {says: int(settings["reach"][says]) for says in SAYS}
        words = {f"{{{name}}}": f"(?:{text})" for name, text in settings.get("words", {}).items()}
        lists = {name: list(settings.get(name, [])) for name in LISTS}
        groups = [
            (str(group["says"]), list(group.get("cues", [])), list(group["patterns"]))
            for group in settings["groups"]
            if not set(group.get("from", [])) & set(without)
        ]
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: refusal patterns need `reach`, a number for each of {', '.join(SAYS)}, and a list "
            f"`groups` of entries with `says` and `patterns` ({' '.join(str(error).split())}). The shipped "
            "resources/judges/refusals.yaml shows how."
        ) from error
    for says, cues, _ in groups:
        if says not in SAYS:
            raise UserError(f"{path}: a group says {says!r}; it may say {', '.join(SAYS)}.")
        if wrong := [cue for cue in cues if not isinstance(cue, str)]:
            raise UserError(f"{path}: the cue {wrong[0]!r} of a group is no text. Put it in quotation marks.")

    def compiled(place: str, expressions: list[str]) -> tuple[re.Pattern, ...]:
        found = []
        for number, expression in enumerate(expressions, start=1):
            try:
                found.append(re.compile(_spelt_out(str(expression), words)))
            except re.error as error:
                raise UserError(
                    f"{path}: pattern {number} of {place} is no regular expression: {error}."
                ) from error
        return tuple(found)

    made = tuple(
        Group(says, tuple(cues), compiled(f"group {number} (it {says})", expressions))
        for number, (says, cues, expressions) in enumerate(groups, start=1)
    )
    language = code_of(settings.get("language", "en"), str(path))
    return Patterns(language, made, reach, **{name: compiled(f"`{name}`", lists[name]) for name in LISTS})


def _spelt_out(expression: str, words: dict[str, str]) -> str:
    """The expression with each {name} replaced by what it stands for."""
    for name, text in words.items():
        expression = expression.replace(name, text)
    return expression
