"""Draw all figures of a study from its tables, as SVG and PNG."""

import argparse
from pathlib import Path

from tunedrift import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drift", required=True, help="drift table")
    parser.add_argument("--agreement", required=True, help="agreement table")
    parser.add_argument("--forecasts", required=True, help="forecasts table")
    parser.add_argument("--primary-judge", required=True, help="the harm judge whose safety is shown")
    parser.add_argument("--out", required=True, type=Path, help="folder of the figures")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the tables, draw, save."""
    from tunedrift import figures
    from tunedrift.tables.agreement import AGREEMENT, FORECASTS
    from tunedrift.tables.drift import DRIFT

    drift = figures.headline(DRIFT.read(args.drift), args.primary_judge)
    agreement = AGREEMENT.read(args.agreement)
    figures.save(figures.drift_figure(drift), args.out, "drift")
    figures.save(figures.effects_figure(drift), args.out, "effects")
    figures.save(figures.rm_agreement_figure(agreement), args.out, "rm_agreement")
    figures.save(figures.rm_errors_figure(agreement), args.out, "rm_errors")
    figures.save(figures.forecast_figure(FORECASTS.read(args.forecasts)), args.out, "forecast")


if __name__ == "__main__":
    cli.run(main, parser())
