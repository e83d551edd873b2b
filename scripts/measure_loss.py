"""Measure the loss of one model, untuned or as one tuning left it, on the rows that data sets hold out."""

import argparse

from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_tuned_model(parser)
    parser.add_argument("--held-out", nargs="+", required=True, help="instruction tables of rows held out")
    parser.add_argument("--datasets", nargs="+", required=True, help="the data set of each of them, by name")
    parser.add_argument("--max-length", type=int, default=1024, help="tokens; longer chats are left out")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="losses table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the rows, compute their losses, write the table."""
    devices.lease(args.gpus)
    from tunedrift.adapters import batches, held_out
    from tunedrift.design.tunings import parse_tuning
    from tunedrift.errors import UserError
    from tunedrift.hashing import digest
    from tunedrift.models import loading, placement
    from tunedrift.reuse.versions import versions
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.losses import LOSSES

    placement.use_threads(args.threads)
    own = {"model": args.model_name, **parse_tuning(args.tuning).columns}
    tokenizer = loading.load_tokenizer(args.model)
    model = loading.load_chat_model(args.model, args.tuned)
    rows = []
    for name, path in zip(args.datasets, args.held_out, strict=True):
        table = INSTRUCTIONS.read(path)
        if table.is_empty():
            raise UserError(
                f"{path} holds no rows: give the rows that a data set with `held_out` keeps apart."
            )
        chats = {row["row_id"]: row for row in table.iter_rows(named=True)}
        fitting, rejected = batches.examples(
            tokenizer, ({**row, "original_length": 0} for row in chats.values()), args.max_length
        )
        batches.check_left(len(fitting), [row.reason for row in rejected], args.max_length)
        for row_id, loss, tokens in held_out.losses(model, fitting, tokenizer.pad_token_id):
            prompt = digest(chats[row_id]["messages"][:-1])
            rows.append(
                {**own, "held_out": name, "row_id": row_id, "prompt": prompt, "loss": loss, "tokens": tokens}
            )
        print(f"{name}: {len(fitting)} rows, {len(rejected)} left out")
    LOSSES.write(LOSSES.frame(rows), args.out, {**versions(), "precision": loading.precision(args.model)})


if __name__ == "__main__":
    cli.run(main, parser())
