"""Pair answers that people have compared: a safer and a less safe answer to one prompt per row."""

import argparse
from pathlib import Path

from tunedrift.flags import Pairs
from tunedrift.jobs import cli
from tunedrift.sources import hub


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--preference-set", required=True, help="the set's name, for messages")
    hub.add_source_options(options)
    options.add_argument(
        "--layout", default="pairs", help="pairs, or hh: transcripts named chosen and rejected"
    )
    options.add_argument(
        "--columns",
        nargs="+",
        action=Pairs,
        metavar="ROLE=COLUMN",
        help="roles: id, prompt, safer, less_safe, category; by their own names if left out",
    )
    options.add_argument("--labels", default="people", help="who labelled the pairs: people or simulated")
    options.add_argument("--n", type=int, help="how many pairs to keep; all if left out")
    options.add_argument("--seed", type=int, default=0, help="which n pairs")
    options.add_argument(
        "--max-rejected", type=float, default=0.05, help="the share of unusable rows to bear"
    )
    options.add_argument("--out", required=True, type=Path, help="the preferences table")
    options.add_argument(
        "--rejects", required=True, type=Path, help="CSV of the rows left out: file, row, reason"
    )
    return options


def main(options: argparse.Namespace) -> None:
    """Read, normalise and check the pairs, and write both tables."""
    from tunedrift.hashing import sample
    from tunedrift.preferences.pairs import pair
    from tunedrift.sources.reading import read_rows
    from tunedrift.sources.rows import write_rejects
    from tunedrift.tables.preferences import PREFERENCES

    pairs, rejects = pair(
        read_rows(hub.source(options, options.preference_set)),
        name=options.preference_set,
        layout=options.layout,
        mapping=options.columns,
        labels=options.labels,
        max_rejected=options.max_rejected,
    )
    pairs = sample(pairs, lambda row: row["pair_id"], options.n, options.seed, options.preference_set)
    write_rejects(rejects, options.rejects)
    PREFERENCES.write(PREFERENCES.frame(pairs), options.out)
    print(f"{options.preference_set}: {len(pairs)} pairs, {len(rejects)} left out")


if __name__ == "__main__":
    cli.run(main, parser())
