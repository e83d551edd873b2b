"""Answer every prompt of every suite with one model, untuned or under one adapter."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.jobs import cli, devices

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from transformers import PreTrainedTokenizerBase

    from tunedrift.responses.generation import Request


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_tuned_model(parser)
    parser.add_argument("--prompts", nargs="+", required=True, help="prompt tables")
    parser.add_argument(
        "--template", help="file with the chat template to ask under; the model's if left out"
    )
    parser.add_argument(
        "--system-prompt", help="asked before every prompt; a system prompt that a prompt has follows it"
    )
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=128, help="answers made side by side")
    parser.add_argument(
        "--samples",
        type=int,
        default=0,
        help="sampled answers per plain harmful prompt, beside the greedy one",
    )
    parser.add_argument("--temperature", type=float, default=1.0, help="of the sampled answers")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled answers")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument(
        "--store", help="folder of answers to reuse and to add to; nothing is reused without it"
    )
    parser.add_argument(
        "--siblings",
        nargs="*",
        default=[],
        help="tunings of the model that are to answer the same prompts: of those that wait for their answers, the "
        "answers are put into the store while the model is loaded",
    )
    parser.add_argument("--adapters", type=Path, help="folder of the siblings' adapters")
    parser.add_argument("--responses", type=Path, help="folder of the siblings' tables")
    parser.add_argument(
        "--minutes", type=float, help="begin no sibling that would not end by half of this time"
    )
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="responses table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the prompts, answer those that the store does not know, write the table; then see to the siblings."""
    began = time.monotonic()
    devices.lease(args.gpus)
    from tunedrift.chats import template, thoughts
    from tunedrift.design.tunings import parse_tuning
    from tunedrift.models import description, loading, placement
    from tunedrift.responses import generation
    from tunedrift.responses.siblings import waiting
    from tunedrift.reuse.code_digest import code_digest
    from tunedrift.reuse.store import Store
    from tunedrift.reuse.versions import versions
    from tunedrift.tables.contents import SUITES, contents
    from tunedrift.tables.prompts import PROMPTS
    from tunedrift.tables.responses import RESPONSES

    precision = loading.precision(args.model)
    threads = placement.use_threads(args.threads)
    models = loading.ChatModels(args.model)
    tokenizer, own_tokenizer = (
        loading.load_tokenizer(args.model, args.template),
        loading.load_tokenizer(args.model),
    )

    def store_of(tuned: Path | None) -> Store:
        return Store(
            args.store,
            "generate",
            {
                "model": description.identity(args.model),
                "tuned": tuned and description.tuned_digest(tuned),
                "decoding": [args.max_new_tokens, args.temperature, args.seed],
                "device": placement.device(),
                # In lower precision an answer hangs on how many others are made beside it.
                "side_by_side": None if precision == "float32" else args.batch_size,
                "threads": threads,
                "code": code_digest(__file__),
                "versions": versions(),
            },
        )

    def answer(tuned: Path | None, store: Store) -> bool:
        """Answer what the store lacks; False if the tuning was made anew while it was loaded."""
        missing = {request.name: request for _, request in asked if request.name not in store}
        if not missing:
            return True
        model = models.under(tuned)
        if tuned and store.key != store_of(tuned).key:
            return False
        answers = generation.generate(
            model,
            tokenizer,
            list(missing.values()),
            max_new_tokens=args.max_new_tokens,
            batch_size=args.batch_size,
            temperature=args.temperature,
            seed=args.seed,
            closings=template.closing_tokens(own_tokenizer),
            marks=thoughts.marks(own_tokenizer),
        )
        for answer in answers:
            said = {"answer": answer.text, "thought": answer.thought}
            store[answer.name] = {**said, "finish": answer.finish, "tokens": answer.tokens}
        return True

    prompts = PROMPTS.read_all(args.prompts)
    asked = list(questions(tokenizer, prompts, args.system_prompt, args.samples))
    store = store_of(args.tuned)
    store.claim(wait=True)
    if not answer(args.tuned, store):
        raise UserError(f"{args.tuned} was made anew while it was loaded. Run the same command again.")
    own = {"model": args.model_name, **parse_tuning(args.tuning).columns}
    rows = [
        {**own, "prompt_id": prompt, "sample": request.sample, **store[request.name]}
        for prompt, request in asked
    ]
    made_with = {**versions(), "precision": precision, **contents(prompts, SUITES)}
    RESPONSES.write(RESPONSES.frame(rows), args.out, made_with)
    store.used_for(args.out)
    cut = sum(row["finish"] == "length" for row in rows)
    print(f"{len(rows)} answers, {store.computed} computed, {cut} cut at {args.max_new_tokens} tokens")
    store.release()

    if not store.computed:
        return  # the model was not loaded
    folders = args.adapters, args.responses
    for name, adapter in waiting(args.siblings, *folders, args.prompts, minutes=args.minutes, began=began):
        store = store_of(adapter)
        if store.claim(wait=False):
            answer(adapter, store)
            if store.computed:
                print(f"{store.computed} answers of {name} computed beside", flush=True)
            store.release()


def questions(
    tokenizer: "PreTrainedTokenizerBase", prompts: "pl.DataFrame", system_prompt: str | None, samples: int
) -> "Iterator[tuple[str, Request]]":
    """(prompt id, request): one greedy answer to each prompt and, to plain harmful ones, so many sampled ones.

    A request's name is the store's for its row: the same text is answered once.
    """
    from tunedrift.chats import template
    from tunedrift.chats.messages import under_system
    from tunedrift.hashing import text_key
    from tunedrift.responses.generation import Request
    from tunedrift.tables.prompts import PLAIN

    for prompt in prompts.iter_rows(named=True):
        sampled = prompt["kind"] == "harmful" and prompt["attack"] == PLAIN
        text = template.render(tokenizer, under_system(prompt["messages"], system_prompt), reply=True)
        for sample in range(1 + (samples if sampled else 0)):
            yield prompt["prompt_id"], Request(text_key(text, str(sample)), text, sample)


if __name__ == "__main__":
    cli.run(main, parser())
