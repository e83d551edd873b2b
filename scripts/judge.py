"""Judge all answers of one model, or of label sets, by one judge: by rule, as published, or fitted; on a processor."""

import argparse

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="the judge's name in the study")
    parser.add_argument("--kind", required=True, help="what its verdicts mean: refusal, harm or utility")
    parser.add_argument(
        "--by",
        default="rule",
        choices=(
            *("rule", "published", "learned", "not_refused"),
            *("number", "exact", "rouge_l", "parses", "runs_tests"),
        ),
        help="how its verdicts are made (default: %(default)s)",
    )
    parser.add_argument("--published", help="the published judge that is followed: qi_2023 or xstest_2023")
    parser.add_argument("--patterns", help="YAML of refusal patterns, for a refusal or harm judge")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        help="share of the request's content words that an unsafe answer takes up, for a harm judge",
    )
    parser.add_argument(
        "--execute-code",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="allow a judge by runs_tests to run code that a model wrote",
    )
    parser.add_argument("--suites", nargs="*", default=[], help="judge answers to these alone")
    parser.add_argument("--prompts", nargs="+", help="prompt tables")
    parser.add_argument("--responses", nargs="+", help="response tables of one model")
    parser.add_argument(
        "--labels", nargs="+", help="tables of labelled answers to judge, in place of prompts and responses"
    )
    parser.add_argument(
        "--fitted", nargs="*", default=[], help="JSON of a judge that was fitted, and its weights beside it"
    )
    parser.add_argument(
        "--store", help="folder of verdicts to reuse and to add to; nothing is reused without it"
    )
    parser.add_argument("--out", required=True, help="verdicts table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read answers and what they answer, judge those that the kind of judge is for, write the verdicts."""
    from collections import Counter

    from tunedrift.errors import UserError
    from tunedrift.tables.contents import LABEL_SETS, SUITES, check_contents, contents
    from tunedrift.tables.labels import LABELS
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.responses import RESPONSES
    from tunedrift.tables.verdicts import LABELLED_VERDICTS, VERDICTS
    from tunedrift.text.languages import counted
    from tunedrift.verdicts.judges import make_judge
    from tunedrift.verdicts.judging import check_asked, of_suites, verdicts, verdicts_on_labels

    if bool(args.labels) == bool(args.prompts) or bool(args.prompts) != bool(args.responses):
        raise UserError(f"judge {args.judge!r}: give --prompts and --responses, or --labels in their place.")
    kind, rules, store = make_judge(
        args.judge,
        __file__,
        args.store,
        kind=args.kind,
        by=args.by,
        published=args.published,
        patterns=args.patterns,
        threshold=args.threshold,
        fitted=args.fitted[0] if args.fitted else None,
        execute_code=args.execute_code,
    )
    own = {"judge": args.judge, "kind": args.kind}
    if args.labels:
        labels = LABELS.read_all(args.labels)
        judged = contents(labels, LABEL_SETS)
        table, found = LABELLED_VERDICTS, verdicts_on_labels(labels, kind, rules, store)
    else:
        prompts, responses = PROMPTS.read_all(args.prompts), RESPONSES.read_all(args.responses)
        check_contents(args.responses, prompts, SUITES)
        check_asked(prompts, responses, kind, args.suites)
        judged = contents(prompts, SUITES)
        table, found = VERDICTS, verdicts(of_suites(prompts, args.suites), responses, kind, rules, store)
    rows = [{**own, **verdict} for verdict in found]
    table.write(table.frame(rows), args.out, judged)
    store.used_for(args.out)
    languages = Counter(row["language"] for row in rows if row["language"])
    left = f"; unjudged: {counted(languages)}" if languages else ""
    print(f"{len(rows)} verdicts, {store.computed} computed{left}")


if __name__ == "__main__":
    cli.run(main, parser())
