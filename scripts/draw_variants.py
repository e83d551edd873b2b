"""Draw the variants of a study side by side, as SVG and PNG."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profiles", required=True, type=Path, help="profiles table")
    options.add_argument("--order", nargs="+", required=True, help="the variants from top to bottom")
    options.add_argument("--out", required=True, type=Path, help="folder of the figure")
    return options


def main(options: argparse.Namespace) -> None:
    """Read, draw, save."""
    import polars as pl

    from tunedrift.figures import style
    from tunedrift.figures.variants import variants_figure
    from tunedrift.tables.profiles import PROFILES

    profiles = PROFILES.read(options.profiles)
    place = pl.col("variant").replace_strict(options.order, list(range(len(options.order))))
    style.save(variants_figure(profiles.sort("dataset", place, "measure")), options.out, "variants")


if __name__ == "__main__":
    cli.run(main, parser())
