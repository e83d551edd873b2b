"""Score one subject with one reward model: variants of a dataset, responses, or preference pairs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift import cli, devices
from tunedrift.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tunedrift.chat import Message


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rm", required=True, help="the reward model's name in the study")
    parser.add_argument("--model", required=True, help="its model.json")
    parser.add_argument(
        "--subject", required=True, help="variants/{dataset}, responses/{model} or preferences/{set}"
    )
    parser.add_argument(
        "--texts", nargs="+", required=True, help="the subject's tables; variants are named by file"
    )
    parser.add_argument("--prompts", nargs="*", default=[], help="the prompt tables that responses answer")
    parser.add_argument(
        "--sign", type=int, choices=(1, -1), default=1, help="-1 for a cost model: lower is better"
    )
    parser.add_argument(
        "--max-length", type=int, default=2048, help="tokens; a longer chat loses its beginning"
    )
    parser.add_argument("--batch-size", type=int, default=64, help="texts scored side by side")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument(
        "--store", help="folder of scores to reuse and to add to; nothing is reused without it"
    )
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="rewards table to write")
    return parser


def texts(args: argparse.Namespace) -> "Iterator[tuple[dict, str, list[Message]]]":
    """All texts to score: the row's key, the column its score goes to, and the chat."""
    import polars as pl

    from tunedrift.tables.preferences import PREFERENCES
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.responses import RESPONSES
    from tunedrift.tables.variants import VARIANTS

    def answered(prompt: list, answer: str) -> list:
        return [*prompt, {"role": "assistant", "content": answer}]

    kind = args.subject.split("/")[0]
    if kind == "variants":
        tables = {path: VARIANTS.read(path) for path in map(Path, args.texts)}
        # Where one variant has a safety row, the variants have no prompt in common.
        mixed_in = pl.col("changed_by").list.contains("safety_mix")
        replaced = {row for table in tables.values() for row in table.filter(mixed_in)["row_id"]}
        for path, table in tables.items():
            for row in table.filter(~pl.col("row_id").is_in(replaced)).iter_rows(named=True):
                key = {"group": path.stem, "item_id": row["row_id"], "sample": 0}
                yield key, "reward", [*row["original_prompt"], row["messages"][-1]]
                if row["messages"][:-1] != row["original_prompt"]:
                    yield key, "reward_as_trained", row["messages"]
    elif kind == "responses":
        prompts = pl.concat([PROMPTS.read(path) for path in args.prompts])
        # Without the attack: an answer is scored as an answer to what was really asked.
        asked = dict(prompts.select("prompt_id", "plain_prompt").iter_rows())
        for path in args.texts:
            for row in RESPONSES.read(path).filter(pl.col("sample") == 0).iter_rows(named=True):
                key = {"group": row["tuning"], "item_id": row["prompt_id"], "sample": 0}
                prompt = [{"role": "user", "content": asked[row["prompt_id"]]}]
                yield key, "reward", answered(prompt, row["answer"])
    elif kind == "preferences":
        for path in args.texts:
            for row in PREFERENCES.read(path).iter_rows(named=True):
                for side in ("safer", "less_safe"):
                    key = {"group": side, "item_id": row["pair_id"], "sample": 0}
                    yield key, "reward", answered(row["messages"], row[side])
    else:
        raise UserError(
            f"--subject {args.subject}: a subject begins with variants/, responses/ or preferences/."
        )


def main(args: argparse.Namespace) -> None:
    """Collect the texts, score those that the store does not know, write one row per key."""
    devices.lease(args.gpus)
    import torch

    from tunedrift import chat, models, scoring
    from tunedrift.digest import code_digest
    from tunedrift.provenance import versions
    from tunedrift.store import Store, digest
    from tunedrift.tables.rewards import REWARDS

    torch.set_num_threads(args.threads)
    store = Store(
        args.store,
        "score",
        {
            "model": models.identity(args.model),
            "max_length": args.max_length,
            "device": models.device(),
            "code": code_digest(__file__),
            "versions": versions(),
        },
    )
    tokenizer = models.load_tokenizer(args.model)
    scored = [(key, column, chat.render(tokenizer, messages)) for key, column, messages in texts(args)]
    missing = sorted({text for *_, text in scored if digest(text) not in store})
    if missing:
        model = models.load_reward_model(args.model)
        scores = scoring.score(
            model, tokenizer, missing, batch_size=args.batch_size, max_length=args.max_length
        )
        for text, value in scores:
            store[digest(text)] = value
    rows: dict[tuple, dict] = {}
    for key, column, text in scored:
        row = rows.setdefault(tuple(key.values()), {"rm": args.rm, "subject": args.subject, **key})
        row[column] = args.sign * store[digest(text)]
    REWARDS.write(REWARDS.frame(list(rows.values())), args.out, versions())
    store.used_for(args.out)
    print(f"{len(scored)} scores, {store.computed} computed")


if __name__ == "__main__":
    cli.run(main, parser())
