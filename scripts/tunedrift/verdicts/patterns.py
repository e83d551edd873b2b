"""The refusal patterns of a YAML file."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tunedrift.errors import UserError


@dataclass(frozen=True)
class Patterns:
    """Refusal patterns, and how many characters of an answer they are matched against."""

    opening: tuple[re.Pattern, ...]
    window: int


def read_patterns(path: str | Path) -> Patterns:
    """The patterns in a YAML file with `opening` and `window`; `UserError` names what is wrong with it."""
    try:
        settings = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        window = int(settings["window"])
        expressions = list(settings["opening"])
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: refusal patterns need a number `window` and a list `opening` "
            f"({' '.join(str(error).split())})."
        ) from error
    compiled = []
    for number, expression in enumerate(expressions, start=1):
        try:
            compiled.append(re.compile(expression))
        except re.error as error:
            raise UserError(
                f"{path}: pattern {number} of `opening` is no regular expression: {error}."
            ) from error
    return Patterns(tuple(compiled), window)
