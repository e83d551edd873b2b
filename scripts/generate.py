"""Answer every prompt of every suite with one model, untuned or under one adapter."""

import argparse
from pathlib import Path

from tunedrift import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model.json of the chat model")
    parser.add_argument("--model-name", required=True, help="its name in the study")
    parser.add_argument("--tuning", required=True, help="untuned, or {dataset}/{variant}/seed{seed}")
    parser.add_argument("--adapter", nargs="?", help="adapter_model.safetensors; none for the untuned model")
    parser.add_argument("--prompts", nargs="+", required=True, help="prompt tables")
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
    parser.add_argument("--out", required=True, help="responses table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the prompts, generate, write the answers."""
    import polars as pl
    import torch

    from tunedrift import generation, models
    from tunedrift.tables.prompts import PLAIN, PROMPTS
    from tunedrift.tables.responses import RESPONSES

    torch.set_num_threads(args.threads)
    prompts = pl.concat([PROMPTS.read(path) for path in args.prompts])
    requests = []
    for index, prompt in enumerate(prompts.iter_rows(named=True)):
        sampled = prompt["kind"] == "harmful" and prompt["attack"] == PLAIN
        for sample in range(1 + (args.samples if sampled else 0)):
            requests.append(generation.Request(index, prompt["messages"], sample))
    adapter = args.adapter and Path(args.adapter).parent
    answers = generation.generate(
        models.load_chat_model(args.model, adapter),
        models.load_tokenizer(args.model),
        requests,
        max_new_tokens=args.max_new_tokens,
        batch_size=args.batch_size,
        temperature=args.temperature,
        seed=args.seed,
    )
    ids = prompts["prompt_id"].to_list()
    rows = [
        {
            "model": args.model_name,
            "tuning": args.tuning,
            "prompt_id": ids[answer.index],
            "sample": answer.sample,
            "answer": answer.text,
            "finish": answer.finish,
            "tokens": answer.tokens,
        }
        for answer in answers
    ]
    RESPONSES.write(RESPONSES.frame(rows), args.out)
    cut = sum(row["finish"] == "length" for row in rows)
    print(f"{len(rows)} answers, {cut} cut at {args.max_new_tokens} tokens")


if __name__ == "__main__":
    cli.run(main, parser())
