"""Profiles of variants as rows of one table, with the tokens of each model."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from tunedrift.chats import template
from tunedrift.chats.messages import Messages
from tunedrift.errors import UnusableError
from tunedrift.tables.profiles import IN_LANGUAGE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MEANS = ("characters", "words", "pieces")


def measures(profile: dict) -> Iterator[dict]:
    """measure, before and after of one variant's profile, as `transform` writes it."""
    before, after = profile["before"], profile["after"]
    yield {"measure": "rows", "before": None, "after": profile["rows"]}
    yield {"measure": "persona_rows", "before": None, "after": profile["persona_rows"]}
    for what in ("eligible", "touched"):
        for factor, count in profile[what].items():
            yield {"measure": f"{what}[{factor}]", "before": None, "after": count}
    for language, count in profile["other_languages"].items():
        yield {"measure": f"{IN_LANGUAGE}[{language}]", "before": None, "after": count}
    for name in (*MEANS, "identity_statements"):
        yield {"measure": name, "before": before[name], "after": after[name]}
    for name in before["markdown"]:
        yield {"measure": name, "before": before["markdown"][name], "after": after["markdown"][name]}


def trained(variant: str, row_ids: pl.Series, rejected: pl.DataFrame) -> Iterator[dict]:
    """How many rows of a variant are trained on, and how many are rejected in this very variant, by reason.

    `rejected` is the data set's table of rejected rows: what one variant cannot be trained on is left out of all.
    """
    kept = row_ids.filter(~row_ids.is_in(rejected["row_id"].unique().implode()))
    yield {"measure": "trained_rows", "before": len(row_ids), "after": len(kept)}
    for reason, count in rejected.filter(variant=variant)["reason"].value_counts().sort("reason").iter_rows():
        yield {"measure": f"rejected[{reason}]", "before": None, "after": count}


class TokenCounts:
    """Tokens of the chats of one data set under one model's template, counted once per chat."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", originals: dict[str, Messages]):
        self.tokenizer = tokenizer
        self.originals = {row: self.count(messages) for row, messages in originals.items()}

    def count(self, messages: Messages) -> tuple[int, int] | None:
        """Tokens of the chat, and those of them that carry loss; None if the template cannot hold it."""
        try:
            ids, labels = template.supervised(self.tokenizer, messages)
        except UnusableError:
            return None
        return len(ids), sum(label != template.IGNORED for label in labels)

    def measures(self, rows: list[dict]) -> Iterator[dict]:
        """`tokens` and `supervised_tokens` per row, before and after, of rows of the variants table.

        Rows that the template cannot hold, before or after, are left out.
        """
        before, after = [], []
        for row in rows:
            original = self.originals[row["row_id"]]
            changed = self.count(row["messages"]) if row["changed_by"] else original
            if original is not None and changed is not None:
                before.append(original)
                after.append(changed)
        for place, name in enumerate(("tokens", "supervised_tokens")):
            means = [
                round(sum(count[place] for count in side) / max(1, len(side)), 2) for side in (before, after)
            ]
            yield {"measure": name, "before": means[0], "after": means[1]}
