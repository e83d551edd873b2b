"""Settings as words of a command line, and back."""

import argparse
import re
import shlex
from typing import Any


class Pairs(argparse.Action):
    """An argparse action that collects `key=value` words (several, or joined by commas) as a mapping."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        pairs = [pair.partition("=") for word in values for pair in re.split(r",(?=\w+=)", word)]
        if odd := [key for key, _, value in pairs if not key or not value]:
            parser.error(f"{option_string}: {odd[0]!r} must have the form key=value")
        setattr(namespace, self.dest, {key: value for key, _, value in pairs})


def flags(settings: dict[str, Any]) -> str:
    """Settings as command-line flags in the order of their names; nulls and empty values are left out.

    Lists become several values, mappings `key=value` pairs, truth values `--name` or `--no-name`.
    """
    words: list[str] = []
    for name, value in sorted(settings.items()):
        if value is None or value in ([], {}):
            continue
        words.append(f"--{'no-' if value is False else ''}{name.replace('_', '-')}")
        if isinstance(value, dict):
            words += [f"{key}={entry}" for key, entry in sorted(value.items())]
        elif isinstance(value, list):
            words += map(str, value)
        elif not isinstance(value, bool):
            words.append(str(value))
    return shlex.join(words)
