"""Measure overlap: prompts that stand in two sets which should be apart, exactly or nearly the same."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, what in (
        ("training", "instructions tables"),
        ("held-out", "instructions tables of held-out rows"),
        ("safety-mix", "instructions tables that are mixed in"),
        ("suites", "prompts tables"),
        ("gate", "prompts tables of the gate"),
        ("preferences", "preference tables"),
    ):
        options.add_argument(f"--{name}", nargs="*", type=Path, default=[], help=what)
    options.add_argument(
        "--threshold", type=float, default=0.7, help="similarity from which on texts are near"
    )
    options.add_argument("--out", required=True, nargs=2, type=Path, help="overlap table: Parquet and CSV")
    options.add_argument(
        "--matches", required=True, nargs=2, type=Path, help="matching texts: Parquet and CSV"
    )
    return options


def main(options: argparse.Namespace) -> None:
    """Collect the sets, find the matches, write the ledger and the list behind it."""
    from tunedrift.statistics.overlap import ledger, matches
    from tunedrift.tables.overlap import MATCHES, OVERLAP

    sets = list(text_sets(options))
    found = list(matches(sets, options.threshold))
    for table, rows, paths in (
        (OVERLAP, list(ledger(sets, found, options.threshold)), options.out),
        (MATCHES, found, options.matches),
    ):
        for path in paths:
            table.write(table.frame(rows), path)
    print(f"{len(sets)} sets, {len(found)} matches")


def text_sets(options: argparse.Namespace) -> Iterator:
    """The prompts of every table, as sets to compare."""
    from tunedrift.statistics.overlap import text_set
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.preferences import PREFERENCES
    from tunedrift.tables.prompts import PROMPTS

    def asked(messages: list[dict]) -> str:
        return "\n".join(message["content"] for message in messages if message["role"] == "user")

    for kind in ("training", "held_out", "safety_mix"):
        for path in getattr(options, kind):
            rows = INSTRUCTIONS.read(path).iter_rows(named=True)
            name = path.name.split(".")[0]
            yield text_set(kind, name, ((row["row_id"], asked(row["messages"])) for row in rows))
    for kind, paths in (("suite", options.suites), ("gate", options.gate)):
        for path in paths:
            rows = PROMPTS.read(path).select("plain_id", "plain_prompt").unique().iter_rows()
            yield text_set(kind, path.stem, rows)
    for path in options.preferences:
        rows = PREFERENCES.read(path).iter_rows(named=True)
        yield text_set("preferences", path.stem, ((row["pair_id"], asked(row["messages"])) for row in rows))


if __name__ == "__main__":
    cli.run(main, parser())
