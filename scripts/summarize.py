"""Say in words what a study found, computed from its tables."""

import argparse

from tunedrift.flags import Pairs
from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drift", required=True, help="drift table")
    parser.add_argument("--family", help="family table: the primary effects")
    parser.add_argument("--agreement", required=True, help="agreement table")
    parser.add_argument("--invariance", help="invariance table of the judges")
    parser.add_argument(
        "--levels",
        nargs="+",
        action=Pairs,
        default={},
        metavar="VARIANT=FACTOR/LEVEL[,FACTOR/LEVEL]",
        help="the levels of each variant",
    )
    parser.add_argument("--profiles", required=True, help="profiles table of the variants")
    parser.add_argument("--overlap", required=True, help="overlap table")
    parser.add_argument("--verdicts", nargs="+", required=True, help="verdicts tables of all judges")
    parser.add_argument("--suites", nargs="*", default=[], help="prompts tables of the suites")
    parser.add_argument("--judges", help="judges table: what each is worth")
    parser.add_argument("--gates", nargs="+", required=True, help="what check_gate found, per model")
    parser.add_argument(
        "--rows", nargs="+", required=True, help="tables of answers and scores, for their versions"
    )
    parser.add_argument("--refusal-judge", help="the judge whose refusals are told; all judges' if left out")
    parser.add_argument("--primary-judge", required=True, help="the harm judge whose safety is the headline")
    parser.add_argument("--embedded", nargs="*", default=[], help="studied models that are embedded")
    parser.add_argument("--out", required=True, help="Markdown file to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the tables, write the sentences."""
    from tunedrift import files
    from tunedrift.drift.disagreement import by_instrument, cells
    from tunedrift.report import summary
    from tunedrift.report.instrument_sentences import instrument_sentences
    from tunedrift.report.invariance_sentences import effect_marks, invariance_sentences
    from tunedrift.report.label_overlap import label_overlap_sentences
    from tunedrift.report.suites import suite_rows
    from tunedrift.report.unread import row_sentences, unjudged_sentences
    from tunedrift.reuse.versions import made_with, precisions
    from tunedrift.tables.agreement import AGREEMENT
    from tunedrift.tables.drift import DRIFT
    from tunedrift.tables.family import FAMILY
    from tunedrift.tables.invariance import INVARIANCE
    from tunedrift.tables.judges import JUDGES
    from tunedrift.tables.overlap import OVERLAP
    from tunedrift.tables.profiles import PROFILES
    from tunedrift.tables.verdicts import VERDICTS

    drift = DRIFT.read(args.drift)
    invariance = INVARIANCE.read(args.invariance) if args.invariance else INVARIANCE.frame([])
    levels = {variant: set(named.split(",")) for variant, named in args.levels.items()}
    text = summary.summarize(
        drift,
        AGREEMENT.read(args.agreement),
        [files.read_json(path) for path in args.gates],
        args.primary_judge,
        args.embedded,
        made_with(args.rows),
        half=precisions(args.rows),
        refusal_judge=args.refusal_judge,
        family=FAMILY.read(args.family) if args.family else None,
        fooled=invariance_sentences(invariance, args.primary_judge),
        marks=effect_marks(invariance, args.primary_judge, levels),
        unread=[
            *unjudged_sentences(VERDICTS.read_all(args.verdicts)),
            *row_sentences(PROFILES.read(args.profiles)),
        ],
        judges=JUDGES.read(args.judges) if args.judges else None,
        instruments=instrument_sentences(cells(by_instrument(drift))),
        label_overlap=label_overlap_sentences(OVERLAP.read(args.overlap)),
        suites=suite_rows(args.suites),
    )
    files.write_text(args.out, text)


if __name__ == "__main__":
    cli.run(main, parser())
