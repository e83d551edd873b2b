"""Print what a study has cost so far: hours, GPU-hours, memory and speed of each stage."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="the study's results (default: %(default)s)"
    )
    parser.add_argument(
        "--models", type=Path, nargs="*", default=[], help="folders of the models that the study uses"
    )
    parser.add_argument("--stages", nargs="*", default=[], help="stages to be told of, in this order")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the records and print the table."""
    from tunedrift.report import costs

    found = costs.costs(costs.records(args.results, args.models))
    print(costs.as_text(found, args.stages))


if __name__ == "__main__":
    cli.run(main, parser())
