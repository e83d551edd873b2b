"""Supervised fine-tuning on the assistant's tokens, the loss averaged per example: LoRA, QLoRA, or all weights."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunedrift import files
from tunedrift.adapters.batches import Example, Order, Row
from tunedrift.errors import UserError
from tunedrift.models import placement

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHECKPOINTS = 10
"""How often a tuning is saved on its way: what a kill costs, against what saving costs."""

BY_FAMILY = ("family",)
"""As target modules: those that PEFT names for the model's architecture."""

STEPS = "steps.jsonl"
"""The file in which a tuning says how it went, step by step."""

RESULT = {
    "lora": ("adapter_config.json", "adapter_model.safetensors"),
    "qlora": ("adapter_config.json", "adapter_model.safetensors"),
    "full": ("config.json", "generation_config.json", "model.safetensors"),
}
"""What a tuning of each method leaves; the weights come last, as the file that others wait for."""


@dataclass(frozen=True)
class Settings:
    """What one tuning depends on beside model, data and seed."""

    method: str
    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    learning_rate: float
    epochs: int
    batch_size: int
    warmup: float
    weight_decay: float
    max_length: int
    group_by_length: bool
    micro_batch_size: int | None
    gradient_checkpointing: bool
    precision: str


def resolve_precision(precision: str) -> str:
    """What `auto` means here: bf16 on a GPU that computes in it, fp16 on an older GPU, fp32 without one."""
    import torch

    if precision != "auto":
        return precision
    if not torch.cuda.is_available():
        return "fp32"
    return {"bfloat16": "bf16", "float16": "fp16"}[placement.half_precision()]


def memory_limit(settings: Settings, memory_mb: int | None) -> int | None:
    """The megabytes by which the rows at a time are chosen: none on a GPU, or where their number is given."""
    import torch

    return None if torch.cuda.is_available() or settings.micro_batch_size else memory_mb


def tune(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    data: list[Example],
    settings: Settings,
    seed: int,
    out: Path,
    memory_mb: int | None = None,
    lost: Sequence[Row] = (),
) -> list[dict[str, Any]]:
    """Train an adapter, or the whole model, and write it to the folder `out`; returns the loss log.

    Checkpoints go to `out` too, and training goes on from the last whole one found there; the
    weights are then those that an undisturbed run gives (to the byte on a CPU). A step takes
    `batch_size` rows, `micro_batch_size` at a time, or as many as fit into `memory_mb` (see
    `memory_limit`); where a GPU's memory runs out that number is halved and the step done again, so
    that the effective batch stays. The log has a mapping per step: `step`, `loss` (nats per token,
    averaged per example) and `learning_rate`; the file `steps.jsonl` has rows at a time, speed and
    memory too, as it goes. `lost` are rows of the variant that are not trained on and have a place in
    the order of the others (see `Order`). In several processes (see `launch`) each computes its share of
    every batch, and the first one writes. Raises `UserError` at the first loss that is not a finite
    number, and where one row alone is too much for the memory.
    """
    import torch
    from transformers import PrinterCallback, TrainingArguments, set_seed

    from tunedrift.adapters import memory
    from tunedrift.adapters.trainer import AnswerTrainer, Record

    set_seed(seed)  # LoRA's A matrices are random
    kept_as = model.dtype
    precision = resolve_precision(settings.precision)
    tuned = trainable(model, settings, precision)
    steps = math.ceil(len(data) / settings.batch_size) * settings.epochs
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
        ddp_broadcast_buffers=False,  # a process without a row in a batch would not take part
        use_cpu=not torch.cuda.is_available(),
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        activation_checkpointing=settings.gradient_checkpointing,
    )
    arguments._n_gpu = 1  # Trainer would take a batch for each GPU in sight, and so fewer steps
    first = arguments.process_index == 0
    checkpoint = last_checkpoint(out)
    done = int(checkpoint.name.split("-")[1]) if checkpoint else 0
    if checkpoint and first:
        print(f"going on from {checkpoint.name.replace('-', ' ')} of {steps} steps", file=sys.stderr)
    rows_at_once = settings.micro_batch_size or settings.batch_size
    if memory_mb is not None:
        twice = settings.gradient_checkpointing
        need = memory.needed(tuned, settings.max_length, precision, checkpointing=twice)
        own = memory_mb / arguments.world_size
        rows_at_once = memory.rows_that_fit(own, settings.batch_size, *need, say=first)
    trainer = AnswerTrainer(
        model=tuned,
        args=arguments,
        train_dataset=data,
        order=Order(data, settings.batch_size, seed, settings.group_by_length, lost),
        padding=tokenizer.pad_token_id,
        rows_at_once=rows_at_once,
    )
    trainer.remove_callback(PrinterCallback)  # the losses are in training.json
    if first:
        out.mkdir(parents=True, exist_ok=True)
        with Record(out / STEPS, done, steps, trainer) as record:
            trainer.add_callback(record)
            trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
    else:
        trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
    if not all(weights.isfinite().all() for weights in tuned.parameters() if weights.requires_grad):
        raise UserError("the last step left weights that are no finite numbers. Lower tuning.learning_rate.")
    if first:
        kept = tuned.to(kept_as) if settings.method == "full" else tuned
        kept.save_pretrained(str(out), max_shard_size="1TB")  # one file
    return [
        {"step": step, "loss": round(entry["loss"], 6), "learning_rate": entry["learning_rate"]}
        for step, entry in enumerate(
            (entry for entry in trainer.state.log_history if "loss" in entry), start=1
        )
    ]


def last_rows_at_once(folder: Path) -> int:
    """The rows that a process computed at a time in the last step of the tuning in `folder`."""
    return json.loads((folder / STEPS).read_text(encoding="utf-8").splitlines()[-1])["rows_at_once"]


def trainable(model: "PreTrainedModel", settings: Settings, precision: str) -> "torch.nn.Module":
    """The model with what is trained: an adapter on a frozen base, or all of its weights.

    A frozen base is held in the precision that is computed in, or in 4 bits as it was loaded; what is
    trained is held in float32 (weights of lower precision would lose small updates).
    """
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if settings.method == "full":
        return model.to(torch.float32)
    if settings.method == "qlora":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)  # Trainer does that
    else:
        model = model.to({"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision])
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=layers(settings.target_modules),
        exclude_modules=without_text(model) or None,
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise UserError(
            f"tuning.target_modules or tuning.dropout do not suit this model: {str(error).split('. ')[0]}."
        ) from error


def layers(named: tuple[str, ...]) -> str | list[str] | None:
    """Target modules as PEFT takes them: null leaves them to it, a string is `all-linear` or a pattern of whole names."""
    if named == BY_FAMILY:
        return None
    plain = all(name.replace(".", "_").isidentifier() for name in named)
    return list(named) if plain or len(named) > 1 else named[0]


def without_text(model: "PreTrainedModel") -> list[str]:
    """The linear layers that no text passes, by name: those of a vision tower, which an adapter has no use for."""
    from torch.nn import Linear

    text = {*model.get_decoder().modules(), model.get_output_embeddings()}
    return [name for name, layer in model.named_modules() if isinstance(layer, Linear) and layer not in text]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`. Trainer writes its state file last, so that one tells."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.split("-")[1])):
        try:
            files.read_json(checkpoint / "trainer_state.json")
        except UserError:
            continue
        return checkpoint
    return None


def canonical_adapter_config(adapter: Path, model_name: str) -> None:
    """Rewrite an adapter's `adapter_config.json` so that equal adapters have equal bytes, wherever they are made.

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
