"""Draw the shipped instructions, prompts, attacks, preferences and labelled answers from the toy world; run by hand."""

import argparse
from pathlib import Path

from tunedrift import paths
from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--world", default=paths.own("resources/world.yaml"), help="the world (default: %(default)s)"
    )
    arguments.add_argument(
        "--out",
        type=Path,
        default=paths.HOME / "resources",
        help="folder to write below (default: %(default)s)",
    )
    return arguments


def main(arguments: argparse.Namespace) -> None:
    from tunedrift.embedded import shipped, world

    for path in shipped.write(world.read_world(arguments.world), arguments.out):
        print(arguments.out / path)


if __name__ == "__main__":
    cli.run(main, parser())
