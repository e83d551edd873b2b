"""Tune one model on one variant with one seed: a LoRA adapter, or the whole model."""

import argparse
import dataclasses
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.jobs import cli, devices

if TYPE_CHECKING:
    from tunedrift.adapters.tuning import Settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model.json of the chat model")
    parser.add_argument("--variant", required=True, help="variant table to train on")
    parser.add_argument(
        "--rejected",
        type=Path,
        help="table of rejected rows, by select_rows: what one variant cannot be tuned on is left out of all",
    )
    parser.add_argument("--seed", type=int, required=True, help="of an adapter's start and the order of rows")
    parser.add_argument(
        "--method",
        choices=("lora", "qlora", "full"),
        default="lora",
        help="an adapter, an adapter on a base in 4 bits, or all weights",
    )
    parser.add_argument("--rank", type=int, default=8, help="LoRA rank")
    parser.add_argument("--alpha", type=float, default=16, help="LoRA alpha")
    parser.add_argument("--dropout", type=float, default=0.0, help="LoRA dropout")
    parser.add_argument(
        "--target-modules",
        nargs="+",
        default=["all-linear"],
        help="layers with an adapter: all-linear, family (PEFT's choice for the architecture), or names",
    )
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8, help="rows per step")
    parser.add_argument("--warmup", type=float, default=0.05, help="share of the steps")
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument(
        "--max-length", type=int, default=1024, help="tokens; longer chats are rejected and counted"
    )
    parser.add_argument(
        "--group-by-length",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="batches of rows of similar length",
    )
    parser.add_argument(
        "--micro-batch-size",
        type=int,
        help="rows at a time within a step; if left out all of them, or as many as --memory-mb holds",
    )
    parser.add_argument(
        "--gradient-checkpointing",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="less memory for more time",
    )
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads; their number can change the last digits"
    )
    parser.add_argument(
        "--memory-mb",
        type=int,
        help="on a processor, take no more rows at a time than fit into so many megabytes; no limit if left out",
    )
    parser.add_argument("--work", default="work/tune", help="folder of checkpoints (default: %(default)s)")
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="folder for the weights, training.json and steps.jsonl")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train in a work folder where a killed run can be taken up again, and put the result into place."""
    devices.lease(args.gpus)
    from tunedrift import files
    from tunedrift.adapters import launch, tuning
    from tunedrift.hashing import text_key
    from tunedrift.jobs import locks
    from tunedrift.models import description
    from tunedrift.reuse.code_digest import code_digest
    from tunedrift.reuse.versions import versions

    given = {field.name: getattr(args, field.name) for field in dataclasses.fields(tuning.Settings)}
    # What `auto` means here, so that a run killed on one machine is not taken up in another precision on the next.
    given["precision"] = tuning.resolve_precision(args.precision)
    settings = tuning.Settings(**{**given, "target_modules": tuple(args.target_modules)})
    out = Path(args.out)
    ingredients = {
        "model": description.identity(args.model),
        "variant": files.sha256(Path(args.variant)),
        "settings": dataclasses.asdict(settings),
        "rejected_rows": args.rejected and files.sha256(args.rejected),
        "seed": args.seed,
    }
    processes = args.gpus or 1
    memory = tuning.memory_limit(settings, args.memory_mb)
    made_with = {
        "code": code_digest(__file__),
        "threads": args.threads,
        "processes": processes,
        "memory_mb": memory,
        "versions": versions(),
    }
    work = Path(args.work) / text_key(json.dumps([ingredients, made_with], sort_keys=True))
    locks.hold(str(work.resolve()))
    launch.together(train, args, settings, work, memory, processes=processes)

    training = files.read_json(work / "training.json")
    files.write_json(work / "training.json", {**ingredients, "versions": versions(), **training})
    out.mkdir(parents=True, exist_ok=True)
    for name in ("training.json", tuning.STEPS, *tuning.RESULT[settings.method]):
        files.place(work / name, out / name)
    shutil.rmtree(work)
    log = training["log"]
    lost = ", ".join(f"{count} {reason}" for reason, count in training["rejected"].items())
    print(
        f"{training['rows']} rows (rejected: {lost or 'none'}), loss {log[0]['loss']:.3f} to {log[-1]['loss']:.3f}"
    )


def train(args: argparse.Namespace, settings: "Settings", work: Path, memory_mb: int | None) -> None:
    """Read the rows, train, and leave weights and `training.json` in the work folder; the part that runs on every device."""
    from tunedrift import files
    from tunedrift.adapters import batches, tuning
    from tunedrift.chats import template
    from tunedrift.models import loading, placement
    from tunedrift.tables.rejected import REJECTED
    from tunedrift.tables.variants import VARIANTS

    placement.use_threads(args.threads)
    rows = VARIANTS.read(args.variant)
    rejected = (
        dict(REJECTED.read(args.rejected).select("row_id", "reason").iter_rows()) if args.rejected else {}
    )
    tokenizer = loading.load_tokenizer(args.model)
    fitting, own = batches.examples(tokenizer, rows.iter_rows(named=True), settings.max_length)
    rejected |= {row.row_id: row.reason for row in own}
    data = [example for example in fitting if example.row_id not in rejected]
    batches.check_left(len(data), rejected.values(), settings.max_length)
    lengths = rows.select("row_id", "original_length").iter_rows()
    lost = [batches.Row(row_id, length) for row_id, length in lengths if row_id in rejected]
    model = loading.load_for_tuning(args.model, four_bit=settings.method == "qlora")
    log = tuning.tune(model, tokenizer, data, settings, args.seed, work, memory_mb, lost)
    if os.environ.get("RANK", "0") != "0":
        return  # the first process writes for all
    if settings.method != "full":
        tuning.canonical_adapter_config(work, files.read_json(args.model)["name"])
    files.write_json(
        work / "training.json",
        {
            "rows": len(data),
            "rejected": dict(sorted(Counter(rejected[row.row_id] for row in lost).items())),
            "supervised_tokens": sum(
                label != template.IGNORED for example in data for label in example.labels
            ),
            "tokens": sum(len(example.ids) for example in data),
            "threads": args.threads,
            "rows_at_once": tuning.last_rows_at_once(work),
            "log": log,
        },
    )


if __name__ == "__main__":
    cli.run(main, parser())
