"""How often the intervals of a judge's statistics cover the truth: `python tests/benchmarks/simulate_judge_error.py`.

Prompts are clusters of answers; within a prompt answers are alike by a beta-binomial correlation. Nominal: 95 %.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.statistics.cluster_rates import cluster_rate
from tunedrift.statistics.corrected_rates import corrected_difference, corrected_rate
from tunedrift.statistics.judge_error import errors, errs_differently, kappa_estimate


def answers(random, rate, clusters, size, correlation):
    """Truth values (clusters x size, flat) with this rate and correlation within clusters."""
    if correlation:
        spread = 1 / correlation - 1
        rates = random.beta(rate * spread, (1 - rate) * spread, clusters)
    else:
        rates = np.full(clusters, rate)
    return (random.random((clusters, size)) < rates[:, None]).ravel()


def judged(random, truth, sensitivity, specificity, size, correlation):
    """What a judge says, its mistakes being alike within a prompt."""
    clusters = len(truth) // size
    right_on = [answers(random, rate, clusters, size, correlation) for rate in (sensitivity, specificity)]
    return np.where(truth, right_on[0], ~right_on[1])


def ids(clusters, size):
    return np.repeat(np.arange(clusters), size)


def run(runs, interval, truth):
    """(share that covers, mean width, share without an interval)."""
    found = [interval() for _ in range(runs)]
    given = [(low, high) for low, high in filter(None, found) if not np.isnan(low)]
    low, high = np.array(given).T if given else (np.array([np.nan]),) * 2
    covers = np.mean((low - 1e-12 <= truth) & (truth <= high + 1e-12))
    return covers, np.mean(high - low), 1 - len(given) / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--correlations", type=float, nargs="*", default=[0.0, 0.4])
    args = parser.parse_args()
    random = np.random.default_rng(0)

    def show(what, setting, interval, truth, runs=args.runs):
        covers, width, without = run(runs, interval, truth)
        print(f"{what:22} {setting:46} cover {covers:.3f}  width {width:.3f}  none {without:.3f}", flush=True)

    for rho in args.correlations:
        for rate, clusters, size in ((0.5, 40, 4), (0.9, 40, 4), (0.97, 40, 4), (0.97, 150, 4), (0.9, 15, 4)):

            def share(rate=rate, clusters=clusters, size=size, rho=rho):
                hits = answers(random, rate, clusters, size, rho).reshape(clusters, size).sum(axis=1)
                return cluster_rate(hits, np.full(clusters, size), 0.95)[1:]

            show("rate (sens., spec.)", f"rate {rate} prompts {clusters}x{size} rho {rho}", share, rate)
        for se, sp, pi, clusters in ((0.9, 0.95, 0.4, 60), (0.98, 0.99, 0.4, 60), (0.8, 0.9, 0.1, 60)):
            agree = pi * se + (1 - pi) * sp
            says = pi * se + (1 - pi) * (1 - sp)
            chance = pi * says + (1 - pi) * (1 - says)

            def agreement(se=se, sp=sp, pi=pi, clusters=clusters, rho=rho):
                truth = answers(random, pi, clusters, 4, rho)
                said = judged(random, truth, se, sp, 4, rho)
                return kappa_estimate(truth, said, ids(clusters, 4), Bootstrap(draws=300))[1:]

            setting = f"se {se} sp {sp} pi {pi} prompts {clusters}x4 rho {rho}"
            show("kappa", setting, agreement, (agree - chance) / (1 - chance), args.runs // 2)
        for se, sp, pi in ((0.9, 0.95, 0.4), (0.9, 0.95, 0.05), (0.7, 0.8, 0.4), (0.98, 0.99, 0.95)):

            def labelled(se=se, sp=sp, rho=rho):
                truth = answers(random, 0.5, 75, 4, rho)
                said = judged(random, truth, se, sp, 4, rho)
                return errors(truth, said, ~said, ids(75, 4), 0.95)

            def rogan_gladen(se=se, sp=sp, pi=pi, rho=rho):
                said = judged(random, answers(random, pi, 50, 4, rho), se, sp, 4, rho)
                found = corrected_rate(said.reshape(50, 4).sum(axis=1), np.full(50, 4), labelled(se, sp, rho))
                return found and (found.low, found.high)

            def difference(se=se, sp=sp, pi=pi, rho=rho):
                judge = labelled(se, sp, rho)
                shares = []
                for rate in (pi, pi / 2):
                    said = judged(random, answers(random, rate, 100, 1, 0), se, sp, 1, 0)
                    shares.append(said.astype(float))
                change = shares[1] - shares[0]
                reach = 1.984 * change.std(ddof=1) / 10
                found = corrected_difference(
                    (change.mean(), change.mean() - reach, change.mean() + reach), judge
                )
                return found and (found.low, found.high)

            def groups(se=se, rho=rho):
                right = [answers(random, rate, 40, 4, rho) for rate in (se, se - 0.1)]
                group = np.repeat([True, False], 160)
                found = errs_differently(np.concatenate(right), group, np.tile(ids(40, 4), 2), 0.95)
                return found.low, found.high

            setting = f"se {se} sp {sp} pi {pi} rho {rho}"
            show("corrected rate", setting, rogan_gladen, pi)
            show("corrected difference", setting, difference, -pi / 2)
            show("errs differently", f"{se} against {se - 0.1:.2f} rho {rho}", groups, 0.1)


if __name__ == "__main__":
    main()
