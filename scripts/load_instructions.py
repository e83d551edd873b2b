"""Load an instruction data set: any published layout in, one normalised chat per row out."""

import argparse
from pathlib import Path

from tunedrift.flags import Pairs
from tunedrift.jobs import cli
from tunedrift.sources import hub


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dataset", required=True, help="the data set's name, for messages")
    hub.add_source_options(options)
    options.add_argument(
        "--layout", default="auto", help="alpaca, dolly, …; auto looks at a file's first rows"
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
    options.add_argument(
        "--repeats", choices=("rows", "prompts", "none"), default="rows", help="what is left out as a repeat"
    )
    options.add_argument(
        "--safety-rows",
        type=Path,
        help="marks of refusals and safety data, which are left out; none are if left out",
    )
    options.add_argument("--n", type=int, help="how many rows to keep; all if left out")
    options.add_argument("--held-out", type=int, default=0, help="how many rows to keep apart from training")
    options.add_argument("--seed", type=int, default=0, help="which n rows, and which are held out")
    options.add_argument("--max-characters", type=int, default=50_000, help="the longest usable chat")
    options.add_argument(
        "--max-rejected", type=float, default=0.05, help="the share of unusable rows to bear"
    )
    options.add_argument("--out", required=True, type=Path, help="the instructions table")
    options.add_argument("--held-out-table", required=True, type=Path, help="the instructions held out")
    options.add_argument(
        "--rejects", required=True, type=Path, help="CSV of the rows left out: file, row, reason"
    )
    return options


def main(options: argparse.Namespace) -> None:
    """Read, normalise, leave out what is not wanted, split, and write the tables."""
    from collections import Counter

    from tunedrift.instructions.loading import kind_of, load, other_languages, split
    from tunedrift.instructions.safety_rows import read_safety_marks
    from tunedrift.sources.reading import read_rows
    from tunedrift.sources.rows import write_rejects
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.text.languages import name_of, rows_in

    marks = options.safety_rows and read_safety_marks(options.safety_rows)
    usable, rejects = load(
        read_rows(hub.source(options, options.dataset), header=options.header),
        dataset=options.dataset,
        layout=options.layout,
        mapping=options.columns,
        max_rejected=options.max_rejected,
        repeats=options.repeats,
        safety_rows=marks,
        max_characters=options.max_characters,
    )
    rows, held_out = split(
        usable, n=options.n, held_out=options.held_out, seed=options.seed, dataset=options.dataset
    )
    write_rejects(rejects, options.rejects)
    INSTRUCTIONS.write(INSTRUCTIONS.frame(rows), options.out)
    INSTRUCTIONS.write(INSTRUCTIONS.frame(held_out), options.held_out_table)
    reasons = Counter(kind_of(reject.reason) for reject in rejects)
    left_out = ", ".join(f"{count} {kind}" for kind, count in sorted(reasons.items())) or "none"
    print(f"{options.dataset}: {len(rows)} rows, {len(held_out)} held out; left out: {left_out}")
    if marks and (languages := other_languages(rows, marks.language)):
        print(
            f"warning: {options.dataset}: {rows_in(languages, len(rows))}, where the safety filter, "
            f"which reads {name_of(marks.language)}, finds nothing: refusals among them are kept"
        )


if __name__ == "__main__":
    cli.run(main, parser())
