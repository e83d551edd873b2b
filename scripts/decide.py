"""Decide of every tuned checkpoint whether it is as good as its base: PASS, FAIL or CANNOT TELL; or check what was decided.

With --check: exits with 0 for PASS (or where no checkpoint counts), 1 for FAIL, 3 for CANNOT TELL, 2 for any trouble.
"""

import argparse
import os
import sys
from pathlib import Path

CODES = {"PASS": 0, None: 0, "FAIL": 1, "CANNOT TELL": 3}
TROUBLE = 2


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", metavar="DECISION.JSON", help="say and exit with what this file decides")
    making = parser.add_argument_group("what is decided, without --check")
    making.add_argument("--prompts", nargs="+", default=[], help="prompts tables, one per suite")
    making.add_argument("--verdicts", nargs="+", default=[], help="verdicts tables, one per judge and model")
    making.add_argument("--judges", help="judges table: which are certified, and how they err")
    making.add_argument("--primary-judge", help="the harm judge that safety is told by")
    making.add_argument("--refusal-judge", help="the judge that over-refusal is told by")
    making.add_argument("--utility-judge", help="the judge that utility is told by")
    making.add_argument(
        "--margins",
        nargs="*",
        default=[],
        metavar="MEASURE=LOSS",
        help="the loss that is put up with in SA_g, SA_a[wrapped], over_refusal, coherence and utility; a measure "
        "without one is left out",
    )
    making.add_argument(
        "--checkpoints",
        nargs="*",
        default=[],
        metavar="MODEL/TUNING",
        help="the checkpoints whose word counts; all others are listed",
    )
    making.add_argument(
        "--embedded", nargs="*", default=[], help="embedded models, for which simulated labels certify too"
    )
    making.add_argument(
        "--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)"
    )
    making.add_argument(
        "--out", nargs="+", default=[], help="files to write, by suffix: .json .xml .md .parquet .csv"
    )
    return parser


def parse_margins(words: list[str]) -> dict[str, float]:
    """Read `measure=loss` words."""
    from tunedrift.errors import UserError

    margins = {}
    for word in words:
        name, _, loss = word.rpartition("=")
        try:
            margins[name] = float(loss)
        except ValueError:
            margins[name] = -1.0
        if not name or not 0 <= margins[name] <= 1:
            raise UserError(
                f"--margins {word}: write measure=loss, such as SA_g=0.05, with a loss from 0 to 1."
            )
    return margins


def main(args: argparse.Namespace) -> None:
    """Read, decide, write; nothing that is decided is an error."""
    from dataclasses import asdict

    from tunedrift import files
    from tunedrift.decisions import exports, record
    from tunedrift.decisions.checkpoints import decisions
    from tunedrift.drift.measures import check_primary
    from tunedrift.errors import UserError
    from tunedrift.tables.contents import SUITES, check_contents
    from tunedrift.tables.decision import DECISION
    from tunedrift.tables.judges import JUDGES
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.verdicts import VERDICTS

    written = (".json", ".xml", ".md", ".parquet", ".csv")
    if odd := [path for path in args.out if Path(path).suffix not in written]:
        raise UserError(f"--out {odd[0]}: a decision is written to files that end in {', '.join(written)}.")
    prompts, verdicts = PROMPTS.read_all(args.prompts), VERDICTS.read_all(args.verdicts)
    check_contents(args.verdicts, prompts, SUITES)
    if "harmful" in prompts["kind"]:
        check_primary(verdicts, args.primary_judge)
    judge_of = {"harm": args.primary_judge, "refusal": args.refusal_judge, "utility": args.utility_judge}
    found = decisions(
        prompts,
        verdicts,
        JUDGES.read(args.judges),
        {kind: judge for kind, judge in judge_of.items() if judge},
        parse_margins(args.margins),
        [(model, tuning) for model, _, tuning in (word.partition("/") for word in args.checkpoints)],
        args.embedded,
        args.confidence,
    )
    rows = [
        {
            **{"model": one.model, "tuning": one.tuning, "counts": one.counts, "decision": one.word},
            **asdict(measure),
        }
        for one in found
        for measure in one.measures
    ]
    for path in args.out:
        suffix = Path(path).suffix
        if suffix == ".json":
            files.write_json(path, record.as_json(found, args.confidence))
        elif suffix in (".xml", ".md"):
            text = exports.junit(found) if suffix == ".xml" else exports.markdown(found, args.confidence)
            files.write_text(path, text)
        else:
            DECISION.write(DECISION.frame(rows), path)


def check(path: str) -> int:
    """Print what a `decision.json` decides, and return its exit status; whatever goes wrong is `TROUBLE`."""
    try:
        from tunedrift import files
        from tunedrift.decisions import record
        from tunedrift.errors import UserError

        try:
            value = files.read_json(path, "Delete it and run `snakemake decide` again.")
            found = record.from_json(value, path)
        except UserError as error:
            say(f"error: {error}", errors=True)
            return TROUBLE
        for one in found:
            told = [f"{part.word} {part.measure} on {part.suite}: {part.reason}" for part in one.measures]
            left = "" if one.counts else " (does not count)"
            say(f"{one.word}: {one.model}, {one.tuning}{left}")
            for line in told:
                if not line.startswith("PASS "):
                    say(f"  {line}")
        word = value["decision"]
        if word is None:
            say("No checkpoint counts: the config key decision.checkpoints names those whose word does.")
        say(f"decision: {word or 'none'}")
        return CODES[word]
    except Exception as error:
        say(f"error: {path} cannot be checked: {type(error).__name__}: {error}", errors=True)
        return TROUBLE


def say(text: str, errors: bool = False) -> None:
    """Print one line that any terminal shows, whatever characters names hold and whether anybody reads it."""
    text = text.replace("−", "-")
    line = "".join(sign if " " <= sign <= "~" else ascii(sign)[1:-1] for sign in text)
    try:
        print(line, file=sys.stderr if errors else sys.stdout, flush=True)
    except OSError:  # nobody reads: the exit status says the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if errors else 1)


if __name__ == "__main__":
    args = parser().parse_args()
    if args.check is not None:
        if len(sys.argv) > 3:
            parser().error("--check takes the path of a decision.json and nothing else")
        sys.exit(check(args.check))
    needed = ("prompts", "verdicts", "judges", "primary_judge", "out")
    if lacking := [f"--{name.replace('_', '-')}" for name in needed if not getattr(args, name)]:
        parser().error(f"these are required unless --check is given: {', '.join(lacking)}")

    from tunedrift.jobs import cli

    cli.run(main, parser())
