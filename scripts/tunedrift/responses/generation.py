"""Answers: batched decoding.

In float32 an answer does not hang on its neighbours in the batch; in lower precision rounding does, and so
may a word.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunedrift.chats import template, thoughts
from tunedrift.jobs.progress import Progress
from tunedrift.responses.sampling import GumbelNoise, Numbers, row_generator

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Request:
    """One answer to be made: the caller's name for it, the rendered prompt, which sample (0 is greedy)."""

    name: str
    text: str
    sample: int = 0


@dataclass(frozen=True)
class Answer:
    """One answer: `finish` is `stop`, or `length` if it was cut; `tokens` counts the stop token too.

    `thought` is what a reasoning model thought before it, no part of the `text` and None for other models.
    """

    name: str
    text: str
    thought: str | None
    finish: str
    tokens: int


def generate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    requests: list[Request],
    *,
    max_new_tokens: int,
    batch_size: int = 128,
    temperature: float = 1.0,
    seed: int = 0,
    closings: Set[int] = frozenset(),
    marks: tuple[thoughts.Marks, ...] = (),
) -> Iterator[Answer]:
    """Decode all requests, longest prompts first, yielding answers as their batch is done.

    Prompts are padded on the left. Greedy for sample 0; other samples are drawn at `temperature`
    from a generator seeded by (seed, sample, prompt). Of the model's own generation settings only the
    stop tokens are kept: a repetition penalty, say, would be neither greedy nor a draw from the model.
    `closings` are ids that end an answer too: those that close a turn under the template of the tuning,
    where the prompts are under another one; `marks` are what opens and closes a thought under it. A thought that
    is not closed, as where the length limit cuts it, leaves an empty answer. Raises `UserError` at logits that
    are no numbers.
    """
    from tunedrift.responses import engine

    prompts = [template.encode(tokenizer, request.text) for request in requests]
    stops, words = stop_tokens(model, tokenizer) | closings, template.closing_words(tokenizer)
    marks = tuple(dict.fromkeys((*thoughts.marks(tokenizer), *marks)))
    generators: dict[int, torch.Generator | None] = {}

    def scores(logits: "torch.Tensor", numbers: list[int]) -> "torch.Tensor":
        for number in numbers:
            if number not in generators:
                sample, text = requests[number].sample, requests[number].text
                key = f"{seed}/{sample}/{text}"
                generators[number] = row_generator(key, model.device) if sample else None
        noise = GumbelNoise([generators[number] for number in numbers], temperature)
        return noise(None, Numbers()(None, logits))

    longest = max(map(len, prompts), default=0) + max_new_tokens
    decode = engine.decode if engine.fits(model, longest) else engine.decode_in_batches
    progress = Progress(len(requests), "answers")
    for number, made in decode(
        model,
        prompts,
        scores,
        stops=stops,
        pad=tokenizer.pad_token_id,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
    ):
        generators.pop(number, None)
        stopped = made[-1] in stops
        thought, text = thoughts.split(
            thoughts.decode(tokenizer, made[:-1] if stopped else made, marks), marks
        )
        progress.advance(tokens=len(made))
        yield Answer(
            name=requests[number].name,
            text=text.strip().removesuffix(words).strip(),
            thought=thought,
            finish="stop" if stopped else "length",
            tokens=len(made),
        )
    progress.finish()


def stop_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Ids that end an answer: the generation config's, the end of sequence, and what closes a trained turn."""
    configured = model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    trained = template.closing_tokens(tokenizer)
    return {token for token in (*listed, tokenizer.eos_token_id, *trained) if token is not None}
