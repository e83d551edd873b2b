"""Drift: rates per tuning, and their named contrasts."""

import polars as pl

from tunedrift.tables.table import Table

SPLITS = ("all", "stratum", "category", "language", "dimension")
"""How the prompts of a suite are told apart: `dimension` is that of the attack, the others are the prompt's own."""
CORRECTIONS = ("rogan_gladen", "prediction_powered")

CONTRASTS = ("rate", "tuned - untuned", "level - control", "level - original")

DRIFT = Table(
    name="drift",
    columns={
        "contrast": pl.String,
        # A measure of safety (SA…) is SA…_g of plain prompts and SA…_a[wrapped] under any attack, one alone too;
        # which one, `attack` says. Other measures have one name.
        "measure": pl.String,
        "judge": pl.String,  # "none" of a loss
        "suite": pl.String,  # of a loss the data set whose rows were held out
        "attack": pl.String,  # plain, one attack, or "wrapped": all attacks together
        "split": pl.String,  # "all" prompts of the suite, or by which of their properties they are told apart
        "part": pl.String,  # "all", or those with this value of the property
        "model": pl.String,
        "dataset": pl.String,  # null for the untuned model
        "variant": pl.String,  # null for the untuned model
        "reference": pl.String,  # what was subtracted: "untuned" or the control variant; null for a rate
        "estimate": pl.Float64,  # null where nothing is counted
        "low": pl.Float64,
        "high": pl.Float64,
        # Of a rate: unscored answers counted as failing, and as passing where they could (`could_hit`; one that
        # strays is never safe and coherent). Of a difference: as failing on one side and as passing on the other,
        # so that they bound it. `worst` is the end that one does not hope for.
        "worst": pl.Float64,
        "best": pl.Float64,
        # For what lies between `worst` and `best`, with both ends' sampling error (Imbens and Manski 2004).
        "bounds_low": pl.Float64,
        "bounds_high": pl.Float64,
        # Of a difference: the smallest from 0 that four of five studies like this would resolve; of one seed,
        # conditional on its adapter.
        "detectable": pl.Float64,
        # Of a difference in SA, SA_coherent or SA_safe_and_coherent: whether its sign depends on which of them, that
        # is, two are opposite, or one is resolved where another is 0 or undefined.
        "sign_depends": pl.Boolean,
        # Of a measure of two outcomes: what it is without the judge's errors, of which the label set `errors_of`
        # tells, with an interval that carries both sources of error. `correction` says how: `prediction_powered` by
        # labels of a random part of these very answers, `rogan_gladen` if the judge errs here as on the set.
        # `errors_of` is null where no set tells of the errors; the rest also where sensitivity + specificity is not
        # clearly above 1, and where an answer is unjudged that has no such label.
        "corrected": pl.Float64,
        "corrected_low": pl.Float64,
        "corrected_high": pl.Float64,
        "correction": pl.String,
        "errors_of": pl.String,
        "labelled": pl.Int64,  # of these very answers; null where they are not corrected by such labels
        # Plain prompts with different words on which anything is counted, on either side of a difference. The
        # estimate counts every answer: a prompt that stands under two ids, or under two attacks, has two.
        "prompts": pl.Int64,
        "seeds": pl.Int64,  # 0 for the untuned model, which has none; of two variants, those of both
    },
    key=(
        "contrast",
        "measure",
        "judge",
        "suite",
        "attack",
        "split",
        "part",
        "model",
        "dataset",
        "variant",
        "reference",
    ),
    allowed={"contrast": CONTRASTS, "split": SPLITS, "correction": CORRECTIONS},
    nullable=frozenset(
        {
            *("dataset", "variant", "reference", "estimate", "low", "high", "worst", "best", "sign_depends"),
            *("bounds_low", "bounds_high", "detectable"),
            *("corrected", "corrected_low", "corrected_high", "correction", "errors_of", "labelled"),
        }
    ),
)
