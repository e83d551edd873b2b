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
    import torch
    from transformers import GenerationConfig, LogitsProcessorList

    prompts = [template.encode(tokenizer, request.text) for request in requests]
    stops, words = stop_tokens(model, tokenizer) | closings, template.closing_words(tokenizer)
    marks = tuple(dict.fromkeys((*thoughts.marks(tokenizer), *marks)))
    model.generation_config = GenerationConfig(
        pad_token_id=tokenizer.pad_token_id, eos_token_id=sorted(stops)
    )
    order = sorted(
        range(len(requests)), key=lambda i: (-len(prompts[i]), requests[i].text, requests[i].sample)
    )
    progress = Progress(len(order), "answers")
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        width = len(prompts[batch[0]])
        ids = torch.full((len(batch), width), tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        generators: list[torch.Generator | None] = []
        for row, i in enumerate(batch):
            ids[row, width - len(prompts[i]) :] = torch.tensor(prompts[i])
            mask[row, width - len(prompts[i]) :] = 1
            sample, text = requests[i].sample, requests[i].text
            generators.append(row_generator(f"{seed}/{sample}/{text}", model.device) if sample else None)
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=max_new_tokens,
                logits_processor=LogitsProcessorList([Numbers(), GumbelNoise(generators, temperature)]),
            )
        for i, row in zip(batch, output[:, width:].tolist(), strict=True):
            end = next((at for at, token in enumerate(row) if token in stops), None)
            tokens = row if end is None else row[: end + 1]
            thought, text = thoughts.split(thoughts.decode(tokenizer, row[:end], marks), marks)
            progress.advance(tokens=len(tokens))
            yield Answer(
                name=requests[i].name,
                text=text.strip().removesuffix(words).strip(),
                thought=thought,
                finish="length" if end is None else "stop",
                tokens=len(tokens),
            )
    progress.finish()


def stop_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Ids that end an answer: the generation config's, the end of sequence, and what closes a trained turn."""
    configured = model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    trained = template.closing_tokens(tokenizer)
    return {token for token in (*listed, tokenizer.eos_token_id, *trained) if token is not None}
