"""The lm-evaluation-harness on a model of the study: its command line, and what its results say.

Gao et al., github.com/EleutherAI/lm-evaluation-harness, as of 0.4.13. It loads model and adapter by itself, asks its own
prompts and scores its own way; we keep its command, its version and its numbers. Tasks that run code which a model wrote
are refused by it: they need an option that is not given.
"""

import math
from collections.abc import Iterator
from typing import Any

from tunedrift.errors import UserError

KEPT = ("results", "versions", "n-shot", "n-samples", "higher_is_better", "group_subtasks", "task_hashes")
"""What is kept of the harness' own file: all that is the same in a second run of the same command."""


def command(
    python: str,
    *,
    model: dict[str, str],
    tokenizer: str,
    adapter: str | None,
    precision: str,
    device: str,
    tasks: list[str],
    limit: float | None,
    num_fewshot: int | None,
    batch_size: int,
    apply_chat_template: bool,
    seed: int,
    out: str,
) -> list[str]:
    """The words of the harness' command line. `model` holds `pretrained` and maybe a `revision`, `out` is a file of JSON."""
    arguments = {
        **model,
        "tokenizer": tokenizer,
        "dtype": precision,
        **({"peft": adapter} if adapter else {}),
    }
    if odd := [value for value in arguments.values() if set(value) & set("=,")]:
        raise UserError(
            f"lm_eval: the path {odd[0]!r} has a comma or an equals sign, by which the harness cuts its arguments. Rename it."
        )
    words = [python, "-m", "lm_eval", "run", "--model", "hf", "--model_args"]
    words += [f"{name}={value}" for name, value in arguments.items()]
    words += ["--tasks", *tasks, "--device", device, "--batch_size", str(batch_size), "--seed", str(seed)]
    words += ["--limit", f"{limit:g}"] if limit is not None else []
    words += ["--num_fewshot", str(num_fewshot)] if num_fewshot is not None else []
    words += ["--apply_chat_template"] if apply_chat_template else []
    return [*words, "--output_path", out]


def kept(found: dict[str, Any]) -> dict[str, Any]:
    """The part of the harness' results that names no machine and no time. Raises `UserError` where there are none."""
    if not found.get("results"):
        raise UserError(
            "the harness wrote no results: read its log, and take its tasks' names from `lm_eval ls tasks`."
        )
    return {name: found[name] for name in KEPT if name in found}


def rows(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per task (or group of tasks), metric and filter: value, standard error, and what the task is.

    A metric is written as `exact_match,strict-match`, its standard error as `exact_match_stderr,strict-match`; the
    harness writes "N/A" for one that it cannot tell. What is no number is left out.
    """
    for task, metrics in found["results"].items():
        counted = found.get("n-samples", {}).get(task, {})
        for key, value in metrics.items():
            metric, _, filtered = key.partition(",")
            if not filtered or metric.endswith("_stderr") or not _number(value):
                continue
            error = metrics.get(f"{metric}_stderr,{filtered}")
            yield {
                "task": task,
                "metric": metric,
                "filter": filtered,
                "value": float(value),
                "stderr": float(error) if _number(error) else None,
                "higher_is_better": found.get("higher_is_better", {}).get(task, {}).get(metric),
                "questions": counted.get("effective"),
                "shots": found.get("n-shot", {}).get(task),
                "version": None if (of := found.get("versions", {}).get(task)) is None else str(of),
            }


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
