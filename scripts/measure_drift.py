"""Measure drift: rates of refusal, safety, over-refusal and utility per tuning, and their contrasts."""

import argparse
import json
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.flags import Pairs
from tunedrift.jobs import cli

if TYPE_CHECKING:
    import polars as pl


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", nargs="+", required=True, help="prompts tables, one per suite")
    parser.add_argument(
        "--verdicts", nargs="+", required=True, help="verdicts tables, one per judge and model"
    )
    parser.add_argument("--losses", nargs="*", default=[], help="losses tables, one per model and tuning")
    parser.add_argument("--primary-judge", required=True, help="the harm judge declared for the main claims")
    parser.add_argument(
        "--controls",
        nargs="*",
        default=[],
        metavar="VARIANT=CONTROL",
        help="matched controls, or one JSON mapping; a variant without one is compared with original",
    )
    parser.add_argument(
        "--primary",
        nargs="*",
        action=Pairs,
        default={},
        metavar="FACTOR=VARIANT",
        help="the variant by which each factor enters the primary family",
    )
    parser.add_argument("--judges", help="judges table, by whose errors rates are corrected")
    parser.add_argument(
        "--embedded", nargs="*", default=[], help="embedded models, for which simulated labels count too"
    )
    parser.add_argument(
        "--split-by",
        nargs="*",
        default=["stratum"],
        choices=("stratum", "category", "language", "dimension"),
        help="properties of prompts by which suites are split (default: %(default)s)",
    )
    parser.add_argument(
        "--judged-suites",
        nargs="*",
        default={},
        action=Pairs,
        metavar="JUDGE=SUITE,SUITE",
        help="the suites of a judge that is for some alone",
    )
    parser.add_argument(
        "--labels", nargs="*", default=[], help="labels tables of a random part of the study's own answers"
    )
    parser.add_argument(
        "--responses", nargs="*", default=[], help="the study's own answers, where --labels are given"
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)"
    )
    parser.add_argument("--out", nargs="+", required=True, help="drift tables to write: .parquet, .csv")
    parser.add_argument("--family", nargs="*", default=[], help="family tables to write: .parquet, .csv")
    return parser


def parse_controls(words: list[str]) -> dict[str, str]:
    """Read `variant=control` words, or one JSON mapping."""
    try:
        controls = (
            json.loads(words[0]) if words and words[0].startswith("{") else dict(w.split("=") for w in words)
        )
    except ValueError as error:
        raise UserError(
            f"--controls {' '.join(words)}: write variant=control, or one JSON mapping."
        ) from error
    return controls


def labels_of_own_answers(args: argparse.Namespace, prompts: "pl.DataFrame") -> "pl.DataFrame | None":
    """The labels of the study's own answers in all sets of --labels, and a line for each set of what they are of."""
    import polars as pl

    from tunedrift.labels.answers import answers_by_set
    from tunedrift.labels.own_answers import given_answers, in_words, own_labels
    from tunedrift.tables.labels import LABELS
    from tunedrift.tables.responses import RESPONSES

    if not args.labels:
        return None
    if not args.responses:
        raise UserError("--labels are of the study's own answers: give them with --responses.")
    given, found = given_answers(prompts, RESPONSES.read_all(args.responses)), []
    for name, (measure, answers) in answers_by_set(LABELS.read_all(args.labels)).items():
        labelled, outcomes = own_labels(name, measure, answers, given)
        found.append(labelled)
        print(f"{name}: of {len(answers)} labelled answers {in_words(outcomes)}")
    return pl.concat(found)


def main(args: argparse.Namespace) -> None:
    """Read, measure, write."""
    import polars as pl

    from tunedrift.drift.contrasts import drift
    from tunedrift.drift.family import family
    from tunedrift.drift.losses import loss_drift
    from tunedrift.drift.measures import check_primary
    from tunedrift.tables.contents import SUITES, check_contents
    from tunedrift.tables.drift import DRIFT
    from tunedrift.tables.family import FAMILY
    from tunedrift.tables.judges import JUDGES
    from tunedrift.tables.losses import LOSSES
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.verdicts import VERDICTS

    prompts = PROMPTS.read_all(args.prompts)
    verdicts = VERDICTS.read_all(args.verdicts)
    check_contents(args.verdicts, prompts, SUITES)
    check_primary(verdicts, args.primary_judge)
    controls = parse_controls(args.controls)
    judges = JUDGES.read(args.judges) if args.judges else None
    suites = {judge: named.split(",") for judge, named in args.judged_suites.items()}
    labelled = labels_of_own_answers(args, prompts)
    about = (args.confidence, judges, args.embedded, labelled)
    table = drift(prompts, verdicts, controls, *about, args.split_by, suites)
    if args.losses:
        table = pl.concat([table, loss_drift(LOSSES.read_all(args.losses), controls, args.confidence)])
    declared = family(prompts, verdicts, args.primary, controls, args.primary_judge, args.confidence)
    for path in args.out:
        DRIFT.write(table, path)
    for path in args.family:
        FAMILY.write(declared, path)


if __name__ == "__main__":
    cli.run(main, parser())
