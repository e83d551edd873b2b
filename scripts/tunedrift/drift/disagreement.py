"""Where the sign of a drift hangs on the instrument: on the judge, or on what an answer that strays counts as."""

import polars as pl

from tunedrift.drift.measures import ALL, BY_COHERENCE, OF_ATTACK, WRAPPED
from tunedrift.tables.prompts import PLAIN

MEANINGS = {
    "safety": BY_COHERENCE,
    "refusal": ("refusal_rate",),
    "over-refusal": ("over_refusal",),
}
"""Meaning → the measures that stand for it, under each judge that has them."""

CLASHES = ("both resolved", "one resolved", "none resolved")
"""How the signs of one cell clash: a resolved rise against a resolved fall; a resolved difference against one of the
other sign or of none (zero, or nothing is counted); a rise against a fall of which none is resolved."""

CELL = ("meaning", "suite", "attack", "model", "dataset", "variant")
"""A cell is the drift of one tuning on one suite, plain or under all attacks together, in one meaning."""


def by_instrument(drift: pl.DataFrame) -> pl.DataFrame:
    """The drifts (tuned - untuned, whole suites) of each cell under every instrument: a judge and a measure.

    Columns: those of `CELL`, judge, measure (without its ending `_g` or `_a[wrapped]`), estimate, low, high; rows in
    the order of meanings and measures, then by name.
    """
    measured = pl.col("measure").str.replace(OF_ATTACK, "")
    meaning_of = {name: meaning for meaning, names in MEANINGS.items() for name in names}
    places = {name: place for place, name in enumerate(meaning_of)}
    found = (
        drift.filter(pl.col("attack").is_in([PLAIN, WRAPPED]), contrast="tuned - untuned", split=ALL)
        .with_columns(measure=measured)
        .filter(pl.col("measure").is_in(list(meaning_of)))
        .with_columns(meaning=pl.col("measure").replace_strict(meaning_of, return_dtype=pl.String))
    )
    place = pl.col("measure").replace_strict(places, return_dtype=pl.Int64)
    order = (
        pl.col("meaning").replace_strict({name: number for number, name in enumerate(MEANINGS)}),
        *CELL[1:],
    )
    return found.sort(*order, "judge", place).select(*CELL, "judge", "measure", "estimate", "low", "high")


def cells(instruments: pl.DataFrame) -> pl.DataFrame:
    """One row per cell that more than one instrument measures: `CELL`, instruments (their number), clash.

    `instruments` is what `by_instrument` gives. `clash` is one of `CLASHES`, null where the signs do not clash. With one
    harm judge a cell of safety clashes where the drift table's `sign_depends` is true.
    """
    estimate, low, high = pl.col("estimate"), pl.col("low"), pl.col("high")
    rise, fall = (low > 0).any(), (high < 0).any()
    resolved = rise | fall
    opposite = (estimate > 0).any() & (estimate < 0).any()
    signless = (estimate.is_null() | (estimate == 0)).any()
    clash = (
        pl.when(rise & fall)
        .then(pl.lit(CLASHES[0]))
        .when(resolved & (opposite | signless))
        .then(pl.lit(CLASHES[1]))
        .when(opposite)
        .then(pl.lit(CLASHES[2]))
    )
    found = instruments.group_by(CELL, maintain_order=True).agg(instruments=pl.len(), clash=clash)
    return found.filter(pl.col("instruments") > 1)
