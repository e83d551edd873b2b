"""Agreement: whether reward models agree with one another, with people (or labels that simulate them), and with tuning."""

import polars as pl

from tunedrift.design.subjects import STAGES
from tunedrift.tables.preferences import LABELS
from tunedrift.tables.table import Table

QUESTIONS = ("rm_rm", "rm_people", "forecast", "detection")

AGREEMENT = Table(
    name="agreement",
    columns={
        "question": pl.String,
        "measure": pl.String,
        "subject": pl.String,  # of the rewards; null for a forecast over several datasets
        "stage": pl.String,  # the subject's parts: its stage, and one of model, dataset and preference_set
        "safety": pl.String,  # of a forecast: the safety measure that was forecast, e.g. SA_a[wrapped]
        "attack": pl.String,  # the safety measure's attack: plain or wrapped
        "rm": pl.String,  # a reward model; against people also a rule that stands in for one, e.g. longer wins
        "other": pl.String,  # the other reward model; the judge; null for people
        "model": pl.String,  # the tuned model, where the question has one
        "dataset": pl.String,
        "preference_set": pl.String,
        "labels": pl.String,  # who labelled the pairs of a preference set, where the question is of their labels
        "estimate": pl.Float64,  # null where the statistic is undefined, with n = 0
        "low": pl.Float64,  # null where clusters are too few (under 6 at a confidence of .95) or all alike
        "high": pl.Float64,
        "p": pl.Float64,  # of a reward model's error rate against people being one half; null where there is no interval
        "p_holm": pl.Float64,  # by Holm over the reward models of the preference set
        "word": pl.String,  # by it: better or worse than chance; null where neither may be said
        "n": pl.Int64,  # what `measure` counts over: pairs, texts, items (prompts or rows), points or variants
        "clusters": pl.Int64,  # the unit of the bootstrap: prompts, of variants rows; of a forecast, tuned variants
    },
    key=("question", "measure", "subject", "safety", "rm", "other", "model", "dataset"),
    allowed={"question": QUESTIONS, "stage": tuple(STAGES), "labels": LABELS, "word": ("better", "worse")},
    nullable=frozenset(
        {
            "subject",
            "safety",
            "attack",
            "other",
            "model",
            "dataset",
            "preference_set",
            "labels",
            "estimate",
            "low",
            "high",
            "p",
            "p_holm",
            "word",
        }
    ),
)

FORECASTS = Table(
    name="forecasts",
    columns={
        "rm": pl.String,
        "model": pl.String,
        "dataset": pl.String,
        "seed": pl.Int64,
        "variant": pl.String,
        "other": pl.String,
        "measure": pl.String,  # the safety measure that was forecast, e.g. SA_g
        "attack": pl.String,  # the measure's attack: plain or wrapped
        "reward_difference": pl.Float64,  # mean over rows of reward(variant) - reward(other)
        "safety_difference": pl.Float64,  # safety(variant) - safety(other)
        "resolved": pl.Boolean,  # the safety difference's interval leaves zero out
        "rows": pl.Int64,  # of training data, scored under both variants
    },
    key=("rm", "model", "dataset", "seed", "variant", "other", "measure"),
)
"""The points behind the forecast question: one row per reward model and pair of tuned variants."""
