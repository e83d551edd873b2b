"""How often intervals of a rate and of a drift cover the truth: `python tests/benchmarks/simulate_coverage.py`.

With several seeds the truth is the expected drift over seeds for the population of prompts; with one seed it is the
adapter's own expected drift. Nominal: 95 %. One line per cell: coverage, standard error, mean width, and how often the
interval lies below the truth; marks for below .93, and above .98 where seeds differ.
"""

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

from simulated_studies import answers, expected, population, probabilities, seed_rates  # noqa: E402

from tunedrift.statistics.crossed import crossed_mean, paired_difference, rate_interval  # noqa: E402


def cell(random, studies, prompts, seeds, base, drift, seed_sd, alike) -> dict[str, tuple[np.ndarray, ...]]:
    """Statistic → (low, high, truth) of each study."""
    own = probabilities(random, (studies, prompts), base, alike)
    rates = seed_rates(random, studies, seeds, base + drift, seed_sd)
    tuned = answers(random, own, rates, base, alike)
    untuned = random.random((studies, prompts, 1)) < own[..., None]
    truth = rates[:, 0] if seeds == 1 else np.full(studies, expected(base + drift, seed_sd))
    difference = paired_difference(tuned, untuned)
    return {
        "drift": (*difference.interval(0.05), truth - population(base, alike).mean()),
        "rate": (*rate_interval(crossed_mean(tuned), 0.05), truth),
    }


def coverage(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """(share that covers, mean width, share below the truth)."""
    inside = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    return float(inside.mean()), float((high - low).mean()), float((high < truth - 1e-12).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[5, 8])
    parser.add_argument("--prompts", type=int, nargs="*", default=[24, 50, 100, 200])
    parser.add_argument("--bases", type=float, nargs="*", default=[0.5, 0.7, 0.9, 0.97])
    args = parser.parse_args()
    random = np.random.default_rng(0)
    print("seeds prompts base drift seed_sd alike: statistic coverage se width below")
    found = {}
    grid = product(args.seeds, args.prompts, args.bases, (0.0, -0.15), (0.0, 0.02, 0.06), (None, 3.0))
    for seeds, prompts, base, drift, seed_sd, alike in grid:
        studies = cell(random, args.studies, prompts, seeds, base, drift, seed_sd, alike)
        for statistic, intervals in studies.items():
            covered, width, below = coverage(*intervals)
            error = np.sqrt(covered * (1 - covered) / args.studies)
            mark = "LOW" if covered < 0.93 else "HIGH" if covered > 0.98 and seed_sd and seeds > 1 else ""
            found.setdefault((statistic, seeds), []).append((covered, mark))
            place = f"{seeds} {prompts} {base} {drift} {seed_sd} {alike}"
            print(
                f"{place}: {statistic} {covered:.3f} {error:.3f} {width:.3f} {below:.3f} {mark}", flush=True
            )
    for (statistic, seeds), cells in found.items():
        shares = [covered for covered, _ in cells]
        low, high = (sum(mark == kind for _, mark in cells) for kind in ("LOW", "HIGH"))
        span = f"{min(shares):.3f} to {max(shares):.3f}"
        print(f"{statistic}, {seeds} seeds: {len(cells)} cells, {span}, {low} low, {high} high")


if __name__ == "__main__":
    main()
