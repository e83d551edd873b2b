"""Tunings of one model that wait for the same prompts to be answered, while a process has the model loaded."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SHARE = 0.5
"""The share of a job's time after which no sibling is begun: the rest is for the job's end."""


def waiting(
    names: Sequence[str],
    adapters: Path,
    responses: Path,
    prompts: Sequence[str],
    *,
    minutes: float | None = None,
    began: float,
) -> Iterator[tuple[str, Path]]:
    """(tuning, its adapter) of those that wait: the adapter lies in `adapters`, its table in `responses` does not, or
    is older than the adapter or than the prompts.

    Each is looked at when its turn comes. None is given that would not end within `SHARE` of `minutes` after `began`
    (`time.monotonic`), if it takes as long as the longest before; None is no limit.
    """
    asked = max(Path(path).stat().st_mtime_ns for path in prompts)
    last = began
    longest = 0.0
    for name in names:
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if minutes is not None and now - began + longest > 60 * minutes * SHARE:
            return
        adapter, answered = adapters / name / "adapter_model.safetensors", responses / f"{name}.parquet"
        if adapter.exists():
            made = max(asked, adapter.stat().st_mtime_ns)
            if not answered.exists() or answered.stat().st_mtime_ns < made:
                yield name, adapter
