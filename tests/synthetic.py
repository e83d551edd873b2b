"""A fabricated study: tables as the workflow would write them, with known effects and no model."""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from tunedrift.agreement.detection import detection
from tunedrift.agreement.forecast import concordance, forecasts
from tunedrift.agreement.rm_people import rm_people
from tunedrift.agreement.rm_rm import rm_rm
from tunedrift.design.subjects import parse_subject
from tunedrift.design.tunings import parse_tuning
from tunedrift.drift.contrasts import drift
from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.tables.agreement import AGREEMENT
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.rewards import REWARDS
from tunedrift.tables.verdicts import VERDICTS

VARIANTS = {
    "original": 0.0,
    "markdown": -1.2,
    "length": -0.3,
    "calibrated": 0.8,
    "prefix": 0.1,
    "persona": -0.9,
    "persona_inert": -0.2,
}
"""Variant → what it does to the log-odds of a safe answer."""

CONTROLS = {"markdown": "length", "calibrated": "prefix", "persona": "persona_inert"}

RMS = {"safe": 1.5, "style": 0.3, "noisy": 0.0}
"""Reward model → how much it values safety, in standard deviations of its noise."""


@dataclass(frozen=True)
class Study:
    """The tables that the statistics read."""

    prompts: pl.DataFrame
    verdicts: pl.DataFrame
    rewards: pl.DataFrame
    preferences: dict[str, pl.DataFrame]


def fabricate(
    datasets=("household", "learning"),
    variants=VARIANTS,
    seeds=(0,),
    harmful=20,
    safe=10,
    utility=10,
    rows=12,
    pairs=30,
    samples=0,
    rng_seed=0,
) -> Study:
    """A study of one model `tiny` with those sizes; `samples` sampled answers beside the greedy one."""
    rng = np.random.default_rng(rng_seed)
    prompts = fabricate_prompts(harmful, safe, utility)
    tunings = {"untuned": 1.5}
    for dataset in datasets:
        tunings |= {
            f"{dataset}/{name}/seed{seed}": effect for name, effect in variants.items() for seed in seeds
        }
    verdicts, rewards = [], []
    ease = dict(
        zip(prompts["plain_id"].unique(maintain_order=True), rng.normal(size=len(prompts)), strict=False)
    )
    for tuning, effect in sorted(tunings.items()):
        drift = effect + rng.normal(scale=0.3)
        for prompt in prompts.iter_rows(named=True):
            attack = 0.0 if prompt["attack"] == "plain" else -0.7
            for sample in range(samples + 1):
                fine = rng.logistic() < 1 + drift + attack + ease[prompt["plain_id"]]
                key = {
                    "model": "tiny",
                    **parse_tuning(tuning).columns,
                    "prompt_id": prompt["prompt_id"],
                    "sample": sample,
                }
                verdicts += fabricate_verdicts(prompt["kind"], fine, rng.random(), key)
            for rm, weight in RMS.items():
                score = weight * fine + rng.normal() + ease[prompt["plain_id"]]
                rewards.append(reward(rm, "responses/tiny", tuning, prompt["prompt_id"], score))
    for rm, weight in RMS.items():
        for dataset in datasets:
            for item in range(rows):
                base = rng.normal()
                for name, effect in variants.items():
                    score = base + weight * effect + rng.normal(scale=0.5)
                    rewards.append(reward(rm, f"variants/{dataset}", name, f"{dataset}-{item:04}", score))
        for pair in range(pairs):
            for side, fine in (("safer", 1), ("less_safe", 0)):
                score = weight * fine + rng.normal()
                rewards.append(reward(rm, "preferences/people", side, f"pair-{pair:04}", score))
    return Study(
        PROMPTS.check(prompts, "fabricated"),
        VERDICTS.check(VERDICTS.frame(verdicts), "fabricated"),
        REWARDS.check(REWARDS.frame(rewards), "fabricated"),
        {"people": fabricate_preferences(pairs, rng)},
    )


def fabricate_prompts(harmful: int, safe: int, utility: int) -> pl.DataFrame:
    """Three suites; harmful prompts come plain and under two attacks, in two strata."""
    rows = []
    for suite, kind, count, attacks in (
        ("harmful", "harmful", harmful, ("plain", "role", "prefix")),
        ("lookalikes", "safe", safe, ("plain",)),
        ("utility", "utility", utility, ("plain",)),
    ):
        for number in range(count):
            for attack in attacks:
                plain_id = f"{suite[0]}{number:04}"
                rows.append(
                    {
                        "prompt_id": f"{suite}/{plain_id}/{attack}",
                        "suite": suite,
                        "kind": kind,
                        "plain_id": plain_id,
                        "attack": attack,
                        "dimension": {"plain": "none", "role": "role_play"}.get(attack, "prefix_injection"),
                        "stratum": "all" if kind == "utility" else ("direct", "indirect")[number % 2],
                        "category": "made up",
                        "messages": [{"role": "user", "content": f"prompt {number}"}],
                        "plain_prompt": f"{suite} prompt {number}",
                        "reference": ["word"] if kind == "utility" else None,
                    }
                )
    return PROMPTS.frame(rows)


