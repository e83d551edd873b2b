"""Measure overlap: prompts that stand in two sets which should be apart: the same, nearly so, or one in the other."""

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
        ("labels", "labels tables"),
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
    from tunedrift.tables.labels import LABELS
    from tunedrift.tables.preferences import PREFERENCES
    from tunedrift.tables.prompts import PROMPTS

    def turns(item: str, messages: list[dict]) -> Iterator[tuple[str, str]]:
        return ((item, message["content"]) for message in messages if message["role"] == "user")

    for kind, suffix in (
        ("training", ".parquet"),
        ("held_out", ".held_out.parquet"),
        ("safety_mix", ".parquet"),
    ):
        for path in getattr(options, kind):
            rows = INSTRUCTIONS.read(path).select("row_id", "messages").iter_rows()
            yield text_set(
                kind, path.name.removesuffix(suffix), (turn for row in rows for turn in turns(*row))
            )
    for kind, paths in (("suite", options.suites), ("gate", options.gate)):
        for path in paths:
            rows = PROMPTS.read(path).select("plain_id", "plain_prompt").unique().iter_rows()
            yield text_set(kind, path.name.removesuffix(".parquet"), rows)
    for path in options.preferences:
        rows = PREFERENCES.read(path).select("pair_id", "messages").iter_rows()
        name = path.name.removesuffix(".parquet")
        yield text_set("preferences", name, (turn for row in rows for turn in turns(*row)))
    for path in options.labels:
        rows = LABELS.read(path).select("prompt_id", "prompt").unique().iter_rows()
        yield text_set("labels", path.name.removesuffix(".parquet"), rows)


if __name__ == "__main__":
    cli.run(main, parser())
