"""Wrap a suite of prompts: each prompt plain and under each attack."""

import argparse
from pathlib import Path

from tunedrift.flags import Pairs
from tunedrift.jobs import cli
from tunedrift.sources import hub


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--suite", required=True, help="the suite's name")
    options.add_argument(
        "--kind", required=True, choices=("harmful", "safe", "utility"), help="what the prompts are"
    )
    hub.add_source_options(options)
    options.add_argument(
        "--columns",
        nargs="+",
        action=Pairs,
        metavar="ROLE=COLUMN",
        help="roles: prompt, id, category, stratum, reference, context; by their own names if left out",
    )
    options.add_argument(
        "--keep", nargs="+", action=Pairs, metavar="COLUMN=VALUE", help="keep rows with these values"
    )
    options.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a CSV file begins with its column names; else they are 1, 2, …",
    )
    options.add_argument("--attacks", nargs="*", default=[], help="attacks beside the plain prompts")
    options.add_argument(
        "--attack-files", nargs="*", type=Path, default=[], help="YAML files of attacks by name"
    )
    options.add_argument("--n", type=int, help="how many plain prompts to keep; all if left out")
    options.add_argument("--seed", type=int, default=0, help="which n prompts")
    options.add_argument("--out", required=True, type=Path, help="the prompts table")
    return options


def main(options: argparse.Namespace) -> None:
    """Read the prompts, wrap them, and write the table."""
    from tunedrift.prompts.attacks import wrap
    from tunedrift.prompts.suites import read_prompts
    from tunedrift.sources.reading import read_rows
    from tunedrift.sources.yaml_files import read_yaml
    from tunedrift.tables.prompts import PROMPTS

    prompts = read_prompts(
        read_rows(hub.source(options, options.suite), header=options.header),
        suite=options.suite,
        kind=options.kind,
        mapping=options.columns,
        keep=options.keep,
        n=options.n,
        seed=options.seed,
    )
    templates = {name: entry for path in options.attack_files for name, entry in read_yaml(path).items()}
    rows = wrap(prompts, suite=options.suite, kind=options.kind, attacks=options.attacks, templates=templates)
    PROMPTS.write(PROMPTS.frame(rows), options.out)
    print(f"{options.suite}: {len(prompts)} prompts, {len(rows)} with attacks")


if __name__ == "__main__":
    cli.run(main, parser())
