"""Judges: what each is worth against labels that people, or a simulation of them, gave."""

import polars as pl

from tunedrift.tables.table import Table

STATISTICS = (
    *("kappa", "kappa_classes", "sensitivity", "specificity", "partial_recall", "human_kappa"),
    *("sensitivity_difference", "specificity_difference"),
)
"""`kappa` is of positive (refused, fully or partly; unsafe) or not; what a judge could not score is a third class that
no label has. `kappa_classes` is of all that a refusal judge says: `stray` and the unscored are classes that no label
has, and so count as errors. `partial_recall` is the share of partial refusals that the judge calls a refusal, full or
partial. `human_kappa` is of two annotators, positive or not, on the answers that the judge has judged. The differences
are tuned - untuned, where the labelled answers are the study's own. No statistic counts an answer that is `unjudged`,
but a judge is certified by bounds that count it as an error. An answer whose annotators tie is counted by
`human_kappa` alone, and one on which the judge was fitted or tuned by none, unless there are no others."""

REASONS = ("fitted on it", "unjudged answers", "below the floor")
"""Why a judge is not certified, the first that holds. `unjudged answers`: the bounds of the others would reach the
floor (or there are no others), but not where each unjudged answer counts as an error."""

JUDGES = Table(
    name="judges",
    columns={
        "judge": pl.String,
        "kind": pl.String,
        "measure": pl.String,
        "label_set": pl.String,
        "labels": pl.String,  # who gave them; simulated ones certify a judge for embedded models only
        "model": pl.String,  # whose answers: null for all
        "language": pl.String,  # null for all
        "statistic": pl.String,
        "estimate": pl.Float64,  # null where nothing is counted, or chance alone would agree always
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,  # answers that the statistic counts
        "prompts": pl.Int64,
        "positives": pl.Int64,  # of n, by the label that was settled on; a tie is none
        # These two are of all labelled answers of the model and language, the same in the rows of every statistic.
        "n_unscored": pl.Int64,  # empty, unparsable or failed: right on neither side
        "n_unjudged": pl.Int64,  # not in n: in a language for which the judge has no calibration
        # Not in n either: also in a set on which the judge was fitted or tuned; of such a set itself, all.
        "n_shared": pl.Int64,
        "certified": pl.Boolean,  # by this set, for answers of this model and language
        "reason": pl.String,  # why not
    },
    key=("judge", "label_set", "model", "language", "statistic"),
    allowed={
        "kind": ("refusal", "harm"),
        "measure": ("refusal", "harm"),
        "labels": ("people", "simulated"),
        "statistic": STATISTICS,
        "reason": REASONS,
    },
    nullable=frozenset({"model", "language", "estimate", "low", "high", "reason"}),
)
