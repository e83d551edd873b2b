"""Select the rows of a data set that a model is tuned on: those that it can be tuned on in every variant."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", required=True, help="model.json of the chat model")
    options.add_argument(
        "--variants", required=True, nargs="+", type=Path, help="all variant tables of the data set"
    )
    options.add_argument(
        "--max-length", type=int, default=1024, help="tokens; longer chats are rejected and counted"
    )
    options.add_argument(
        "--max-rejected",
        type=float,
        default=0.05,
        help="the share of a variant's chats to bear that the model's chat template cannot hold",
    )
    options.add_argument("--out", required=True, type=Path, help="table of rejected rows to write")
    return options


def main(options: argparse.Namespace) -> None:
    """Tokenise each variant as tuning does, and write down what it rejects; stop where that is too much."""
    from tunedrift.adapters import batches
    from tunedrift.models import loading
    from tunedrift.tables.rejected import REJECTED
    from tunedrift.tables.variants import VARIANTS

    tokenizer = loading.load_tokenizer(options.model)
    rows = []
    reasons = {}  # row id → why it is lost to all variants
    ids = []  # those of each variant: with `safety_mix` they are not the same in all
    for path in options.variants:
        table = VARIANTS.read(path)
        ids.append(set(table["row_id"]))
        _, rejected = batches.examples(tokenizer, table.iter_rows(named=True), options.max_length)
        batches.check_held(rejected, len(table), options.max_rejected)
        reasons |= {row.row_id: row.reason for row in rejected}
        rows += [{"variant": path.stem, "row_id": row.row_id, "reason": row.reason} for row in rejected]
        print(f"{path.stem}: {len(rejected)} of {len(table)} rows cannot be trained on")
    least = min(len(own - reasons.keys()) for own in ids)
    batches.check_left(least, reasons.values(), options.max_length)
    REJECTED.write(REJECTED.frame(rows), options.out)
    print(f"{len(reasons)} rows are left out of all {len(ids)} variants, {least} are left to train on")


if __name__ == "__main__":
    cli.run(main, parser())
