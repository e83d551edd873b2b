"""Measure judges: kappa, sensitivity and specificity of each against every label set, and which are certified."""

import argparse
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.jobs import cli

if TYPE_CHECKING:
    import polars as pl


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", nargs="*", default=[], help="labels tables, one per label set")
    parser.add_argument(
        "--verdicts", nargs="*", default=[], help="verdicts on labelled answers, one table per judge and set"
    )
    parser.add_argument("--prompts", nargs="*", default=[], help="prompts tables, one per suite")
    parser.add_argument(
        "--responses",
        nargs="*",
        default=[],
        help="the study's own answers: is a judge worth as much on tuned ones?",
    )
    parser.add_argument("--simulated", nargs="*", default=[], help="label sets whose labels no person gave")
    parser.add_argument("--fitted", nargs="*", default=[], help="JSON files of judges that were fitted")
    parser.add_argument(
        "--tuned-on",
        nargs="*",
        default=[],
        metavar="JUDGE=SET",
        help="label sets from whose answers a judge's rules were written",
    )
    parser.add_argument(
        "--judge-floor",
        type=float,
        default=0.8,
        help="what the lower bounds of a certified judge reach (default: %(default)s)",
    )
    parser.add_argument("--draws", type=int, default=2000, help="bootstrap draws (default: %(default)s)")
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--out", nargs="+", required=True, help="judges tables to write: .parquet, .csv")
    return parser


def sets_behind(fitted: list[str], tuned_on: list[str]) -> dict[str, set[str]]:
    """Judge → the label sets that it was fitted or tuned on."""
    from pathlib import Path

    from tunedrift import files

    behind: dict[str, set[str]] = {}
    for path in fitted:
        about = files.read_json(path)
        try:
            names = {entry["label_set"] for entry in about["fitted_on"]}
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{path}: no `fitted_on` says which label sets the judge was fitted on. Delete the file and run the "
                "same command again."
            ) from error
        behind.setdefault(Path(path).stem, set()).update(names)
    for word in tuned_on:
        judge, _, name = word.partition("=")
        if not judge or not name:
            raise UserError(f"--tuned-on {word}: write judge=label_set.")
        behind.setdefault(judge, set()).add(name)
    return behind


def own_answers(prompts: list[str], responses: list[str]) -> "pl.DataFrame":
    """What the study's models answered: prompt (plain, and as it was asked), answer, tuned."""
    from tunedrift.labels.own_answers import given_answers
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.responses import RESPONSES

    asked = PROMPTS.read_all(prompts) if prompts else PROMPTS.frame([])
    given = RESPONSES.read_all(responses) if responses else RESPONSES.frame([])
    return given_answers(asked, given).select("prompt", "answer", "tuned").unique()


def main(args: argparse.Namespace) -> None:
    """Read labels and verdicts, measure each judge on each set, write."""
    import polars as pl

    from tunedrift.labels.answers import answers_by_set, seen_before, with_sides
    from tunedrift.statistics.bootstrap import Bootstrap
    from tunedrift.statistics.judge_worth import worth
    from tunedrift.tables.contents import LABEL_SETS, check_contents
    from tunedrift.tables.judges import JUDGES
    from tunedrift.tables.labels import LABELS
    from tunedrift.tables.verdicts import LABELLED_VERDICTS

    behind = sets_behind(args.fitted, args.tuned_on)
    options = Bootstrap(args.draws, args.confidence, args.seed)
    labels = LABELS.read_all(args.labels) if args.labels else LABELS.frame([])
    verdicts = LABELLED_VERDICTS.read_all(args.verdicts) if args.verdicts else LABELLED_VERDICTS.frame([])
    check_contents(args.verdicts, labels, LABEL_SETS)
    own = own_answers(args.prompts, args.responses)
    answers = {
        name: (measure, with_sides(of_set, own)) for name, (measure, of_set) in answers_by_set(labels).items()
    }
    rows = []
    for (judge, kind, label_set), said in verdicts.group_by(
        "judge", "kind", "label_set", maintain_order=True
    ):
        if label_set not in answers:
            raise UserError(f"judge {judge!r}: verdicts on {label_set!r}, of which there is no labels table.")
        measure, of_set = answers[label_set]
        joined = of_set.join(said.select("answer_id", said="label"), on="answer_id", how="left")
        if lacking := joined["said"].null_count() or len(said) - len(joined):
            raise UserError(
                f"judge {judge!r}: {abs(lacking)} answers of {label_set!r} have a label or a verdict, not both. Delete "
                "the verdicts on it and run the same command again."
            )
        made_from = behind.get(judge, set())
        shared = (
            pl.Series([True] * len(joined))
            if label_set in made_from
            else seen_before(joined, [answers[name][1] for name in sorted(made_from & answers.keys())])
        )
        joined = joined.with_columns(shared=shared)
        about = {
            "judge": judge,
            "kind": kind,
            "measure": measure,
            "label_set": label_set,
            "labels": "simulated" if label_set in args.simulated else "people",
        }
        seeded = options.at(judge, label_set)
        rows += [{**about, **row} for row in worth(joined, measure, seeded, args.judge_floor)]
    for path in args.out:
        JUDGES.write(JUDGES.frame(rows), path)


if __name__ == "__main__":
    cli.run(main, parser())
