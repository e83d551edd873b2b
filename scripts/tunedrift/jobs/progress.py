"""What a long job says while it works: plain lines with the time left, and at the end how fast it was.

The last line is for programs: `speed: ` and a JSON mapping; scripts/costs.py reads it from the logs.
"""

import json
import sys
import time

SPEED = "speed: "


class Progress:
    """Counts what is done of `total` and says so on stderr, at first every few seconds, later more rarely."""

    def __init__(self, total: int, unit: str, every: float = 5.0):
        self.total = total
        self.unit = unit
        self.every = every
        self.done = 0
        self.tokens = 0
        self._begun = self._said = time.monotonic()

    def advance(self, count: int = 1, tokens: int = 0) -> None:
        """Count `count` more as done, made of so many tokens."""
        self.done += count
        self.tokens += tokens
        now = time.monotonic()
        spent = now - self._begun
        # A failed job's whole log comes to the terminal, so ten hours must not make thousands of lines.
        if now - self._said >= max(self.every, spent / 20):
            self._said = now
            rate = self.done / spent
            left = duration((self.total - self.done) / rate)
            say(f"{self.done}/{self.total} {self.unit} in {duration(spent)}, {rate:.3g}/s, {left} left")

    def finish(self) -> None:
        """Say how fast it was: `tokens`, `seconds`, and `gpu_peak_mb`, the memory torch took on its GPUs."""
        speed = {
            "done": self.done,
            "unit": self.unit,
            "tokens": self.tokens,
            "seconds": round(time.monotonic() - self._begun, 3),
            "gpu_peak_mb": gpu_peak_mb(),
        }
        say(SPEED + json.dumps(speed))


def say(line: str) -> None:
    """One whole line on stderr, at once."""
    print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds as `42s`, `3m05s` or `2h07m`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def gpu_peak_mb() -> int:
    """Megabytes (10^6 bytes) that torch has reserved at most on the GPUs it used."""
    torch = sys.modules.get("torch")  # whoever has not loaded it has used none
    if torch is None or not torch.cuda.is_initialized():
        return 0
    peaks = (torch.cuda.max_memory_reserved(device) for device in range(torch.cuda.device_count()))
    return round(sum(peaks) / 1e6)
