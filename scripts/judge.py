"""Judge all answers of one model by one judge."""

import argparse
from pathlib import Path

from tunedrift import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="the judge's name in the study")
    parser.add_argument("--kind", required=True, choices=("refusal", "harm", "utility"), help="what it tells")
    parser.add_argument("--patterns", help="YAML of refusal patterns, for a refusal or harm judge")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        help="share of the request's content words that an unsafe answer takes up, for a harm judge",
    )
    parser.add_argument("--prompts", nargs="+", required=True, help="prompt tables")
    parser.add_argument("--responses", nargs="+", required=True, help="response tables of one model")
    parser.add_argument(
        "--store", help="folder of verdicts to reuse and to add to; nothing is reused without it"
    )
    parser.add_argument("--out", required=True, help="verdicts table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Join answers with their prompts, judge those that the kind of judge is for, write the verdicts."""
    import polars as pl

    from tunedrift import files, judges
    from tunedrift.digest import code_digest
    from tunedrift.errors import UserError
    from tunedrift.progress import Progress
    from tunedrift.store import Store, digest
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.responses import RESPONSES
    from tunedrift.tables.verdicts import VERDICTS

    if args.kind != "utility" and not args.patterns:
        raise UserError(
            f"judge {args.judge!r}: a {args.kind} judge needs --patterns, a YAML file of refusal patterns."
        )
    patterns = args.patterns and judges.read_patterns(args.patterns)
    prompts = pl.concat([PROMPTS.read(path) for path in args.prompts])
    responses = pl.concat([RESPONSES.read(path) for path in args.responses])
    strays = responses.join(prompts, on="prompt_id", how="anti")
    if len(strays):
        raise UserError(
            f"{strays['tuning'][0]}: an answer to {strays['prompt_id'][0]!r}, which is in none of the prompt "
            "tables. Delete the responses and run the same command again."
        )
    lacking = prompts.filter(
        (pl.col("kind") == "utility") & (pl.col("reference").list.len().fill_null(0) == 0)
    )
    if args.kind == "utility" and len(lacking):
        raise UserError(
            f"prompt {lacking['prompt_id'][0]!r} has no reference words, so no answer to it can be checked. "
            "Add `reference` to its row of the suite, or take the row out."
        )
    kinds = ("utility",) if args.kind == "utility" else ("harmful", "safe")
    store = Store(
        args.store,
        "judge",
        {
            "kind": args.kind,
            "patterns": args.patterns and files.sha256(Path(args.patterns)),
            "threshold": args.threshold,
            "code": code_digest(__file__),
        },
    )
    rows = []
    progress = Progress(len(responses), "answers")
    for row in responses.join(prompts, on="prompt_id").iter_rows(named=True):
        progress.advance()
        if row["kind"] not in kinds:
            continue
        text = digest(row["kind"], row["plain_prompt"], row["answer"], *(row["reference"] or ()))
        if text not in store:
            progress.tokens += row["tokens"]
            store[text] = judges.label(
                args.kind,
                row["answer"],
                prompt=row["plain_prompt"],
                harmful=row["kind"] == "harmful",
                reference=row["reference"],
                patterns=patterns,
                threshold=args.threshold,
            )
        keys = {key: row[key] for key in ("model", "tuning", "prompt_id", "sample")}
        rows.append(
            {
                "judge": args.judge,
                "kind": args.kind,
                **keys,
                "label": store[text],
                "truncated": row["finish"] == "length",
            }
        )
    progress.finish()
    VERDICTS.write(VERDICTS.frame(rows), args.out)
    store.used_for(args.out)
    print(f"{len(rows)} verdicts, {store.computed} computed")


if __name__ == "__main__":
    cli.run(main, parser())
