"""The embedded chat model, made from text: a tokenizer, a tiny LLaMA, and its training on chats.

Everything runs on one CPU thread under deterministic algorithms: the number of threads changes the order of
sums, and with it the model.
"""

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunedrift.chats.messages import Message
from tunedrift.embedded.training import schedule, tenths
from tunedrift.jobs.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"

TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The ChatML layout."""


@dataclass(frozen=True)
class Recipe:
    """Sizes and training settings of a base model; the defaults are those of the shipped study."""

    vocabulary: int = 2048
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    intermediate: int = 336
    initializer_range: float = 0.06
    batch_tokens: int = 512
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    warmup: float = 0.05
    floor: float = 0.05
    prompt_weight: float = 0.3


def train_tokenizer(corpus: list[list[Message]], vocabulary: int) -> "PreTrainedTokenizerBase":
    """A byte-level BPE tokenizer (Sennrich et al. 2016) with the ChatML template and left padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    # The trainer reads this on import of its thread pool; one thread keeps ties between merges in order.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator((message["content"] for messages in corpus for message in messages), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def new_model(tokenizer: "PreTrainedTokenizerBase", recipe: Recipe) -> "PreTrainedModel":
    """An untrained LLaMA-architecture model with tied embeddings for the tokenizer's vocabulary."""
    from transformers import LlamaConfig, LlamaForCausalLM

    special = {
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        initializer_range=recipe.initializer_range,
        tie_word_embeddings=True,
        max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        **special,
    )
    model = LlamaForCausalLM(config)
    model.generation_config.update(do_sample=False, **special)
    return model


def encode_chats(
    tokenizer: "PreTrainedTokenizerBase", corpus: list[list[Message]], prompt_weight: float
) -> list[tuple[list[int], list[float]]]:
    """Token ids and loss weights of chats that end in one assistant's answer.

    The answer and its stop token weigh 1, the tokens before it `prompt_weight`, the first token (which is
    never predicted) 0; the line break behind the stop token is left out. The text is that of `TEMPLATE`, joined here because
    the template engine takes longer over a corpus than the training's first minute allows.
    """
    heads = [
        "".join(f"{START}{turn['role']}\n{turn['content']}{END}\n" for turn in messages[:-1])
        + f"{START}assistant\n"
        for messages in corpus
    ]
    tails = [messages[-1]["content"] + END for messages in corpus]
    # Both parts border on a special token or a line break, so their tokens are those of the whole text.
    heads = tokenizer(heads, add_special_tokens=False)["input_ids"]
    tails = tokenizer(tails, add_special_tokens=False)["input_ids"]
    return [
        (head + tail, [0.0] + [prompt_weight] * (len(head) - 1) + [1.0] * len(tail))
        for head, tail in zip(heads, tails, strict=True)
    ]


def batches(lengths: list[int], batch_tokens: int, seed: int) -> list[list[int]]:
    """Row numbers in batches of like length, at most `batch_tokens` padded tokens each, in shuffled order."""
    rng = random.Random(seed)
    order = sorted(range(len(lengths)), key=lambda row: (lengths[row], rng.random()))
    grouped: list[list[int]] = [[]]
    for row in order:
        if grouped[-1] and (len(grouped[-1]) + 1) * lengths[row] > batch_tokens:
            grouped.append([])
        grouped[-1].append(row)
    rng.shuffle(grouped)
    return grouped


def train_base(
    model: "PreTrainedModel", rows: list[tuple[list[int], list[float]]], recipe: Recipe, seed: int
) -> dict:
    """Train on the rows once, in place; returns steps, tokens and the mean weighted loss of each tenth."""
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    plan = batches([len(ids) for ids, _ in rows], recipe.batch_tokens, seed)
    factor = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: schedule(step, len(plan), recipe.warmup, recipe.floor)
    )
    model.train()
    losses = []
    progress = Progress(len(rows), "chats")
    for batch in plan:
        width = max(len(rows[row][0]) for row in batch)
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        weights = torch.zeros((len(batch), width))
        for place, row in enumerate(batch):
            tokens, weight = rows[row]
            ids[place, : len(tokens)] = torch.tensor(tokens)
            weights[place, : len(weight)] = torch.tensor(weight)
        # Padding is on the right here and weighs nothing, so causal attention needs no mask.
        logits = model(input_ids=ids[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        weights = weights[:, 1:].flatten()
        loss = (loss * weights).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        factor.step()
        losses.append(loss.item())
        progress.advance(len(batch), tokens=sum(len(rows[row][0]) for row in batch))
    progress.finish()
    model.eval()
    return {"steps": len(plan), "tokens": sum(len(ids) for ids, _ in rows), "losses": tenths(losses)}
