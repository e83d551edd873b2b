"""Measure agreement: reward models with one another, with people, and with what tuning did to safety."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rewards", nargs="*", default=[], help="rewards tables, one per model and subject; may be none"
    )
    parser.add_argument(
        "--preferences", nargs="*", default=[], help="preferences tables; a file's name names the set"
    )
    parser.add_argument(
        "--verdicts", nargs="+", required=True, help="verdicts tables, with the primary judge's"
    )
    parser.add_argument("--prompts", nargs="+", required=True, help="prompts tables, one per suite")
    parser.add_argument("--primary-judge", required=True, help="the harm judge declared for the main claims")
    parser.add_argument(
        "--patterns", help="refusal patterns; with them the control 'refusal keyword' is measured"
    )
    parser.add_argument("--draws", type=int, default=2000, help="bootstrap draws (default: %(default)s)")
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: %(default)s)")
    parser.add_argument("--out", nargs="+", required=True, help="agreement tables to write: .parquet, .csv")
    parser.add_argument("--forecasts", nargs="+", required=True, help="forecasts tables to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read, measure, write."""
    from tunedrift.agreement.detection import detection
    from tunedrift.agreement.forecast import concordance, forecasts
    from tunedrift.agreement.rm_people import rm_people
    from tunedrift.agreement.rm_rm import rm_rm
    from tunedrift.drift.measures import check_primary
    from tunedrift.statistics.bootstrap import Bootstrap
    from tunedrift.tables.agreement import AGREEMENT, FORECASTS
    from tunedrift.tables.contents import SUITES, check_contents
    from tunedrift.tables.preferences import PREFERENCES
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.rewards import REWARDS
    from tunedrift.tables.verdicts import VERDICTS
    from tunedrift.verdicts.patterns import read_patterns
    from tunedrift.verdicts.refusal import refuses

    rewards = REWARDS.read_all(args.rewards) if args.rewards else REWARDS.frame([])
    preferences = {Path(path).stem: PREFERENCES.read(path) for path in args.preferences}
    verdicts = VERDICTS.read_all(args.verdicts)
    prompts = PROMPTS.read_all(args.prompts)
    check_contents(args.verdicts, prompts, SUITES)
    check_primary(verdicts, args.primary_judge)
    patterns = read_patterns(args.patterns) if args.patterns else None

    def refusing(answer: str) -> bool:
        return refuses(answer, "", patterns)

    options = Bootstrap(args.draws, args.confidence, args.seed)
    points, rows = FORECASTS.frame([]), []
    if args.rewards:
        points = forecasts(rewards, prompts, verdicts, args.primary_judge, args.confidence)
        rows = [
            *rm_rm(rewards, prompts, preferences, options),
            *rm_people(rewards, preferences, options, refusing if patterns else None),
            *concordance(points, args.primary_judge, args.seed),
            *detection(rewards, prompts, verdicts, args.primary_judge, options),
        ]
    for path in args.out:
        AGREEMENT.write(AGREEMENT.frame(rows), path)
    for path in args.forecasts:
        FORECASTS.write(points, path)


if __name__ == "__main__":
    cli.run(main, parser())
