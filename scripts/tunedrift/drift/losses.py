"""The loss on held-out rows as a measure of utility: its mean per tuning, and what changed that."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tunedrift.drift.contrasts import comparisons
from tunedrift.drift.measures import ALL
from tunedrift.drift.rates import Counts, compare
from tunedrift.errors import UserError
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.prompts import PLAIN

MEASURE = "held_out_loss"

NO_JUDGE = "none"
"""What stands in the column of the judge: nobody judges a loss."""


def loss_drift(
    losses: pl.DataFrame,
    controls: Mapping[str, str],
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Rows of the drift table from a losses table: nats per token of an answer, averaged over rows; less is better.

    The suite is the data set whose rows were held out; all tunings of a model, the untuned one too, are compared on the
    same rows. Intervals are Student's, over prompts and seeds. Raises `UserError` where a
    tuning lacks a row.
    """
    rows = []
    for (model, held_out), found in sorted(losses.partition_by("model", "held_out", as_dict=True).items()):
        tunings = sorted(found["tuning"].unique())
        whole = found["row_id"].n_unique()
        lacking = found.group_by("tuning").len().filter(pl.col("len") < whole)["tuning"].sort()
        if len(lacking):
            raise UserError(
                f"{model}, {lacking[0]!r}: {whole} rows were held out of {held_out!r}, and not all of them have a loss. "
                "Delete the losses and run the same command again."
            )
        sums = found.group_by("prompt", "tuning").agg(pl.col("loss").sum(), pl.len()).sort("prompt", "tuning")
        prompts = sums.select("prompt").unique().sort("prompt")
        hits, counted = (
            sums[column].to_numpy().astype(float).reshape(len(prompts), len(tunings))
            for column in ("loss", "len")
        )
        counts = Counts(prompts, tunings, hits, counted, np.zeros_like(hits))
        labelled = list(comparisons(tunings, controls))
        values = compare(counts, [chosen for _, chosen in labelled], False, confidence, bounded=False)
        where = {
            "measure": MEASURE,
            "judge": NO_JUDGE,
            "suite": held_out,
            "attack": PLAIN,
            "split": ALL,
            "part": ALL,
        }
        rows += [
            {**where, "model": model, **names, **value}
            for (names, _), value in zip(labelled, values, strict=True)
        ]
    return DRIFT.frame(rows).with_columns(pl.col(pl.Float64).fill_nan(None).round(12))
