"""Draw how reward models agree with one another, err on pairs, and forecast, as SVG and PNG."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreement", required=True, help="agreement table")
    parser.add_argument("--forecasts", required=True, help="forecasts table")
    parser.add_argument("--out", required=True, type=Path, help="folder of the figures")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the tables, draw, save."""
    from tunedrift.figures.agreement import forecast_figure, rm_agreement_figure, rm_errors_figure
    from tunedrift.figures.style import save
    from tunedrift.tables.agreement import AGREEMENT, FORECASTS

    agreement = AGREEMENT.read(args.agreement)
    save(rm_agreement_figure(agreement), args.out, "rm_agreement")
    save(rm_errors_figure(agreement), args.out, "rm_errors")
    save(forecast_figure(FORECASTS.read(args.forecasts)), args.out, "forecast")


if __name__ == "__main__":
    cli.run(main, parser())
