"""Draw the safety of every tuning, by part of the suites too, every effect and where instruments disagree."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drift", required=True, help="drift table")
    parser.add_argument("--primary-judge", required=True, help="the harm judge whose safety is shown")
    parser.add_argument("--out", required=True, type=Path, help="folder of the figures")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the table, draw, save."""
    from tunedrift.drift.disagreement import by_instrument, cells
    from tunedrift.figures.disagreement import disagreement_figure
    from tunedrift.figures.drift import drift_figure, effects_figure, headline, in_pairs
    from tunedrift.figures.splits import by_part, splits_figure
    from tunedrift.figures.style import save
    from tunedrift.tables.drift import DRIFT

    table = DRIFT.read(args.drift)
    shown = headline(table, args.primary_judge)
    save(drift_figure(shown), args.out, "drift")
    save(effects_figure(shown), args.out, "effects")
    save(splits_figure(by_part(table, args.primary_judge)), args.out, "splits")
    instruments = by_instrument(table)
    save(disagreement_figure(instruments, cells(instruments), in_pairs(table)), args.out, "disagreement")


if __name__ == "__main__":
    cli.run(main, parser())
