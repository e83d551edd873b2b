"""LoRA fine-tuning on the assistant's tokens, the loss averaged per example."""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunedrift import chat, files
from tunedrift.errors import UserError
from tunedrift.progress import Progress

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHECKPOINTS = 10
"""How often a tuning is saved on its way: what a kill costs, against what saving costs."""

Example = dict[str, list[int]]
"""`input_ids` and `labels` of one chat, of one length."""


@dataclass(frozen=True)
class Settings:
    """What one tuning depends on beside model, data and seed."""

    rank: int
    alpha: int
    dropout: float
    target_modules: str
    learning_rate: float
    epochs: int
    batch_size: int
    warmup: float
    weight_decay: float
    max_length: int


def examples(
    tokenizer: "PreTrainedTokenizerBase", chats: list[list[chat.Message]], max_length: int
) -> tuple[list[Example], int]:
    """Tokenised chats, and how many were rejected because their answer would not fit or is empty.

    A chat longer than `max_length` tokens is rejected rather than cut: a cut answer has no end.
    Raises `UserError` if nothing is left to train on.
    """
    kept = []
    for messages in chats:
        ids, labels = chat.supervised(tokenizer, messages)
        if len(ids) <= max_length and any(label != chat.IGNORED for label in labels):
            kept.append({"input_ids": ids, "labels": labels})
    if not kept:
        raise UserError(
            f"none of the {len(chats)} chats fits into {max_length} tokens with an answer. Raise tuning.max_length."
        )
    return kept, len(chats) - len(kept)


def pad(batch: list[Example], padding: int) -> dict[str, "torch.Tensor"]:
    """Examples as one right-padded batch: ids, attention mask and labels, each rows × longest."""
    import torch

    width = max(len(example["input_ids"]) for example in batch)

    def column(name: str, fill: int) -> "torch.Tensor":
        return torch.tensor([example[name] + [fill] * (width - len(example[name])) for example in batch])

    lengths = torch.tensor([len(example["input_ids"]) for example in batch])
    return {
        "input_ids": column("input_ids", padding),
        "attention_mask": (torch.arange(width) < lengths[:, None]).long(),
        "labels": column("labels", chat.IGNORED),
    }


def example_loss(logits: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
    """Mean over examples of the mean cross-entropy of each example's supervised tokens.

    `logits` is rows × length × vocabulary, `labels` rows × length; position t predicts token t+1.
    The usual mean over all tokens would let long answers outweigh short ones, and variants differ
    in length.
    """
    from torch.nn.functional import cross_entropy

    targets = labels[:, 1:]
    losses = cross_entropy(
        logits[:, :-1].float().transpose(1, 2), targets, ignore_index=chat.IGNORED, reduction="none"
    )
    counts = (targets != chat.IGNORED).sum(1)
    return (losses.sum(1) / counts.clamp_min(1)).mean()


def tune(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    data: list[Example],
    settings: Settings,
    seed: int,
    out: Path,
) -> list[dict[str, Any]]:
    """Train a LoRA adapter and write it to the folder `out`; returns the loss log.

    Checkpoints go to `out` too, and training goes on from the last whole one found there; the
    adapter is then the one that an undisturbed run gives (to the byte on a CPU). The order of rows depends on their order in `data` and on `seed` alone, so variants of the same
    rows see them in the same order. The log has a mapping per step: `step`, `loss` (nats per
    token, averaged per example) and `learning_rate`. Raises `UserError` at the first loss that is
    not a finite number.
    """
    from peft import LoraConfig, get_peft_model
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

    set_seed(seed)  # LoRA's A matrices are random
    adapted = get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=settings.target_modules,
        ),
    )

    class PerExample(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **_):
            labels = inputs.pop("labels")
            outputs = model(**inputs, use_cache=False)
            loss = example_loss(outputs.logits, labels)
            return (loss, outputs) if return_outputs else loss

    class StopAtNaN(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **_):
            if logs and not math.isfinite(logs.get("loss", 0.0)):
                raise UserError(
                    f"the loss is {logs['loss']} at step {state.global_step}. Lower tuning.learning_rate."
                )

    class Tell(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            progress.advance(tokens=tokens // steps)

    steps = math.ceil(len(data) / settings.batch_size) * settings.epochs
    tokens = settings.epochs * sum(len(example["input_ids"]) for example in data)
    arguments = TrainingArguments(
        output_dir=str(out),
        seed=seed,
        data_seed=seed,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(settings.warmup * steps),
        weight_decay=settings.weight_decay,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=math.ceil(steps / CHECKPOINTS),
        save_total_limit=2,  # the last may be half written when the process is killed
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = 1  # Trainer would take a batch for each GPU in sight, and so fewer steps
    trainer = PerExample(
        model=adapted,
        args=arguments,
        train_dataset=data,
        data_collator=lambda batch: pad(batch, tokenizer.pad_token_id),
        callbacks=[StopAtNaN(), Tell()],
    )
    trainer.remove_callback(PrinterCallback)  # the losses are in training.json
    checkpoint = last_checkpoint(out)
    done = int(checkpoint.name.split("-")[1]) if checkpoint else 0
    progress = Progress(steps - done, "steps")
    if checkpoint:
        print(f"going on from {checkpoint.name.replace('-', ' ')} of {steps} steps", file=sys.stderr)
    trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
    progress.finish()
    out.mkdir(parents=True, exist_ok=True)
    adapted.save_pretrained(str(out))
    return [
        {"step": step, "loss": round(entry["loss"], 6), "learning_rate": entry["learning_rate"]}
        for step, entry in enumerate(
            (entry for entry in trainer.state.log_history if "loss" in entry), start=1
        )
    ]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`. Trainer writes its state file last, so that one tells."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.split("-")[1])):
        try:
            files.read_json(checkpoint / "trainer_state.json")
        except UserError:
            continue
        return checkpoint
    return None


def settle(adapter: Path, model_name: str) -> None:
    """Rewrite `adapter_config.json` so that equal adapters have equal bytes, wherever they are made.

    PEFT writes `target_modules` in random order and the base model's path; keys and lists are
    sorted, and the base is called by its name in the study. The model card is removed.
    """
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text())
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value)
    config["base_model_name_or_path"] = model_name
    files.write_json(path, config)
    (adapter / "README.md").unlink(missing_ok=True)
