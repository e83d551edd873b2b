"""How often a checkpoint's decision errs, and tells at the number of prompts that it named.

`python tests/benchmarks/simulate_decision.py`. Four measures of one checkpoint. Wanted: no drift FAILs in at most 5 %;
a loss of exactly the margin in any one measure PASSes in at most 5 %; at the prompts that a first study named, which
were asked anew, no drift PASSes in at least 80 %, and a loss of twice the margin in any one measure FAILs in at least
80 %. The first study is of the same checkpoint.
"""

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

from simulated_studies import answers, probabilities  # noqa: E402

from tunedrift.decisions.decision import Measured, decide  # noqa: E402
from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS, Difference, prompts_that_tell  # noqa: E402
from tunedrift.statistics.crossed import paired_difference  # noqa: E402

BASES = {"SA_g": 0.95, "SA_a[wrapped]": 0.8, "over_refusal": 0.9, "utility": 0.7}


def one_measure(random, studies, prompts, base, loss, margin, alike) -> list[Difference]:
    """What `difference` says of many checkpoints of one kind, all at once."""
    own = probabilities(random, (studies, prompts), base, alike)
    tuned = answers(random, own, np.full((studies, 1), base - loss), base, alike)[..., 0]
    untuned = random.random((studies, prompts)) < own
    found = paired_difference(tuned[..., None], untuned[..., None])
    numbers = (found.estimate, *found.interval(0.05), found.p_below(-margin))
    change = tuned.astype(float) - untuned
    needed = (prompts_that_tell(each, margin, 0.95, len(BASES)) for each in change)
    return [Difference(prompts, *map(float, row[:-1]), row[-1]) for row in zip(*numbers, needed, strict=True)]


def checkpoints(random, sizes, losses, margin, alike) -> list[list[Measured]]:
    """Per study its measures; `sizes` is (studies, measures), taken down to two leading figures."""
    scale = 10.0 ** (np.floor(np.log10(sizes)) - 1)
    sizes = (np.floor(sizes / scale) * scale).astype(int)
    columns = []
    for (name, base), column, loss in zip(BASES.items(), sizes.T, losses, strict=True):
        found = np.empty(len(column), object)
        for prompts in np.unique(column):
            members = np.flatnonzero(column == prompts)
            found[members] = one_measure(random, len(members), prompts, base, loss, margin, alike)
        columns.append([Measured(name, margin, each) for each in found])
    return [list(row) for row in zip(*columns, strict=True)]


def told(random, sizes, losses, margin, alike) -> tuple[np.ndarray, np.ndarray]:
    """(words, named prompts per measure) of as many studies as `sizes` has rows."""
    found = checkpoints(random, sizes, losses, margin, alike)
    words = np.array([decide(one, 0.95).word for one in found])
    return words, np.array([[measured.raw.needed for measured in one] for one in found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--prompts", type=int, nargs="*", default=[60, 150])
    parser.add_argument("--margins", type=float, nargs="*", default=[0.05, 0.1])
    parser.add_argument("--alike", type=float, nargs="*", default=[1.0])
    args = parser.parse_args()
    random = np.random.default_rng(0)
    print("margin prompts alike: what is true: share of a word (se); median named prompts per measure")

    def show(where, truth, words, word, named):
        share = np.mean(words == word)
        error = np.sqrt(share * (1 - share) / len(words))
        prompts = np.median(named, axis=0).astype(int).tolist()
        print(f"{where}: {truth}: {word} {share:.3f} ({error:.3f}) of {len(words)}; {prompts}", flush=True)

    for margin, prompts, alike in product(args.margins, args.prompts, args.alike):
        sizes = np.full((args.studies, len(BASES)), prompts)
        for number, name in [(None, "no drift"), *enumerate(BASES)]:
            for factor in (1, 2) if number is not None else (0,):
                losses = factor * margin * (np.arange(len(BASES)) == number)
                words, named = told(random, sizes, losses, margin, alike)
                truth = f"{name} loses {factor}m" if factor else name
                where = f"{margin} {prompts} {alike}"
                show(where, truth, words, PASS if factor == 1 else FAIL, named)
                unclear = named[words == CANNOT_TELL]
                if factor != 1 and len(unclear):
                    words, _ = told(random, unclear, losses, margin, alike)
                    show(f"{where}, at the named", truth, words, FAIL if factor else PASS, unclear)


if __name__ == "__main__":
    main()
