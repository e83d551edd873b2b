"""Measure how often a transform of an answer, which keeps what it says, flips a judge's verdict on it.

Every level of structure and identity, controls among them, is applied alone to every labelled answer, and both are
judged. Role-play and cue change the prompt and not the answer; the judge is given the plain prompt, so they cannot flip
a verdict and have no rows.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from tunedrift import paths
from tunedrift.errors import UserError
from tunedrift.jobs import cli

SETTINGS = ("kind", "by", "published", "patterns", "threshold")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", nargs="*", default=[], help="labels tables")
    parser.add_argument(
        "--judges",
        type=json.loads,
        default={},
        help='JSON: judge → its settings, e.g. {"mine": {"kind": "refusal", "published": "qi_2023"}}; each is applied '
        "to the label sets of its kind",
    )
    parser.add_argument(
        "--fitted", nargs="*", default=[], help="JSON files of judges that were fitted, named as they are"
    )
    parser.add_argument("--statements", type=Path, default=paths.own("resources/identity.yaml"))
    parser.add_argument("--personas", type=Path, default=paths.own("resources/personas.yaml"))
    parser.add_argument("--fillers", type=Path, default=paths.own("resources/fillers.yaml"))
    parser.add_argument("--cues", type=Path, default=paths.own("resources/cues.yaml"))
    parser.add_argument("--language", default="en", help="language of the entries drawn from the lists")
    parser.add_argument(
        "--length-model",
        nargs="?",
        type=Path,
        help="model.json of the model whose tokens measure length; word pieces if left out",
    )
    parser.add_argument(
        "--max-flips",
        type=float,
        default=0.02,
        help="share of flips up to which a judge is valid for a level (default: %(default)s)",
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)"
    )
    parser.add_argument(
        "--store", help="folder of verdicts to reuse and to add to; nothing is reused without it"
    )
    parser.add_argument("--out", nargs="+", required=True, help="invariance tables to write: .parquet, .csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Rewrite the labelled answers, judge them before and after, count the flips, write."""
    import polars as pl

    from tunedrift.statistics.judge_invariance import flips
    from tunedrift.tables.invariance import INVARIANCE
    from tunedrift.tables.labels import LABELS
    from tunedrift.text.prose import count_pieces
    from tunedrift.variants.rewrites import REWRITING, rewrites
    from tunedrift.variants.token_length import token_counter, tokenizer_file
    from tunedrift.variants.word_lists import read_lists
    from tunedrift.verdicts.judges import make_judge
    from tunedrift.verdicts.judging import verdicts_on_labels

    judges = settings_of(args.judges)
    fitted = {Path(path).stem: path for path in args.fitted}
    labels = LABELS.read_all(args.labels) if args.labels else LABELS.frame([])
    answers = labels.unique(["label_set", "answer_id"], keep="first").sort("label_set", "answer_id")
    answers = answers.filter(pl.col("measure").is_in([judge["kind"] for judge in judges.values()]))
    lists = read_lists(args.statements, args.personas, args.fillers, args.cues, args.language)
    count = token_counter(tokenizer_file(args.length_model)) if args.length_model else count_pieces
    pairs: dict[tuple[str, str], pl.DataFrame] = {}  # (label set, measure) → a row per answer and level
    for (name, measure), of_set in answers.group_by("label_set", "measure", maintain_order=True):
        changed = pl.DataFrame(
            list(rewrites(of_set.select("answer_id", "prompt", "answer").iter_rows(), lists, count)),
            schema=dict.fromkeys(("answer_id", "factor", "level", "rewritten"), pl.String),
            orient="row",
        )
        pairs[str(name), str(measure)] = changed.join(
            of_set.drop("label_set"), on="answer_id", maintain_order="left"
        )
    rows = []
    for judge, settings in judges.items():
        program = Path(__file__).with_name("judge.py")
        made = make_judge(judge, program, args.store, fitted=fitted.get(judge), **settings)
        for (name, measure), changed in pairs.items():
            if measure != settings["kind"]:
                continue
            texts = pl.concat(
                [changed.select("prompt", "answer"), changed.select("prompt", answer="rewritten")]
            ).unique(maintain_order=True)
            texts = texts.with_row_index("answer_id").with_columns(label_set=pl.lit(name))
            said = pl.DataFrame(
                [
                    (verdict["answer_id"], verdict["label"])
                    for verdict in verdicts_on_labels(texts, made.kind, made.rules, made.store)
                ],
                schema={"answer_id": pl.UInt32, "said": pl.String},
                orient="row",
            )
            said = texts.join(said, on="answer_id").select("prompt", "answer", "said")
            judged = changed.join(said.rename({"said": "before"}), on=["prompt", "answer"])
            judged = judged.join(
                said.rename({"answer": "rewritten", "said": "after"}), on=["prompt", "rewritten"]
            )
            about = {"judge": judge, "kind": settings["kind"], "label_set": name}
            found = flips(judged, settings["kind"], REWRITING, args.confidence, args.max_flips)
            rows += [{**about, **row} for row in found]
        for path in args.out:
            made.store.used_for(path)
        print(f"{judge}: {made.store.computed} verdicts computed")
    for path in args.out:
        INVARIANCE.write(INVARIANCE.frame(rows), path)


def settings_of(judges: Any) -> dict[str, dict[str, Any]]:
    """The judges of --judges, each with the settings that have a value. Raises `UserError` for anything else."""
    if not isinstance(judges, dict) or not all(isinstance(entry, dict) for entry in judges.values()):
        raise UserError("--judges: write a JSON mapping from each judge to its settings.")
    for judge, entry in judges.items():
        if odd := [key for key in entry if key not in SETTINGS]:
            raise UserError(f"--judges: {judge}.{odd[0]} is no setting; there are {', '.join(SETTINGS)}.")
        if entry.get("kind") not in ("refusal", "harm"):
            raise UserError(f"--judges: {judge}.kind must be refusal or harm, not {entry.get('kind')!r}.")
    return {
        judge: {key: value for key, value in entry.items() if value is not None}
        for judge, entry in judges.items()
    }


if __name__ == "__main__":
    cli.run(main, parser())
