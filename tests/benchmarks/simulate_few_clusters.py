"""How often a reward model that scores noise differs from chance, by the number of prompts: at most .05 at each size.

python tests/benchmarks/simulate_few_clusters.py [studies]: about a minute for 1,000 studies a cell. A prompt has one
pair, or safe and unsafe answers of some tunings in any mixture; `claims` is the share of studies whose interval of the
accuracy leaves one half out, `width` its mean width, `none` the share of studies without an interval.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from tunedrift.statistics.bootstrap import Bootstrap, ClusterBootstrap

PROMPTS = (2, 4, 5, 6, 7, 8, 10, 12, 15, 19, 20, 25, 30, 40)
TUNINGS = (2, 3, 9)
DRAWS = 1000


def noise_study(rng: np.random.Generator, prompts: int, tunings: int) -> ClusterBootstrap:
    """A study whose reward model scores noise: per prompt the pairs of a safe and an unsafe answer, and those it gets right."""
    safe = rng.integers(1, tunings, prompts)
    right = []
    for number in safe:
        scores = rng.random(tunings)
        right.append(int((scores[:number, None] > scores[None, number:]).sum()))
    columns = {"right": np.array(right, float), "pairs": (safe * (tunings - safe)).astype(float)}
    options = Bootstrap(DRAWS, 0.95, int(rng.integers(2**31)))
    return ClusterBootstrap([str(number) for number in range(prompts)], columns, options)


def cell(prompts: int, tunings: int, studies: int) -> tuple[float, float, float]:
    """(claims, width, none) over `studies` studies; the width is NaN where none has an interval."""
    rng = np.random.default_rng([prompts, tunings])
    found = np.array([noise_study(rng, prompts, tunings).share("right", "pairs")[1:] for _ in range(studies)])
    claims = (found[:, 0] > 0.5) | (found[:, 1] < 0.5)
    widths = (found[:, 1] - found[:, 0])[~np.isnan(found[:, 0])]
    return float(claims.mean()), float(widths.mean()) if len(widths) else np.nan, 1 - len(widths) / studies


def main(studies: int) -> None:
    """Print the table."""
    print("tunings prompts claims width none")
    for tunings in TUNINGS:
        for prompts in PROMPTS:
            claims, width, none = cell(prompts, tunings, studies)
            print(f"{tunings:7} {prompts:7} {claims:6.3f} {width:5.2f} {none:4.2f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
