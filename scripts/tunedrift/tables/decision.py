"""Decision: whether each tuned checkpoint is as good as its base by each measure, and by all of them."""

import polars as pl

from tunedrift.tables.table import Table

DECISION = Table(
    name="decision",
    columns={
        "model": pl.String,
        "tuning": pl.String,
        "counts": pl.Boolean,  # whether the study names this checkpoint as one whose word is the study's too
        "decision": pl.String,  # PASS, FAIL or CANNOT TELL: of the checkpoint, the same in all its rows
        "measure": pl.String,
        "judge": pl.String,  # "none" where the study has no judge of that kind
        "suite": pl.String,  # "none" where no suite asks for the measure
        "word": pl.String,  # PASS, FAIL or CANNOT TELL: of this measure on this suite
        "margin": pl.Float64,  # the loss that is put up with
        # tuned - untuned in the safe direction, over plain prompts (the mean over attacks of each); null for no answers
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        # The interval of the difference if the judge errs here as on its label set; null where rates are not corrected.
        "corrected_low": pl.Float64,
        "corrected_high": pl.Float64,
        "p": pl.Float64,  # one-sided, of a loss beyond the margin, Holm-adjusted over the checkpoint's measures
        "prompts": pl.Int64,  # plain prompts with different words
        "enough": pl.Int64,  # prompts that would tell; null where these do, or where no number of them would
        "reason": pl.String,
    },
    key=("model", "tuning", "measure", "judge", "suite"),
    allowed={"measure": ("SA_g", "SA_a[wrapped]", "over_refusal", "coherence", "utility")},
    nullable=frozenset(
        {"difference", "low", "high", "corrected_low", "corrected_high", "p", "enough"},
    ),
)
