"""A rate, or a difference of two, from many judged answers and the few of them that people labelled too."""

from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np

from tunedrift.statistics.bootstrap import ENOUGH_SEEDS, t_interval
from tunedrift.statistics.cluster_rates import wilson
from tunedrift.statistics.corrected_rates import Corrected, within

LEAST_LABELLED = 60
"""The fewest prompts with a labelled answer, of each tuning, from which on the interval is relied on.

It rests on a mean over these prompts being normal, and where a good judge errs on one or two of them it is not: of
nominal 95 %, simulated rates are covered in .94 to .97 from 60 on, in .92 to .99 with 30
(`tests/benchmarks/simulate_prediction_powered.py`).
"""


@dataclass(frozen=True)
class Answers:
    """Sums over the answers of each prompt (rows) and tuning (columns), arrays of one shape.

    Of all answers: `judged`, how many pass by the judge, `counted`, how many there are, and `drawable`, how many could
    be drawn for labelling (nobody labels an empty one, which passes for nobody). Of those drawn: `labelled`, how
    many, `labels`, how many pass by their labels, and `judged_too`, by the judge.
    """

    judged: np.ndarray
    counted: np.ndarray
    drawable: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray
    judged_too: np.ndarray

    def of(self, columns: list[int]) -> "Answers":
        """The answers of these tunings alone."""
        return Answers(*(getattr(self, field.name)[:, columns] for field in fields(self)))

    def labelled_prompts(self) -> int:
        """The fewest prompts that any of the tunings has a labelled answer to."""
        return int((self.labelled > 0).sum(axis=0).min())

    def rates(self, power: float) -> np.ndarray:
        """The rate of each tuning: `power` times the judge's, and the mean of what the drawn labels have beyond that."""
        rest = (self.labels - power * self.judged_too).sum(axis=0) / self.labelled.sum(axis=0)
        of_all = power * self.judged.sum(axis=0) + self.drawable.sum(axis=0) * rest
        return of_all / self.counted.sum(axis=0)

    def influence(self, power: float) -> np.ndarray:
        """What each prompt adds to the error of each rate, to first order: the rates are ratios of sums over prompts."""
        labelled, beyond = self.labelled.sum(axis=0), self.labels - power * self.judged_too
        rest = beyond.sum(axis=0) / labelled
        of_all = power * self.judged + self.drawable * rest - self.counted * self.rates(power)
        of_drawn = self.drawable.sum(axis=0) / labelled * (beyond - self.labelled * rest)
        return (of_all + of_drawn) / self.counted.sum(axis=0)


def prediction_powered(
    answers: Answers, ones: list[int], others: list[int], confidence: float, power: float | None = None
) -> Corrected:
    """The rate over the tunings `ones`, a seed each, less that over `others` where there are any, paired by seed.

    Each tuning's labelled answers must be a random part of its answers, in which each had the same chance to be; how
    the judge errs does not matter. `power` 1 is prediction-powered inference (Angelopoulos and others, Science 382,
    2023), 0 the labels alone; None takes the one of least variance within 0 and 1 (PPI++, Angelopoulos, Duchi and
    Zrnic, arXiv 2311.01453; the judge's mean is here over all N answers, there over those without a label, so that a
    power of 1 here is one of (N - n) / N there). Prompts are clusters, over which all is paired, and the quantile is
    Student's at one less than the fewest labelled prompts. Two to four seeds bring Student's interval over them, where
    it is wider; more bring their variance too, with its own quantile (two-way clusters: Cameron, Gelbach and Miller,
    Journal of Business and Economic Statistics 29, 2011). A rate has Wilson's interval at the size that has this variance. Raises `ValueError` where a tuning has labels to fewer than two prompts.
    """
    from scipy.special import stdtrit

    answers = answers.of([*ones, *others])
    prompts = answers.labelled_prompts()
    if prompts < 2:
        raise ValueError("prediction-powered inference wants labels to two or more prompts of each tuning")
    number = len(ones)

    def by_seed(values: np.ndarray) -> np.ndarray:
        return values[..., :number] - values[..., number:] if others else values

    if power is None:
        alone = by_seed(answers.influence(0)).mean(axis=1)
        slope = by_seed(answers.influence(1)).mean(axis=1) - alone
        spread = (slope**2).sum()
        power = float(np.clip(-(alone * slope).sum() / spread, 0, 1)) if spread > 1e-12 else 0.0
    seeds, cells = by_seed(answers.rates(power)), by_seed(answers.influence(power)) / number
    variance = prompts / (prompts - 1) * (cells.sum(axis=1) ** 2).sum() + _added(answers, ones, others)
    estimate = float(seeds.mean())
    quantile = float(stdtrit(prompts - 1, (1 + confidence) / 2))
    if number >= ENOUGH_SEEDS:
        # Known from few of them, so by their own quantile.
        wider = stdtrit(number - 1, (1 + confidence) / 2) / quantile
        variance += wider**2 * max(0.0, np.var(seeds, ddof=1) / number - (cells**2).sum())
    if others:
        reach = quantile * np.sqrt(variance)
        low, high = estimate - reach, estimate + reach
    else:
        # A rate near 0 or 1 has a skew interval; one of 0 or 1 tells no less of its spread than half an answer would.
        rate, half = np.clip(estimate, 0, 1), 0.5 / (prompts + 1)
        size = max(rate * (1 - rate), half * (1 - half)) / variance
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        low, high = wilson(float(rate), float(size) * (z / quantile) ** 2, confidence)
    if 2 <= number < ENOUGH_SEEDS:
        over_seeds = t_interval(seeds, confidence)
        if over_seeds[1] - over_seeds[0] > high - low:
            low, high = over_seeds
    return within(estimate, low, high, -1.0 if others else 0.0)


def _added(answers: Answers, ones: list[int], others: list[int]) -> float:
    """The variance that half a cluster more brings, of mean size m, whose labels are off by one, each for itself.

    A difference has a quarter on either side. Where the judge is right on all, or nearly all labelled answers, the
    variance would be near 0; half a case more is what Jeffreys' prior adds to a rate (Brown, Cai and DasGupta,
    Statistical Science 16, 2001).
    """
    labelled = answers.labelled.sum(axis=0)
    size = labelled / (answers.labelled > 0).sum(axis=0)
    weights = np.array([side.count(tuning) for side in (ones, others) for tuning in side])
    each = 0.25 if others else 0.5
    return float((each * size * weights / labelled**2).sum() / len(ones) ** 2)
