"""The texts of a subject: what a reward model is asked to score, and under which prompt."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from tunedrift.chats.messages import Message
from tunedrift.errors import UserError
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.variants import VARIANTS

Text = tuple[dict, str, list[Message]]
"""A text to score: the row's key, the column its score goes to, and the chat."""


def texts(subject: str, tables: Sequence[Path], prompts: Sequence[Path]) -> Iterator[Text]:
    """All texts of a subject's tables; `prompts` are the tables that responses answer.

    Raises `UserError` for a subject of another kind than variants, responses and preferences.
    """
    kind = subject.split("/", maxsplit=1)[0]
    if kind == "variants":
        yield from _of_variants(tables)
    elif kind == "responses":
        yield from _of_responses(tables, prompts)
    elif kind == "preferences":
        yield from _of_preferences(tables)
    else:
        raise UserError(f"--subject {subject}: a subject begins with variants/, responses/ or preferences/.")


def _of_variants(paths: Sequence[Path]) -> Iterator[Text]:
    """Answers under the original prompt, and beside it under the one that the variant changed."""
    tables = {path: VARIANTS.read(path) for path in paths}
    # Where one variant has a safety row, the variants have no prompt in common.
    mixed_in = pl.col("changed_by").list.contains("safety_mix")
    replaced = {row for table in tables.values() for row in table.filter(mixed_in)["row_id"]}
    for path, table in tables.items():
        for row in table.filter(~pl.col("row_id").is_in(replaced)).iter_rows(named=True):
            key = {"group": path.stem, "item_id": row["row_id"], "sample": 0}
            yield key, "reward", [*row["original_prompt"], row["messages"][-1]]
            if row["messages"][:-1] != row["original_prompt"]:
                yield key, "reward_as_trained", row["messages"]


def _of_responses(paths: Sequence[Path], prompts: Sequence[Path]) -> Iterator[Text]:
    """Greedy answers without the attack: an answer is scored as an answer to what was really asked."""
    asked = dict(
        pl.concat([PROMPTS.read(path) for path in prompts]).select("prompt_id", "plain_prompt").iter_rows()
    )
    for path in paths:
        for row in RESPONSES.read(path).filter(pl.col("sample") == 0).iter_rows(named=True):
            key = {"group": row["tuning"], "item_id": row["prompt_id"], "sample": 0}
            yield (
                key,
                "reward",
                _answered([{"role": "user", "content": asked[row["prompt_id"]]}], row["answer"]),
            )


def _of_preferences(paths: Sequence[Path]) -> Iterator[Text]:
    for path in paths:
        for row in PREFERENCES.read(path).iter_rows(named=True):
            for side in ("safer", "less_safe"):
                key = {"group": side, "item_id": row["pair_id"], "sample": 0}
                yield key, "reward", _answered(row["messages"], row[side])


def _answered(prompt: list[Message], answer: str) -> list[Message]:
    return [*prompt, {"role": "assistant", "content": answer}]
