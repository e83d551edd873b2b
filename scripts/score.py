"""Score one subject with one reward model: variants of a dataset, responses, or preference pairs."""

import argparse
import math
from pathlib import Path

from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rm", required=True, help="the reward model's name in the study")
    parser.add_argument("--model", required=True, help="its model.json")
    parser.add_argument(
        "--subject", required=True, help="variants/{dataset}, responses/{model} or preferences/{set}"
    )
    parser.add_argument("--by", default="classifier", help="how a score is read (default: %(default)s)")
    parser.add_argument(
        "--texts",
        nargs="+",
        type=Path,
        required=True,
        help="the subject's tables; variants are named by file",
    )
    parser.add_argument(
        "--prompts", nargs="*", type=Path, default=[], help="the prompt tables that responses answer"
    )
    parser.add_argument(
        "--sign", type=int, choices=(1, -1), default=1, help="-1 for a cost model: lower is better"
    )
    parser.add_argument(
        "--max-length", type=int, default=2048, help="tokens; a longer chat loses its beginning"
    )
    parser.add_argument(
        "--batch-size", type=int, default=64, help="texts scored side by side; one in half precision"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument(
        "--store", help="folder of scores to reuse and to add to; nothing is reused without it"
    )
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="rewards table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Collect the texts, score those that the store does not know, write one row per key.

    Raises `UserError` at the first score that is no finite number, before it is kept.
    """
    devices.lease(args.gpus)
    from tunedrift.chats import template
    from tunedrift.design.subjects import parse_subject
    from tunedrift.errors import UserError
    from tunedrift.hashing import text_key
    from tunedrift.models import description, loading, placement
    from tunedrift.reuse.kinds import Kinds
    from tunedrift.reuse.store import Store
    from tunedrift.reuse.versions import versions
    from tunedrift.rewards.subjects import cut_texts, texts
    from tunedrift.tables.rewards import REWARDS

    subject = parse_subject(args.subject)
    threads = placement.use_threads(args.threads)
    kinds = Kinds(__file__, "rewards", args.by)
    kind = kinds.load(args.by)
    store = Store(
        args.store,
        "score",
        {
            "model": description.identity(args.model),
            "max_length": args.max_length,
            "device": placement.device(),
            "threads": threads,
            "code": kinds.digest,
            "versions": versions(),
        },
    )
    tokenizer = loading.load_tokenizer(args.model)
    scored = [
        (key, column, template.render(tokenizer, messages))
        for key, column, messages in texts(subject, args.texts, args.prompts)
    ]
    missing = sorted({text for *_, text in scored if text_key(text) not in store})
    if missing:
        model = kind.load_reward_model(args.model)
        scores = kind.score(model, tokenizer, missing, batch_size=args.batch_size, max_length=args.max_length)
        for text, value in scores:
            if not math.isfinite(value):
                key = next(key for key, _, other in scored if other == text)
                raise UserError(
                    f"reward model {args.rm!r} gives item {key['item_id']!r} of {subject.path}, group {key['group']!r}, "
                    f"the score {value}. Fetch its weights again, score in float32 (on a processor), or take another model."
                )
            store[text_key(text)] = value
    rows: dict[tuple, dict] = {}
    for key, column, text in scored:
        row = rows.setdefault(tuple(key.values()), {"rm": args.rm, **subject.columns, **key})
        row[column] = args.sign * store[text_key(text)]
    REWARDS.write(
        REWARDS.frame(list(rows.values())),
        args.out,
        {**versions(), "precision": loading.precision(args.model)},
    )
    store.used_for(args.out)
    cut, alike = cut_texts(tokenizer, ((key["item_id"], text) for key, _, text in scored), args.max_length)
    lost = (
        f"; {cut} texts lost their beginning, and in {alike} items texts are alike behind it" if cut else ""
    )
    print(f"{len(scored)} scores, {store.computed} computed{lost}")


if __name__ == "__main__":
    cli.run(main, parser())
