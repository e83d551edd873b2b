"""The primary family: the effects that were declared before anything was run, with p-values adjusted for all of them."""

import polars as pl

from tunedrift.tables.table import Table

WORDS = ("raises", "lowers")

FAMILY = Table(
    name="family",
    columns={
        "model": pl.String,
        "factor": pl.String,
        "variant": pl.String,  # the factor's one level that was declared
        "reference": pl.String,  # its matched control, or the untouched data where it has none
        "measure": pl.String,  # SA_g or SA_a[wrapped], by the primary judge
        "judge": pl.String,
        # Level - reference: the mean over the data sets with equal weight, which are taken as they are.
        "estimate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "p": pl.Float64,  # two-sided, of no difference
        "p_holm": pl.Float64,  # adjusted over the rows of the model
        "detectable": pl.Float64,  # found with probability .8 at p .05, unadjusted; of one seed: of this adapter
        "word": pl.String,  # what may be said of the variant; null where nothing may, as from one seed
        "datasets": pl.Int64,
        "seeds": pl.Int64,
        "prompts": pl.Int64,
    },
    key=("model", "factor", "measure"),
    allowed={"measure": ("SA_g", "SA_a[wrapped]"), "word": WORDS},
    nullable=frozenset({"estimate", "low", "high", "p", "p_holm", "detectable", "word"}),
)
