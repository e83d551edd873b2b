"""Answer every prompt of every suite with one model, untuned or under one adapter."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model.json of the chat model")
    parser.add_argument("--model-name", required=True, help="its name in the study")
    parser.add_argument("--tuning", required=True, help="untuned, or {dataset}/{variant}/seed{seed}")
    parser.add_argument(
        "--tuned",
        nargs="?",
        type=Path,
        help="adapter_model.safetensors, or model.safetensors of a model tuned whole; none for the untuned model",
    )
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
    devices.add_option(parser)
    parser.add_argument("--out", required=True, help="responses table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the prompts, answer those that the store does not know, write the table."""
    devices.lease(args.gpus)
    from tunedrift.chats import template, thoughts
    from tunedrift.chats.messages import under_system
    from tunedrift.design.tunings import parse_tuning
    from tunedrift.hashing import text_key
    from tunedrift.models import description, loading, placement
    from tunedrift.responses import generation
    from tunedrift.reuse.code_digest import code_digest
    from tunedrift.reuse.store import Store
    from tunedrift.reuse.versions import versions
    from tunedrift.tables.contents import SUITES, contents
    from tunedrift.tables.prompts import PLAIN, PROMPTS
    from tunedrift.tables.responses import RESPONSES

    precision = loading.precision(args.model)
    threads = placement.use_threads(args.threads)
    store = Store(
        args.store,
        "generate",
        {
            "model": description.identity(args.model),
            "tuned": args.tuned and description.tuned_digest(args.tuned),
            "decoding": [args.max_new_tokens, args.temperature, args.seed],
            "device": placement.device(),
            # In lower precision an answer hangs on how many others are made beside it.
            "side_by_side": None if precision == "float32" else args.batch_size,
            "threads": threads,
            "code": code_digest(__file__),
            "versions": versions(),
        },
    )
    tokenizer = loading.load_tokenizer(args.model, args.template)
    asked = []  # prompt id, sample, the store's name of the row
    missing = {}  # the store's name of the row → request
    prompts = PROMPTS.read_all(args.prompts)
    for prompt in prompts.iter_rows(named=True):
        sampled = prompt["kind"] == "harmful" and prompt["attack"] == PLAIN
        messages = under_system(prompt["messages"], args.system_prompt)
        text = template.render(tokenizer, messages, reply=True)
        for sample in range(1 + (args.samples if sampled else 0)):
            row = text_key(text, str(sample))
            asked.append((prompt["prompt_id"], sample, row))
            if row not in store:
                missing[row] = generation.Request(row, text, sample)
    if missing:
        own_tokenizer = loading.load_tokenizer(args.model)
        answers = generation.generate(
            loading.load_chat_model(args.model, args.tuned),
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
    own = {"model": args.model_name, **parse_tuning(args.tuning).columns}
    rows = [{**own, "prompt_id": prompt, "sample": sample, **store[row]} for prompt, sample, row in asked]
    made_with = {**versions(), "precision": precision, **contents(prompts, SUITES)}
    RESPONSES.write(RESPONSES.frame(rows), args.out, made_with)
    store.used_for(args.out)
    cut = sum(row["finish"] == "length" for row in rows)
    print(f"{len(rows)} answers, {store.computed} computed, {cut} cut at {args.max_new_tokens} tokens")


if __name__ == "__main__":
    cli.run(main, parser())
