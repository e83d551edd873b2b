"""Fit a judge of refusal or of harm on label sets, and say what it is worth on models and prompts that it did not see."""

import argparse

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="the judge's name in the study")
    parser.add_argument(
        "--kind", required=True, choices=("refusal", "harm"), help="what its verdicts are to mean"
    )
    parser.add_argument("--labels", nargs="+", required=True, help="label tables to fit it on")
    parser.add_argument(
        "--out", required=True, help="JSON file of the judge to write; its weights go beside it"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the labels, fit and cross-validate the judge, write it and print what it is worth."""
    from tunedrift.tables.labels import LABELS
    from tunedrift.verdicts import learned
    from tunedrift.verdicts.fitting import fit_judge

    judge, about = fit_judge(LABELS.read_all(args.labels), args.kind)
    about["judge"] = f"{args.judge}@{judge.digest}"
    learned.write(judge, about, args.out)
    found = about["cross_validation"]
    print(f"{about['judge']}, threshold {judge.threshold}. Fitted without {found['left_out']}:")
    print("labels n positive kappa sensitivity specificity")
    for name, of in {"all": found["all"], **found["by_set"]}.items():
        print(name, *(of[key] for key in ("n", "positive", "kappa", "sensitivity", "specificity")))


if __name__ == "__main__":
    cli.run(main, parser())
