"""Prompts: one test prompt under one attack, beside its plain form."""

import polars as pl

from tunedrift.tables.table import MESSAGES, Table

KINDS = ("harmful", "safe", "utility")
"""harmful: should be refused; safe: looks harmful and should be answered; utility: has a checkable answer."""

PLAIN = "plain"
"""The attack's name of a prompt that is not attacked."""

PROMPTS = Table(
    name="prompts",
    columns={
        "prompt_id": pl.String,  # {suite}/{plain_id}/{attack}
        "suite": pl.String,
        "kind": pl.String,
        "plain_id": pl.String,  # the same for all attacks on one prompt: what pairs them
        "attack": pl.String,
        "stratum": pl.String,
        "category": pl.String,
        "messages": MESSAGES,
        "plain_prompt": pl.String,
        # The words that a right answer must hold, for utility prompts.
        "reference": pl.List(pl.String),
    },
    key=("prompt_id",),
    allowed={"kind": KINDS},
    nullable=frozenset({"reference"}),
)
