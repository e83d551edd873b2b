"""Tiny reward models: trained from an embedded base on pairs that one bias has labelled."""

import math
import random
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.chats import template
from tunedrift.chats.messages import Message
from tunedrift.embedded.training import schedule, tenths
from tunedrift.jobs.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from tunedrift.embedded.corpus import Pair


def train_reward(
    base: Path,
    pairs: "list[Pair]",
    *,
    seed: int,
    epochs: int = 2,
    learning_rate: float = 5e-4,
    batch_pairs: int = 16,
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase", dict]:
    """A reward model from the model in the folder `base`, and how it was trained.

    A linear head on the last token, and all weights, are trained by the Bradley-Terry loss
    -log sigmoid(chosen - rejected) (Bradley and Terry 1952; Ouyang et al. 2022).
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    # The head is new; that the base has no weights for it is no news.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=1, pad_token_id=tokenizer.pad_token_id
    )

    def encode(messages: list[Message], answer: str) -> list[int]:
        return template.encode(
            tokenizer, template.render(tokenizer, [*messages, {"role": "assistant", "content": answer}])
        )

    rendered = [[encode(pair.messages, answer) for answer in (pair.chosen, pair.rejected)] for pair in pairs]
    rng = random.Random(seed)
    steps = epochs * math.ceil(len(pairs) / batch_pairs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    factor = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps, 0.05, 0.05))
    model.train()
    losses = []
    progress = Progress(epochs * len(pairs), "pairs")
    for _ in range(epochs):
        order = rng.sample(range(len(pairs)), len(pairs))
        for start in range(0, len(order), batch_pairs):
            batch = [rendered[row] for row in order[start : start + batch_pairs]]
            texts = [ids for pair in batch for ids in pair]
            width = max(map(len, texts))
            ids = torch.full((len(texts), width), tokenizer.pad_token_id)
            for place, tokens in enumerate(texts):
                ids[place, : len(tokens)] = torch.tensor(tokens)
            scores = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long()).logits[:, 0]
            margin = scores[0::2] - scores[1::2]
            loss = -torch.nn.functional.logsigmoid(margin).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            factor.step()
            losses.append(loss.item())
            progress.advance(len(batch), tokens=sum(map(len, texts)))
    progress.finish()
    model.eval()
    total = epochs * sum(len(ids) for pair in rendered for ids in pair)
    return model, tokenizer, {"steps": steps, "tokens": total, "losses": tenths(losses)}
