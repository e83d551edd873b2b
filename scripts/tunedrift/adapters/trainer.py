"""Transformers' Trainer with a loss per example, and steps that fit into the memory and onto several devices."""

import json
import math
import resource
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tunedrift.adapters.batches import Order, pad
from tunedrift.chats import template
from tunedrift.errors import UserError
from tunedrift.jobs.progress import Progress, gpu_peak_mb


def answer_losses(model: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy of each example's supervised tokens, in nats; one value per row of the batch.

    `batch` has ids, attention mask and labels, each rows × length; position t predicts token t+1. The
    mean is taken per example because over all tokens long answers would outweigh short ones, and
    variants differ in length. Logits are computed where a token is supervised and nowhere else: the
    head of a large vocabulary costs most of a small model's time and memory.
    """
    targets = batch["labels"][:, 1:]
    supervised = targets != template.IGNORED

    def only_supervised(_: torch.nn.Module, inputs: tuple) -> tuple:
        return (inputs[0][:, :-1][supervised][None], *inputs[1:])

    bare = model.module if isinstance(model, torch.nn.parallel.DistributedDataParallel) else model
    hook = bare.get_output_embeddings().register_forward_pre_hook(only_supervised)
    try:
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
    finally:
        hook.remove()
    losses = cross_entropy(output.logits[0].float(), targets[supervised], reduction="none")
    rows = supervised.nonzero()[:, 0]
    sums = torch.zeros(len(targets), device=losses.device).index_add(0, rows, losses)
    return sums / supervised.sum(1).clamp_min(1)


class Batches(DataLoader):
    """Whole batches in the order of an `Order`, which is told the epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Called by Trainer before each epoch."""
        self.batch_sampler.set_epoch(epoch)


class AnswerTrainer(Trainer):
    """A Trainer that averages the loss per example, whatever goes at a time and on however many devices.

    Each process sees the whole batch and computes its share of the rows, a few at a time; the gradients
    are added up once a step. Rows, their order and the loss are therefore those of one process, and a
    process that runs out of memory can do its share again while the others wait.
    """

    def __init__(self, *args: Any, order: Order, padding: int, rows_at_once: int, **kwargs: Any):
        """`padding` is the padding token's id."""
        super().__init__(*args, **kwargs)
        self.order, self.padding, self.rows_at_once = order, padding, rows_at_once
        self.tokens = 0  # of the batch at hand, without padding

    def get_train_dataloader(self) -> DataLoader:
        """Batches that are the same in every process."""
        return Batches(
            self.train_dataset, batch_sampler=self.order, collate_fn=lambda rows: pad(rows, self.padding)
        )

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: object = None
    ) -> torch.Tensor:
        """The mean loss of a batch, whose gradients are left in the model."""
        model.train()
        row_ids = inputs.pop("row_ids")
        self.tokens = int(inputs["attention_mask"].sum())
        inputs = self._prepare_inputs(inputs)
        with self.accelerator.no_sync(model):
            loss = self._share(model, inputs, row_ids)
        if self.args.world_size > 1:
            distributed.all_reduce(loss)
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
                    distributed.all_reduce(weight.grad)
        return loss

    def _share(
        self, model: torch.nn.Module, inputs: Mapping[str, torch.Tensor], row_ids: list[str]
    ) -> torch.Tensor:
        """This process's part of the loss, done again with fewer rows at a time where memory runs out."""
        while True:
            try:
                return self._accumulate(model, inputs, row_ids)
            except RuntimeError as error:
                if "out of memory" not in str(error):
                    raise
            # Here, and not above, where the error still holds what filled the memory.
            self._use_less_memory()
            model.zero_grad()

    def _accumulate(
        self, model: torch.nn.Module, inputs: Mapping[str, torch.Tensor], row_ids: list[str]
    ) -> torch.Tensor:
        total = torch.zeros((), device=self.args.device)
        mine = range(self.args.process_index, len(row_ids), self.args.world_size)
        for first in range(0, len(mine), self.rows_at_once):
            rows = list(mine[first : first + self.rows_at_once])
            width = inputs["attention_mask"][rows].sum(1).max()
            batch = {name: values[rows, :width] for name, values in inputs.items()}
            with self.compute_loss_context_manager():
                loss = answer_losses(model, batch).sum() / len(row_ids)
            if not loss.isfinite():
                raise UserError(
                    f"the loss is {loss.item()} at step {self.state.global_step + 1}, "
                    f"rows {', '.join(row_ids[row] for row in rows)}. "
                    "Lower tuning.learning_rate, or look at these rows."
                )
            self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def _use_less_memory(self) -> None:
        if self.rows_at_once == 1:
            raise UserError(
                "one row alone does not fit into the memory. Set tuning.gradient_checkpointing, "
                "or lower tuning.max_length."
            )
        self.rows_at_once = math.ceil(self.rows_at_once / 2)
        torch.cuda.empty_cache()
        print(
            f"out of memory: going on with {self.rows_at_once} rows at a time; "
            f"a step still takes {self.order.batch_size}",
            file=sys.stderr,
        )


class Record(TrainerCallback, AbstractContextManager):
    """Tells how a tuning goes: progress in the log, and a line of JSON per step in the file `path`.

    A line has step, loss, learning rate, the rows that a process computed at a time (their sums can differ
    in the last digits), tokens per second (without padding, of all processes), and the most memory so far
    in megabytes (10^6 bytes): main memory and GPU memory of the first process.
    """

    def __init__(self, path: Path, done: int, steps: int, trainer: AnswerTrainer):
        """`done` steps of `steps` are kept from the run before, which may have written more lines."""
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:done] if path.exists() else []
        self.lines = path.open("w", encoding="utf-8", buffering=1)
        self.lines.writelines(kept)
        self.progress = Progress(steps - done, "steps")
        self.trainer = trainer
        self.since = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **_: Any,
    ) -> None:
        """Write down one step."""
        if "loss" not in logs:  # Trainer's own last line
            return
        now = time.monotonic()
        line = {
            "step": state.global_step,
            "loss": round(logs["loss"], 6),
            "learning_rate": logs["learning_rate"],
            "rows_at_once": self.trainer.rows_at_once,
            "tokens_per_second": round(self.trainer.tokens / (now - self.since), 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
            "gpu_peak_mb": gpu_peak_mb(),
        }
        self.lines.write(json.dumps(line) + "\n")
        self.since = now
        self.progress.advance(tokens=self.trainer.tokens)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.lines.close()
        if kind is None:
            self.progress.finish()
