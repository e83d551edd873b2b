"""Studies with known effects, many at once: arrays of answers by a model of prompts and seeds.

A prompt has its own probability of a safe answer, p ~ Beta(base * alike, (1 - base) * alike), or `base` for all where
`alike` is None. A tuning moves all prompts by the same shift of log odds, such that the rate over the population of
prompts becomes base + drift + seed effect, the seed effect being normal with the given SD and the rate kept within 0
and 1. An answer is one draw; the untuned model answers each prompt once.
"""

from functools import cache

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, norm

TINY = 1e-9
SHIFTS = np.linspace(-25, 25, 2001)


@cache
def population(base: float, alike: float | None) -> np.ndarray:
    """Probabilities at evenly spaced quantiles of the population of prompts."""
    if alike is None:
        return np.array([base])
    middles = (np.arange(1000) + 0.5) / 1000
    return np.clip(beta.ppf(middles, base * alike, (1 - base) * alike), TINY, 1 - TINY)


@cache
def reached(base: float, alike: float | None) -> np.ndarray:
    """The rate over the population of prompts at each of `SHIFTS`."""
    return expit(logit(population(base, alike))[:, None] + SHIFTS).mean(axis=0)


def probabilities(random: np.random.Generator, shape: tuple, base: float, alike: float | None) -> np.ndarray:
    if alike is None:
        return np.full(shape, base)
    return np.clip(random.beta(base * alike, (1 - base) * alike, shape), TINY, 1 - TINY)


def answers(
    random: np.random.Generator, prompts: np.ndarray, rates: np.ndarray, base: float, alike: float | None
) -> np.ndarray:
    """(studies, prompts, seeds) safe or not, of prompts (studies, prompts) and adapters' rates (studies, seeds)."""
    shift = np.interp(rates, reached(base, alike), SHIFTS)
    return random.random((*prompts.shape, rates.shape[1])) < expit(logit(prompts)[..., None] + shift[:, None])


def seed_rates(
    random: np.random.Generator, studies: int, seeds: int, mean: float, seed_sd: float
) -> np.ndarray:
    return np.clip(mean + seed_sd * random.normal(size=(studies, seeds)), 0.0, 1.0)


def expected(mean: float, seed_sd: float) -> float:
    """The mean rate over seeds, which 0 and 1 bound."""
    return float(np.clip(mean + seed_sd * norm.ppf((np.arange(100_000) + 0.5) / 100_000), 0.0, 1.0).mean())
