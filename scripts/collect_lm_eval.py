"""Collect what the lm-evaluation-harness said of every tuning into one table."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", nargs="+", type=Path, required=True, help="JSON of run_lm_eval")
    parser.add_argument("--out", nargs="+", required=True, help="tables to write: .parquet, .csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read, put together, write."""
    from tunedrift import files
    from tunedrift.errors import UserError
    from tunedrift.responses import harness
    from tunedrift.tables.lm_eval import LM_EVAL

    rows = []
    for path in args.results:
        found = files.read_json(path)
        try:
            own = {key: found[key] for key in ("model", "tuning", "dataset", "variant", "seed")}
            own["harness"] = found["versions"]["lm_eval"]
            rows += [{**own, **row} for row in harness.rows(found["harness"])]
        except (AttributeError, KeyError, TypeError) as error:
            raise UserError(
                f"{path} is none of run_lm_eval's results. Delete it and run the same command again."
            ) from error
    for path in args.out:
        LM_EVAL.write(LM_EVAL.frame(rows), path)


if __name__ == "__main__":
    cli.run(main, parser())
