"""Rows that are themselves refusals or safety data: they would hide what a factor does to safety."""

import re
from dataclasses import dataclass
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.text.languages import code_of
from tunedrift.text.words import plain


@dataclass(frozen=True)
class SafetyMarks:
    """Marks of a refusal in an answer's beginning and of harm in a prompt; `aside` is taken out of the answer first.

    Where a prompt asks for words that someone may say (`asked_for`), such as an excuse, an answer refuses only if
    it also has a mark of `of_request`. Rows in another `language` hold none of the marks, whatever they say.
    """

    answers: tuple[re.Pattern, ...]
    prompts: tuple[re.Pattern, ...]
    aside: tuple[re.Pattern, ...]
    window: int
    asked_for: tuple[re.Pattern, ...] = ()
    of_request: tuple[re.Pattern, ...] = ()
    language: str = "en"

    def reason(self, messages: list[dict[str, str]]) -> str | None:
        """Why a chat is left out, None if it is kept. All its turns are looked at."""
        prompt = ""
        for message in messages:
            if message["role"] == "user":
                prompt = plain(message["content"])
                if found := _first(self.prompts, prompt):
                    return f"safety row: the prompt asks for harm ({found!r})"
            if message["role"] == "assistant":
                # An answer's beginning, with room for what is taken out of it.
                answer = plain(message["content"][: 4 * self.window])
                for pattern in self.aside:
                    answer = pattern.sub("", answer)
                answer = answer[: self.window]
                if _first(self.asked_for, prompt) and not _first(self.of_request, answer):
                    continue
                if found := _first(self.answers, answer):
                    return f"safety row: the answer refuses ({found!r})"
        return None


def read_safety_marks(path: str | Path) -> SafetyMarks:
    """The marks in a YAML file with `answers`, `prompts`, `aside`, `window`, and maybe `asked_for`, `of_request`
    and `language`, English if it names none.

    Raises `UserError`.
    """
    content = {"asked_for": [], "of_request": [], **read_yaml(path)}
    lists = {}
    for key in ("answers", "prompts", "aside", "asked_for", "of_request"):
        if not isinstance(content.get(key), list):
            raise UserError(f"{path} must hold a list of regular expressions under {key!r}.")
        lists[key] = tuple(_compiled(entry, f"{path}: {key} {n}") for n, entry in enumerate(content[key], 1))
    if not isinstance(content.get("window"), int) or content["window"] < 1:
        raise UserError(f"{path} must hold a number of characters under 'window'.")
    language = code_of(content.get("language", "en"), str(path))
    return SafetyMarks(**lists, window=content["window"], language=language)


def _first(patterns: tuple[re.Pattern, ...], text: str) -> str | None:
    return next((found.group()[:80] for pattern in patterns if (found := pattern.search(text))), None)


def _compiled(expression: object, where: str) -> re.Pattern:
    try:
        return re.compile(str(expression))
    except re.error as error:
        raise UserError(f"{where} is no regular expression: {error}.") from error
