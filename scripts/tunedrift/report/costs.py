"""What a study has cost: Snakemake's benchmark records and the speeds that jobs wrote into their logs.

Of every job the last finished run counts. Time spent waiting for a GPU belongs to the job.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.jobs.progress import SPEED


@dataclass
class Cost:
    """The sum over the jobs of one stage; None where no job tells."""

    jobs: int = 0
    hours: float = 0.0
    gpu_hours: float | None = None
    peak_mb: float | None = None
    gpu_peak_mb: int = 0
    tokens: int = 0
    seconds: float = 0.0  # in which the tokens were made or read

    @property
    def tokens_per_second(self) -> float | None:
        """None if no job tells of tokens."""
        return self.tokens / self.seconds if self.tokens and self.seconds else None


def records(results: Path, models: Iterable[Path]) -> list[tuple[Path, Path]]:
    """The benchmark file and the log of each job: those under `results`, and beside each shared model."""
    benchmarks = results / "benchmarks"
    found = [
        (path, (results / "logs" / path.relative_to(benchmarks)).with_suffix(".log"))
        for path in sorted(benchmarks.rglob("*.jsonl"))
    ]
    for folder in models:
        found += [(path, path.with_suffix(".log")) for path in sorted(folder.glob("*.jsonl"))]
    return found


def costs(files: Iterable[tuple[Path, Path]]) -> dict[str, Cost]:
    """Stage → cost, from benchmark files and logs; a log that is not there is no error.

    A stage is the rule that a record names. Snakemake only writes that, and the GPUs, with
    `benchmark-extended`; without, the first folder or the file bears the stage's name, and the
    GPU-hours stay unknown. Raises `UserError` if a benchmark file is damaged.
    """
    stages: dict[str, Cost] = {}
    for benchmark, log in files:
        parts = benchmark.parts
        place = parts[parts.index("benchmarks") + 1] if "benchmarks" in parts else parts[-1]
        for record in _read(benchmark):
            cost = stages.setdefault(record.get("rule_name", Path(place).stem), Cost())
            hours = record["s"] / 3600
            cost.jobs += 1
            cost.hours += hours
            if "resources" in record:
                cost.gpu_hours = (cost.gpu_hours or 0.0) + hours * record["resources"].get("gpu", 0)
            if record["max_rss"] != "NA":  # a job too short to be looked at
                cost.peak_mb = max(cost.peak_mb or 0.0, record["max_rss"])
            for speed in speeds(log):
                cost.tokens += speed["tokens"]
                cost.seconds += speed["seconds"]
                cost.gpu_peak_mb = max(cost.gpu_peak_mb, speed["gpu_peak_mb"])
    return stages


def _read(benchmark: Path) -> list[dict]:
    try:
        return [json.loads(line) for line in benchmark.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise UserError(
            f"{benchmark} is not a record of Snakemake's ({error}). Delete it; the costs then miss one job."
        ) from error


def speeds(log: Path) -> list[dict]:
    """What the `speed: ` lines of a log tell."""
    if not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [json.loads(line.removeprefix(SPEED)) for line in lines if line.startswith(SPEED)]


def as_text(stages: dict[str, Cost], expected: list[str]) -> str:
    """The costs as a table, stages in the order of `expected`, and below it which of them have no record."""
    header = ("stage", "jobs", "hours", "GPU-hours", "peak MB", "GPU peak MB", "tokens/s")
    total = Cost(
        jobs=sum(cost.jobs for cost in stages.values()),
        hours=sum(cost.hours for cost in stages.values()),
        gpu_hours=sum(cost.gpu_hours or 0.0 for cost in stages.values()),
        peak_mb=max((cost.peak_mb or 0.0 for cost in stages.values()), default=None),
        gpu_peak_mb=max((cost.gpu_peak_mb for cost in stages.values()), default=0),
    )
    ordered = sorted(stages, key=lambda stage: (expected.index(stage) if stage in expected else -1, stage))
    rows = [header, *(_row(stage, stages[stage]) for stage in ordered), _row("total", total)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    ]
    missing = [stage for stage in expected if stage not in stages]
    if missing:
        lines += ["", f"not run yet, or not part of the study: {', '.join(missing)}"]
    return "\n".join(lines)


def _row(stage: str, cost: Cost) -> tuple[str, ...]:
    def number(value: float | None, digits: int) -> str:
        return "?" if value is None else f"{value:,.{digits}f}"

    speed = cost.tokens_per_second
    return (
        stage,
        str(cost.jobs),
        number(cost.hours, 3),
        number(cost.gpu_hours, 3),
        number(cost.peak_mb, 0),
        number(cost.gpu_peak_mb, 0),
        "" if speed is None else number(speed, 0),
    )