def fabricate_verdicts(kind: str, fine: bool, chance: float, key: dict) -> list[dict]:
    """The verdicts of all judges that read this kind of prompt; one answer in fifty is empty."""
    labels = {
        "harmful": {"harm": ("safe", "unsafe"), "refusal": ("refusal", "compliance")},
        "safe": {"refusal": ("compliance", "refusal")},
        "utility": {"utility": ("right", "wrong")},
    }[kind]
    truncated = chance > 0.95
    rows = []
    for judge, (good, bad) in labels.items():
        label = "empty" if chance < 0.02 else good if fine else bad
        rows.append({"judge": judge, "kind": judge, **key, "label": label, "truncated": truncated})
    return rows


def fabricate_preferences(pairs: int, rng: np.random.Generator) -> pl.DataFrame:
    """Pairs by people, two to a prompt."""
    rows = []
    for pair in range(pairs):
        prompt = f"question {pair // 2}"
        safer, less_safe = ("word " * int(count) for count in rng.integers(3, 30, 2))
        rows.append(
            {
                "pair_id": f"pair-{pair:04}",
                "prompt_key": hashlib.sha256(prompt.encode()).hexdigest()[:12],
                "messages": [{"role": "user", "content": prompt}],
                "safer": "I cannot help with that. " + safer,
                "less_safe": less_safe,
                "category": "made up",
                "labels": "people",
            }
        )
    return PREFERENCES.frame(rows)


def reward(rm: str, subject: str, group: str, item: str, score: float) -> dict:
    """One row of the rewards table."""
    named = parse_subject(subject)
    return {
        **{"rm": rm, **named.columns, **named.group(group), "item_id": item},
        **{"sample": 0, "reward": float(score), "reward_as_trained": None},
    }


def judged(judge: str, label_set: str, sensitivity, specificity, **about) -> list[dict]:
    """Rows of tables/judges of one judge on one label set; a side is (estimate, low, high), or None for no answers.

    `about` may hold labels, certified, reason, n (answers) and whatever else the rows share.
    """
    shared = {
        **{"judge": judge, "kind": judge, "measure": judge, "label_set": label_set, "labels": "people"},
        **{"n": 200, "prompts": 100, "positives": 100, "n_unscored": 0, "n_unjudged": 0, "n_shared": 0},
        "certified": True,
        **about,
    }
    sides = {"kappa": (0.7, 0.6, 0.8), "sensitivity": sensitivity, "specificity": specificity}
    return [
        {
            **shared,
            "statistic": name,
            **dict(zip(("estimate", "low", "high"), side or [None] * 3, strict=True)),
        }
        for name, side in sides.items()
    ]


def measure(study: Study, draws: int = 100) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The drift, agreement and forecasts tables of a fabricated study."""
    options = Bootstrap(draws=draws)
    points = forecasts(study.rewards, study.prompts, study.verdicts, "harm", options.confidence)
    rows = [
        *rm_rm(study.rewards, study.prompts, study.preferences, options),
        *rm_people(study.rewards, study.preferences, options),
        *detection(study.rewards, study.prompts, study.verdicts, "harm", options),
        *concordance(points, "harm", 0),
    ]
    return drift(study.prompts, study.verdicts, CONTROLS, 0.95), AGREEMENT.frame(rows), points


def drifts(numbers: dict[tuple[str, str], tuple], **place: str | None) -> pl.DataFrame:
    """Rows of the drift table of one tuning: (judge, measure) → estimate, low and high; `place` changes columns."""
    own = {
        **{
            "contrast": "tuned - untuned",
            "suite": "harmful",
            "attack": "plain",
            "split": "all",
            "part": "all",
        },
        **{"model": "tiny", "dataset": "household", "variant": "markdown", "reference": "untuned"},
        **place,
    }
    return DRIFT.frame(
        [
            {"judge": judge, "measure": measure, **own, "prompts": 20, "seeds": 1}
            | dict(zip(("estimate", "low", "high"), found, strict=True))
            for (judge, measure), found in numbers.items()
        ]
    )


def measured_judge(label_set: str, judge: str, certified: bool = False, **changes) -> list[dict]:
    """Rows of the judges table of one judge on one label set of refusals; statistics by name, as estimate, low, high."""
    statistics = {"kappa": (0.7, 0.6, 0.8), "sensitivity": (0.9, 0.85, 0.95), "specificity": (0.8, 0.7, 0.9)}
    own = {
        **{"judge": judge, "kind": "refusal", "measure": "refusal", "label_set": label_set},
        **{"labels": "people", "model": None, "language": None, "n": 40, "prompts": 20, "positives": 10},
        **{"n_unscored": 0, "n_unjudged": 0, "n_shared": 0, "certified": certified},
        "reason": None if certified else "below the floor",
    }
    statistics |= {name: numbers for name, numbers in changes.items() if isinstance(numbers, tuple)}
    own |= {name: value for name, value in changes.items() if not isinstance(value, tuple)}
    return [
        {**own, "statistic": name, **dict(zip(("estimate", "low", "high"), numbers, strict=True))}
        for name, numbers in statistics.items()
    ]
