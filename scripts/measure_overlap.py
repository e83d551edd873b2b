"""Measure overlap: prompts that stand in two sets which should be apart, exactly or nearly the same."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tunedrift import cli
from tunedrift.reading import Pairs


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, what in (
        ("training", "instructions tables"),
        ("held-out", "instructions tables of held-out rows"),
        ("safety-mix", "instructions tables that are mixed in"),
        ("suites", "prompts tables"),
        ("gate", "files of the gate's prompts"),
        ("preferences", "preference tables"),
    ):
        options.add_argument(f"--{name}", nargs="*", type=Path, default=[], help=what)
    options.add_argument(
        "--columns", nargs="+", action=Pairs, metavar="ROLE=COLUMN", help="columns of the gate's prompts"
    )
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
    from tunedrift.overlap import ledger, matches
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
    from tunedrift.overlap import text_set
    from tunedrift.reading import read_rows
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.preferences import PREFERENCES
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.wrapping import read_prompts

    def asked(messages: list[dict]) -> str:
        return "\n".join(message["content"] for message in messages if message["role"] == "user")

    for kind in ("training", "held_out", "safety_mix"):
        for path in getattr(options, kind):
            rows = INSTRUCTIONS.read(path).iter_rows(named=True)
            name = path.name.split(".")[0]
            yield text_set(kind, name, ((row["row_id"], asked(row["messages"])) for row in rows))
    for path in options.suites:
        rows = PROMPTS.read(path).select("plain_id", "plain_prompt").unique().iter_rows()
        yield text_set("suite", path.stem, rows)
    if options.gate:
        rows = read_prompts(
            read_rows(list(map(str, options.gate))), suite="gate", kind="harmful", mapping=options.columns
        )
        yield text_set("gate", "gate", ((row["plain_id"], row["prompt"]) for row in rows))
    for path in options.preferences:
        rows = PREFERENCES.read(path).iter_rows(named=True)
        yield text_set("preferences", path.stem, ((row["pair_id"], asked(row["messages"])) for row in rows))


if __name__ == "__main__":
    cli.run(main, parser())
