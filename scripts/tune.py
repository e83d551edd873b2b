"""Tune one model on one variant with one seed: a LoRA adapter."""

import argparse
import dataclasses
import shutil
import tempfile
from pathlib import Path

from tunedrift import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model.json of the chat model")
    parser.add_argument("--variant", required=True, help="variant table to train on")
    parser.add_argument(
        "--seed", type=int, required=True, help="of the adapter's start and the order of rows"
    )
    parser.add_argument("--rank", type=int, default=8, help="LoRA rank")
    parser.add_argument("--alpha", type=int, default=16, help="LoRA alpha")
    parser.add_argument("--dropout", type=float, default=0.0, help="LoRA dropout")
    parser.add_argument(
        "--target-modules", default="all-linear", help="LoRA target modules, as PEFT names them"
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
        "--threads", type=int, default=1, help="CPU threads; their number can change the last digits"
    )
    parser.add_argument("--out", required=True, help="folder for the adapter and training.json")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read, train in a scratch folder beside `--out`, move the finished files into place."""
    import torch

    from tunedrift import files, models, tuning
    from tunedrift.tables.variants import VARIANTS

    torch.set_num_threads(args.threads)
    settings = tuning.Settings(
        **{field.name: getattr(args, field.name) for field in dataclasses.fields(tuning.Settings)}
    )
    rows = VARIANTS.read(args.variant)
    tokenizer = models.load_tokenizer(args.model)
    data, rejected = tuning.examples(tokenizer, rows["messages"].to_list(), settings.max_length)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        log = tuning.tune(
            models.load_chat_model(args.model), tokenizer, data, settings, args.seed, Path(scratch)
        )
        tuning.settle(Path(scratch), files.read_json(args.model)["name"])
        files.write_json(
            Path(scratch) / "training.json",
            {
                "model": files.sha256(Path(args.model)),
                "variant": files.sha256(Path(args.variant)),
                "seed": args.seed,
                "rows": len(data),
                "rejected": rejected,
                "supervised_tokens": sum(label != -100 for example in data for label in example["labels"]),
                "tokens": sum(len(example["input_ids"]) for example in data),
                "log": log,
            },
        )
        for name in ("adapter_config.json", "training.json", "adapter_model.safetensors"):
            shutil.move(Path(scratch) / name, out / name)
    print(f"{len(data)} rows ({rejected} rejected), loss {log[0]['loss']:.3f} to {log[-1]['loss']:.3f}")


if __name__ == "__main__":
    cli.run(main, parser())
