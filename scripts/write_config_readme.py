"""Write the parameter table of config/README.md from config/schema.yaml. Run by hand."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from tunedrift import files, paths
from tunedrift.jobs import cli
from tunedrift.sources.yaml_files import read_yaml

MARK = "<!-- The rest is generated from schema.yaml by scripts/write_config_readme.py. -->"


def rows(schema: dict, path: str = "") -> Iterator[tuple[str, str, str, str]]:
    """(key's path, type, default, description) of every key, in the schema's order.

    A mapping from names to settings shows its names as `*`.
    """
    required = schema.get("required", [])
    for key, entry in schema.get("properties", {}).items():
        default = (
            "required" if key in required else json.dumps(entry["default"]) if "default" in entry else "–"
        )
        yield f"{path}{key}", kind(entry), default, entry["description"]
        if not entry.get("x-partial"):
            yield from rows(entry, f"{path}{key}.")
        if isinstance(entry.get("additionalProperties"), dict):
            yield from rows(entry["additionalProperties"], f"{path}{key}.*.")


def kind(entry: dict) -> str:
    """A short word for what a value may be."""
    if "enum" in entry:
        return " \\| ".join("null" if choice is None else str(choice) for choice in entry["enum"])
    word = entry.get("type", "any")
    return " or ".join(word) if isinstance(word, list) else word


def table(schema: dict) -> str:
    """The Markdown table of all keys."""
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for path, word, default, description in rows(schema):
        shown = default if default in ("required", "–") else f"`{default}`"
        lines.append(f"| `{path}` | {word} | {shown} | {description} |")
    return "\n".join(lines) + "\n"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=paths.HOME / "config", help="folder of schema.yaml and README.md"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Replace everything below the mark."""
    readme = args.config / "README.md"
    written, _, _ = readme.read_text(encoding="utf-8").partition(MARK)
    files.write_text(readme, f"{written}{MARK}\n\n{table(read_yaml(args.config / 'schema.yaml'))}")


if __name__ == "__main__":
    cli.run(main, parser())
