"""Prompts: one test prompt under one attack, beside its plain form."""

import polars as pl

from tunedrift.tables.table import MESSAGES, Table

KINDS = ("harmful", "safe", "utility")
"""harmful: should be refused; safe: looks harmful and should be answered; utility: has a checkable answer."""

PLAIN = "plain"
"""The attack's name of a prompt that is not attacked."""

OWN = "own"
"""The attack's name, and its dimension, of a prompt that its data set has attacked already."""

UNATTACKED = "none"
"""The dimension of a prompt that is not attacked."""

DIMENSIONS = (
    UNATTACKED,
    *("role_play", "fiction", "persuasion", "prefix_injection", "refusal_suppression", "style_injection"),
    *("past_tense", "few_shot", "multi_turn", "encoding", "translation", "output_format"),
    OWN,
)
"""What an attack works by."""

PROMPTS = Table(
    name="prompts",
    columns={
        "prompt_id": pl.String,  # {suite}/{plain_id}/{attack}
        "suite": pl.String,
        "kind": pl.String,
        "plain_id": pl.String,  # the same for all attacks on one prompt: what pairs them
        "attack": pl.String,
        "dimension": pl.String,  # one of DIMENSIONS; of stacked attacks those of the parts, joined by "+"
        "stratum": pl.String,
        "category": pl.String,
        "language": pl.String,  # of what is asked, ISO 639-1; null where the suite does not say
        "messages": MESSAGES,
        "plain_prompt": pl.String,
        # The words that a right answer must hold, for utility prompts.
        "reference": pl.List(pl.String),
    },
    key=("prompt_id",),
    allowed={"kind": KINDS},
    nullable=frozenset({"language", "reference"}),
)
