"""Seconds to answer prompts: tunedrift's decoding beside `model.generate`, prompt by prompt and in plain batches.

Not part of the tests: `python tests/benchmarks/bench_generate.py --model models/tiny/model.json --prompts xstest.csv`.
Any CSV file with a column `prompt` will do; where it has a column `label`, its rows `safe` are asked. All three
decode greedily in float32, in this process, one after the other, with so many answers side by side in the two that batch;
the plain batches come in the order of the file. Each is warmed up by one batch. Beside the seconds stand those of the
processor, which hang less on what else runs; OMP_WAIT_POLICY=passive keeps threads that wait from counting.
"""

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import GenerationConfig

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tunedrift.chats import template  # noqa: E402
from tunedrift.models import loading  # noqa: E402
from tunedrift.responses import engine, generation  # noqa: E402


def questions(path: Path, count: int) -> list[str]:
    """The first `count` prompts of a CSV file, of those that are labelled safe if any is labelled."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["prompt"] for row in rows if row.get("label", "safe") == "safe"][:count]


def plainly(model, tokenizer, texts: list[str], batch_size: int, limit: int) -> Iterator[str]:
    """Answers of `model.generate` to texts in their order, `batch_size` at a time, padded on the left."""
    stops = generation.stop_tokens(model, tokenizer)
    settings = GenerationConfig(
        pad_token_id=tokenizer.pad_token_id, eos_token_id=sorted(stops), max_new_tokens=limit
    )
    for first in range(0, len(texts), batch_size):
        batch = texts[first : first + batch_size]
        padded = tokenizer(
            batch, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt"
        )
        with torch.inference_mode():
            made = model.generate(**padded, generation_config=settings)[:, padded["input_ids"].shape[1] :]
        for ids in made.tolist():
            end = next((place for place, token in enumerate(ids) if token in stops), None)
            yield tokenizer.decode(ids[:end], skip_special_tokens=True).strip()


def main() -> None:
    """Warm up, time the three, and say whether they answer alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.json of a chat model")
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--max-new-tokens", type=int, default=96)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--alone",
        type=int,
        help="prompts of the loop one by one, if not all: its time for all is reckoned from them",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer, model = loading.load_tokenizer(options.model), loading.load_chat_model(options.model)
    asked = questions(options.prompts, options.count)
    texts = [
        template.render(tokenizer, [{"role": "user", "content": question}], reply=True) for question in asked
    ]
    size, limit = options.batch_size, options.max_new_tokens
    longest = max(len(template.encode(tokenizer, text)) for text in texts) + limit
    print(f"{len(texts)} prompts, the engine fits the model: {engine.fits(model, longest)}", flush=True)

    answers = []

    def tunedrift(texts: list[str]) -> list[str]:
        requests = [generation.Request(str(number), text) for number, text in enumerate(texts)]
        answers[:] = generation.generate(model, tokenizer, requests, max_new_tokens=limit, batch_size=size)
        said = {answer.name: answer.text for answer in answers}
        return [said[request.name] for request in requests]

    some = texts[:: -(-len(texts) // options.alone)] if options.alone else texts
    contestants = {
        "tunedrift": (tunedrift, texts, size),
        f"generate, batches of {size}": (
            lambda texts: list(plainly(model, tokenizer, texts, size, limit)),
            texts,
            size,
        ),
        "generate, one by one": (lambda texts: list(plainly(model, tokenizer, texts, 1, limit)), some, 1),
    }
    ours = {}
    for name, (answer, given, warm_up) in contestants.items():
        answer(given[:warm_up])
        start, processor = time.perf_counter(), time.process_time()
        said = dict(zip(given, answer(given), strict=True))
        scale = len(texts) / len(given)
        took = [scale * (time.perf_counter() - start), scale * (time.process_time() - processor)]
        if not ours:
            ours, our_time = said, took
            ended = sum(answer.finish == "stop" for answer in answers) / len(answers)
            tokens = sum(answer.tokens for answer in answers) / len(answers)
            print(f"{ended:.0%} of the answers end by themselves, {tokens:.1f} tokens on average", flush=True)
        alike = sum(ours[text] == words for text, words in said.items())
        print(
            f"{name:24} {took[0]:7.1f} s, {took[1]:7.1f} s of the processor; tunedrift is "
            f"{took[0] / our_time[0]:.2f} ({took[1] / our_time[1]:.2f}) times as fast; "
            f"{alike} of {len(said)} answers alike",
            flush=True,
        )


if __name__ == "__main__":
    main()
