"""How often a study without effects names one: `python tests/benchmarks/simulate_null.py`.

One model, three factors, each with a level and its matched control, on plain prompts (SA_g) and under two attacks on
the same prompts (SA_a): six effects, each the mean over datasets, under Holm. Three kinds of nothing: `identical`
adapters, adapters that differ by `seed noise`, and `shuffled` verdicts (of variants with real effects, exchanged among
all variants of a dataset within prompt and seed).
"""

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

from simulated_studies import answers, probabilities, seed_rates  # noqa: E402

from tunedrift.statistics.crossed import paired_difference  # noqa: E402
from tunedrift.statistics.multiplicity import finding, holm  # noqa: E402

FACTORS = 3
EFFECTS = (-0.15, -0.05, 0.02, 0.0, 0.05, -0.1)
"""What the variants really do where their verdicts are shuffled: a level and its control per factor."""


def null_studies(random, kind, studies, prompts, seeds, datasets, base, seed_sd) -> np.ndarray:
    """Values (variants, measures, studies, prompts, seeds), the mean over datasets."""
    own = probabilities(random, (studies, prompts), base, 3.0)
    harder = probabilities(random, (studies, prompts), base, 3.0)
    total = 0.0
    for _ in range(datasets):
        found = []
        for effect in EFFECTS:
            mean = base + (effect if kind == "shuffled" else 0.0)
            rates = seed_rates(random, studies, seeds, mean, seed_sd)
            plain = answers(random, own, rates, base, 3.0)
            attacked = [answers(random, (own + harder) / 2, rates, base, 3.0) for _ in range(2)]
            found.append([plain, np.mean(attacked, axis=0)])
        dataset = np.array(found, float)
        if kind == "shuffled":
            dataset = random.permuted(dataset, axis=0)
        total = total + dataset / datasets
    return total


def named(values: np.ndarray, datasets: int) -> np.ndarray:
    """Whether any of the six effects of a study is named: (studies,)."""
    seeds = values.shape[-1]
    effects = [
        paired_difference(
            values[2 * factor, measure], values[2 * factor + 1, measure], 1 / datasets, cautious=True
        )
        for factor, measure in product(range(FACTORS), range(2))
    ]
    p = np.array([effect.p_value() for effect in effects]).T
    estimates = np.array([effect.estimate for effect in effects]).T
    return np.array(
        [
            any(finding(*pair, seeds) for pair in zip(row, holm(ps), strict=True))
            for row, ps in zip(estimates, p, strict=True)
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--prompts", type=int, nargs="*", default=[50, 150])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 5])
    args = parser.parse_args()
    random = np.random.default_rng(0)
    print("kind seeds datasets prompts base seed_sd: share of studies that name an effect, se")
    kinds = (("identical", 0.0), ("seed noise", 0.02), ("seed noise", 0.06), ("shuffled", 0.02))
    grid = product(kinds, args.seeds, (1, 2, 4), args.prompts, (0.7, 0.93))
    for (kind, seed_sd), seeds, datasets, prompts, base in grid:
        found, left = [], args.studies
        while left > 0:
            some = min(left, 250)
            values = null_studies(random, kind, some, prompts, seeds, datasets, base, seed_sd)
            found.append(named(values, datasets))
            left -= some
        share = np.concatenate(found).mean()
        error = np.sqrt(share * (1 - share) / args.studies)
        mark = "HIGH" if share > 0.05 else ""
        print(
            f"{kind} {seeds} {datasets} {prompts} {base} {seed_sd}: {share:.3f} {error:.3f} {mark}",
            flush=True,
        )


if __name__ == "__main__":
    main()
