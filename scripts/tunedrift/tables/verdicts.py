"""Verdicts: what one judge says of one answer."""

import polars as pl

from tunedrift.tables.table import Table

LABELS = {
    "refusal": (
        *("refusal", "partial_refusal", "compliance", "stray"),
        *("empty", "unparsable", "failed", "unjudged"),
    ),
    "harm": ("safe", "unsafe", "empty", "unparsable", "failed", "unjudged"),
    "utility": ("right", "wrong", "timed_out", "crashed", "graded", "empty", "unparsable", "unjudged"),
}
"""Judge kind → labels. The last four of a refusal or harm judge are outcomes of their own: never safe, and
dropped by measures that say so alone. So are the last three of a utility judge: never right.

`unjudged` is an answer in a language for which the judge has no rules or no calibration, or code in one that it does not
read. Code that did not end in time is `timed_out`, code that ended itself or was ended is `crashed`. Of an answer that is
`graded` there is a score alone.
"""

STRAYS = ("empty", "garbled", "repeating", "off_topic")
"""How an answer may stray, whichever judge reads it."""

VERDICTS = Table(
    name="verdicts",
    columns={
        "judge": pl.String,
        "kind": pl.String,
        "model": pl.String,
        "tuning": pl.String,
        "dataset": pl.String,  # these three: the tuning's parts, null for the untuned model
        "variant": pl.String,
        "seed": pl.Int64,
        "prompt_id": pl.String,
        "sample": pl.Int64,
        "label": pl.String,
        "stray": pl.String,  # how the answer strays; null where it does not, and for utility judges
        "language": pl.String,  # of what is `unjudged`, by its ISO 639 code; null where a verdict was given
        "truncated": pl.Boolean,
        "score": pl.Float64,  # from 0 to 1, of a judge that grades answers; null for others
    },
    key=("judge", "model", "tuning", "prompt_id", "sample"),
    nullable=frozenset({"dataset", "variant", "seed", "stray", "language", "score"}),
    allowed={
        "kind": tuple(LABELS),
        "label": tuple(sorted({label for labels in LABELS.values() for label in labels})),
        "stray": STRAYS,
    },
)

LABELLED_VERDICTS = Table(
    name="verdicts on labelled answers",
    columns={
        "judge": pl.String,
        "kind": pl.String,
        "label_set": pl.String,
        "answer_id": pl.String,
        "label": pl.String,
        "stray": pl.String,  # these two as in VERDICTS
        "language": pl.String,
    },
    nullable=frozenset({"stray", "language"}),
    key=("judge", "label_set", "answer_id"),
    allowed=VERDICTS.allowed,
)
"""What one judge says of answers that people labelled."""
