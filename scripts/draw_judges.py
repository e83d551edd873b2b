"""Draw what each judge is worth against every label set, as SVG and PNG."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judges", required=True, help="judges table")
    parser.add_argument(
        "--judge-floor", type=float, required=True, help="what the lower bounds of a certified judge reach"
    )
    parser.add_argument("--out", required=True, type=Path, help="folder of the figures")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the table, draw, save."""
    from tunedrift.figures.judges import judges_figure
    from tunedrift.figures.style import save
    from tunedrift.tables.judges import JUDGES

    save(judges_figure(JUDGES.read(args.judges), args.judge_floor), args.out, "judges")


if __name__ == "__main__":
    cli.run(main, parser())
