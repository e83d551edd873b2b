"""How often prediction-powered intervals cover the truth: `python tests/benchmarks/simulate_prediction_powered.py`.

Of a rate, and of the difference of a tuned and an untuned model that answer the same prompts, on which the judge errs
differently. Prompts are clusters of answers under several attacks: what they hold, and where the judge errs, is alike
within a prompt. The answers to label are drawn among each tuning's, or as whole prompts. Nominal: 95 %.
"""

import argparse
import itertools
import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from tunedrift.statistics.prediction_powered import Answers, prediction_powered

LATENT = NormalDist()


def events(random, rates, prompts, attacks, alike, spread=0.0):
    """Which answers hold (prompts, attacks, tunings), each tuning with its rate; `spread` over seeds of all but the first.

    A latent normal with correlation `alike` between all answers to a prompt, cut so that the rates come out.
    """
    shape = (prompts, attacks, len(rates))
    latent = np.sqrt(alike) * random.standard_normal((prompts, 1, 1))
    latent = latent + np.sqrt(1 - alike) * random.standard_normal(shape)
    spreads = np.array([0.0] + [spread] * (len(rates) - 1))
    cuts = np.array([LATENT.inv_cdf(rate) for rate in rates]) * np.sqrt(1 + spreads**2)
    return latent < cuts + spreads * random.standard_normal(len(rates))


def drawn(random, shape, number, whole_prompts):
    """Which answers people label: `number` of each tuning's, or all of as many prompts as hold that many."""
    prompts, attacks, tunings = shape
    if whole_prompts:
        chosen = np.zeros(prompts, bool)
        chosen[random.choice(prompts, max(2, number // attacks), replace=False)] = True
        return np.broadcast_to(chosen[:, None, None], shape)
    ranks = random.random((prompts * attacks, tunings)).argsort(axis=0).argsort(axis=0)
    return (ranks < number).reshape(shape)


def study(random, rates, errors, prompts, attacks, number, alike, whole_prompts, spread):
    """One study's answers; `rates` and `errors` (sensitivity, specificity) are by tuning."""
    truth = events(random, rates, prompts, attacks, alike, spread)
    found, cleared = (events(random, rates, prompts, attacks, alike) for rates in zip(*errors, strict=True))
    said = np.where(truth, found, ~cleared)
    labelled = drawn(random, truth.shape, number, whole_prompts)
    sums = (said, np.ones_like(said), np.ones_like(said), labelled, truth & labelled, said & labelled)
    return Answers(*(values.sum(axis=1).astype(float) for values in sums))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--labelled", type=int, nargs="*", default=[60, 120])
    parser.add_argument("--rates", type=float, nargs="*", default=[0.5, 0.85, 0.95])
    parser.add_argument("--alike", type=float, nargs="*", default=[0.0, 0.4])
    parser.add_argument("--attacks", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--prompts", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--spread", type=float, default=0.0, help="of the seeds' rates, as the latent normal's"
    )
    parser.add_argument("--whole-prompts", action="store_true", help="label all answers to the prompts drawn")
    args = parser.parse_args()
    random = np.random.default_rng(0)
    worst = {"rate": [1.0, 0.0], "difference": [1.0, 0.0]}
    judges = {"good": (0.95, 0.97), "fair": (0.85, 0.9), "poor": (0.6, 0.75)}
    for number, rate, alike, attacks, judge in itertools.product(
        args.labelled, args.rates, args.alike, args.attacks, judges
    ):
        tuned = list(range(1, args.seeds + 1))
        rates = [rate] + [max(rate - 0.15, 0.02)] * args.seeds
        se, sp = judges[judge]
        errors = [(se, sp)] + [(se - 0.1, sp - 0.03)] * args.seeds
        compared = {
            "rate": (tuned, [], rates[1]) if args.seeds > 1 else ([0], [], rate),
            "difference": (tuned, [0] * args.seeds, rates[1] - rate),
        }
        found = {what: [] for what in compared}
        for _ in range(args.runs):
            answers = study(
                random, rates, errors, args.prompts, attacks, number, alike, args.whole_prompts, args.spread
            )
            for what, (ones, others, truth) in compared.items():
                one = prediction_powered(answers, ones, others, 0.95)
                alone = prediction_powered(answers, ones, others, 0.95, power=0)
                found[what].append((one.low <= truth <= one.high, one.high - one.low, alone.high - alone.low))
        said = []
        for what, values in found.items():
            covers, width, by_labels = np.mean(values, axis=0)
            worst[what] = [min(worst[what][0], covers), max(worst[what][1], covers)]
            said.append(f"{what} {covers:.3f} width {width:.3f} (labels alone {by_labels:.3f})")
        setting = f"labelled {number:3} rate {rate} alike {alike} attacks {attacks} judge {judge:4}"
        print(f"{setting}  {'  '.join(said)}", flush=True)
    for what, (least, most) in worst.items():
        print(f"{what}: coverage from {least:.3f} to {most:.3f}")


if __name__ == "__main__":
    main()
