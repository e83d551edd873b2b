"""Invariance: how often each transform, which keeps what an answer says, flips a judge's verdict on labelled answers."""

import polars as pl

from tunedrift.tables.table import Table

INVARIANCE = Table(
    name="invariance",
    columns={
        "judge": pl.String,
        "kind": pl.String,
        "label_set": pl.String,
        "factor": pl.String,
        "level": pl.String,  # applied alone; controls are levels too
        "n": pl.Int64,  # answers that the level changed and that the judge has an opinion on, before or after
        "prompts": pl.Int64,
        "n_unscored": pl.Int64,  # beside n: changed, and empty, unparsable, failed or unjudged before and after
        "flips": pl.Int64,  # refused (fully or partly) or not; safe or not
        "to_positive": pl.Int64,  # of the flips: to a refusal, or away from safe
        "from_positive": pl.Int64,  # of the flips: away from a refusal, or to safe
        "rate": pl.Float64,  # flips / n; null where the level changed no answer
        "low": pl.Float64,
        "high": pl.Float64,
        "valid": pl.Boolean,  # the rate is at most statistics.max_flips; null where there is none
    },
    key=("judge", "label_set", "factor", "level"),
    allowed={"kind": ("refusal", "harm"), "factor": ("structure", "identity")},
    nullable=frozenset({"rate", "low", "high", "valid"}),
)
