"""Overlap: the contamination ledger, which texts that should be apart are the same or nearly so."""

import polars as pl

from tunedrift.tables.table import Table

KINDS = ("training", "held_out", "safety_mix", "suite", "gate", "preferences", "labels")
"""What a set of prompts is for. Training data and what is mixed into it come first."""

SET = {"kind": pl.String, "name": pl.String}
OTHER = {"other_kind": pl.String, "other_name": pl.String}

OVERLAP = Table(
    name="overlap",
    columns={
        **SET,
        **OTHER,
        "texts": pl.Int64,  # different texts in the set; a conversation is one, whatever its turns
        "other_texts": pl.Int64,
        # Texts of the set that the other one holds: word for word, at or above the similarity, or one in the other.
        "exact": pl.Int64,
        "near": pl.Int64,
        "contained": pl.Int64,
        "share": pl.Float64,  # (exact + near + contained) / texts
        "threshold": pl.Float64,  # Jaccard similarity from which on a text is near
    },
    key=("kind", "name", "other_kind", "other_name"),
    allowed={"kind": KINDS, "other_kind": KINDS},
)

MATCHES = Table(
    name="matches",
    columns={
        **SET,
        "item_id": pl.String,
        **OTHER,
        "other_id": pl.String,  # the closest text of the other set: exact before near before contained
        "match": pl.String,
        # Jaccard similarity; where contained, the share of the shorter text's word pairs that the longer holds.
        "similarity": pl.Float64,
    },
    key=("kind", "name", "item_id", "other_kind", "other_name"),
    allowed={"kind": KINDS, "other_kind": KINDS, "match": ("exact", "near", "contained")},
)
