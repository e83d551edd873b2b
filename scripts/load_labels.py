"""Load answers that people have labelled: a prompt, an answer and what an annotator says of it per row."""

import argparse
from pathlib import Path

from tunedrift.flags import Pairs
from tunedrift.jobs import cli
from tunedrift.sources import hub


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--label-set", required=True, help="the set's name")
    hub.add_source_options(options)
    options.add_argument("--measure", required=True, help="what the labels are of: refusal or harm")
    options.add_argument(
        "--layout", default="plain", help="plain (one label per row), xstest, do_not_answer or gptfuzz"
    )
    options.add_argument(
        "--columns",
        nargs="+",
        action=Pairs,
        metavar="ROLE=COLUMN",
        help="roles: id, prompt, answer, label, annotator, model, language, and of the study's own answers study_prompt, "
        "tuning, sample; by their own names if left out",
    )
    options.add_argument(
        "--values",
        nargs="+",
        action=Pairs,
        metavar="LABEL=OURS",
        help="what the file's labels mean; left_out for those that are not taken",
    )
    options.add_argument("--model", help="who answered, where the file does not say")
    options.add_argument("--language", help="the answers' language, where the file does not say")
    options.add_argument(
        "--questions",
        nargs="*",
        default=[],
        help="file with the prompts' texts (columns index and text) where the answers have their numbers",
    )
    options.add_argument("--n", type=int, help="how many answers to keep; all if left out")
    options.add_argument("--seed", type=int, default=0, help="which n answers")
    options.add_argument(
        "--max-rejected", type=float, default=0.05, help="the share of unusable labels to bear"
    )
    options.add_argument("--out", required=True, type=Path, help="the labels table")
    options.add_argument(
        "--rejects", required=True, type=Path, help="CSV of the labels left out: file, row, reason"
    )
    return options


def main(options: argparse.Namespace) -> None:
    """Read, normalise and check the labels, and write both tables."""
    from tunedrift.hashing import sample
    from tunedrift.labels.loading import load, numbered
    from tunedrift.sources.reading import read_rows
    from tunedrift.sources.rows import write_rejects
    from tunedrift.tables.labels import LABELS

    name = options.label_set
    rows, rejects = load(
        read_rows(hub.source(options, name)),
        name=name,
        measure=options.measure,
        layout=options.layout,
        mapping=options.columns,
        values=options.values,
        model=options.model,
        language=options.language,
        questions=numbered(read_rows(options.questions), name) if options.questions else None,
        max_rejected=options.max_rejected,
    )
    answers = dict.fromkeys(row["answer_id"] for row in rows)
    drawn = set(sample(answers, str, options.n, options.seed, name))
    rows = [row for row in rows if row["answer_id"] in drawn]
    write_rejects(rejects, options.rejects)
    LABELS.write(LABELS.frame(rows), options.out)
    print(f"{name}: {len(drawn)} answers, {len(rows)} labels, {len(rejects)} left out")


if __name__ == "__main__":
    cli.run(main, parser())
