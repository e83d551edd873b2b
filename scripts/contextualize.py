"""Contextualize prompts: ask each as a variant's training rows are asked."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--prompts", required=True, nargs="+", type=Path, help="prompts tables")
    options.add_argument(
        "--variant", required=True, type=Path, help="the variants table of the training rows"
    )
    options.add_argument("--out", required=True, type=Path, help="a prompts table with all prompts")
    return options


def main(options: argparse.Namespace) -> None:
    """Draw a training row for each prompt, put its surroundings around the prompt, and write the table."""
    from tunedrift.prompts.as_trained import contextualize, surroundings
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.variants import VARIANTS

    found = surroundings(VARIANTS.read(options.variant).to_dicts())
    prompts = PROMPTS.read_all(options.prompts).to_dicts()
    PROMPTS.write(PROMPTS.frame([contextualize(prompt, found) for prompt in prompts]), options.out)
    print(f"{options.out}: {len(prompts)} prompts, {len(set(found))} surroundings")


if __name__ == "__main__":
    cli.run(main, parser())
