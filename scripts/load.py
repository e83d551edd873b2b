"""Load an instruction data set: any published layout in, one normalised chat per row out."""

import argparse
from pathlib import Path

from tunedrift import cli
from tunedrift.reading import Pairs


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dataset", required=True, help="the data set's name, for messages")
    options.add_argument("--path", required=True, nargs="+", help="files, or patterns such as 'data/*.jsonl'")
    options.add_argument(
        "--layout", default="auto", help="alpaca, dolly, …; auto looks at a file's first row"
    )
    options.add_argument(
        "--columns",
        nargs="+",
        action=Pairs,
        metavar="ROLE=COLUMN",
        help="roles: prompt, answer, context, system",
    )
    options.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a CSV file begins with its column names; else they are 1, 2, …",
    )
    options.add_argument("--n", type=int, help="how many rows to keep; all if left out")
    options.add_argument("--seed", type=int, default=0, help="which n rows")
    options.add_argument(
        "--max-rejected", type=float, default=0.05, help="the share of unusable rows to bear"
    )
    options.add_argument("--out", required=True, type=Path, help="the instructions table")
    options.add_argument(
        "--rejects", required=True, type=Path, help="CSV of the rows left out: file, row, reason"
    )
    return options


def main(options: argparse.Namespace) -> None:
    """Read, normalise, leave out unusable and repeated rows, and write both tables."""
    from tunedrift.draws import sample
    from tunedrift.loading import load
    from tunedrift.reading import read_rows, write_rejects
    from tunedrift.tables.instructions import INSTRUCTIONS

    source = read_rows(options.path, header=options.header)
    rows, rejects = load(
        source,
        dataset=options.dataset,
        layout=options.layout,
        mapping=options.columns,
        max_rejected=options.max_rejected,
    )
    rows = sample(rows, lambda row: row["row_id"], options.n, options.seed, options.dataset)
    write_rejects(rejects, options.rejects)
    INSTRUCTIONS.write(INSTRUCTIONS.frame(rows), options.out)
    print(f"{options.dataset}: {len(rows)} rows, {len(rejects)} left out")


if __name__ == "__main__":
    cli.run(main, parser())
