"""The texts of a subject: what a reward model is asked to score, and under which prompt."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tunedrift.chats import template
from tunedrift.chats.messages import Message
from tunedrift.design.subjects import Subject
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.variants import VARIANTS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Text = tuple[dict, str, list[Message]]
"""A text to score: what names its row, the column its score goes to, and the chat."""

Found = tuple[str, str, str, list[Message]]
"""The same within a subject: group, item, column and chat."""


def texts(subject: Subject, tables: Sequence[Path], prompts: Sequence[Path]) -> Iterator[Text]:
    """All texts of a subject's tables; `prompts` are the tables that responses answer."""
    found = {
        "variants": lambda: _of_variants(tables),
        "responses": lambda: _of_responses(tables, prompts),
        "preferences": lambda: _of_preferences(tables),
    }[subject.stage]()
    for group, item, column, messages in found:
        yield {**subject.group(group), "item_id": item, "sample": 0}, column, messages


def cut_texts(
    tokenizer: "PreTrainedTokenizerBase", scored: Iterable[tuple[str, str]], max_length: int
) -> tuple[int, int]:
    """How many texts lose their beginning to `max_length` tokens, and how many items hold texts that are alike behind it.

    `scored` has the item of each text, and the text. Different texts of one item that are alike where they are read
    have one score, which says nothing of them.
    """
    cut: dict[str, dict[str, tuple[int, ...]]] = {}
    for item, text in scored:
        if len(text.encode()) > max_length:  # no token is shorter than a byte
            ids = template.encode(tokenizer, text)
            if len(ids) > max_length:
                cut.setdefault(item, {})[text] = tuple(ids[-max_length:])
    alike = sum(len(set(of_item.values())) < len(of_item) for of_item in cut.values())
    return len({text for of_item in cut.values() for text in of_item}), alike


def _of_variants(paths: Sequence[Path]) -> Iterator[Found]:
    """Answers under the original prompt, and beside it under the one that the variant changed."""
    tables = {path: VARIANTS.read(path) for path in paths}
    # Where safety data stand in one variant, the variants have no prompt in common.
    mixed_in = pl.col("changed_by").list.contains("safety_mix")
    replaced = {row for table in tables.values() for row in table.filter(mixed_in)["row_id"]}
    for path, table in tables.items():
        for row in table.filter(~pl.col("row_id").is_in(replaced)).iter_rows(named=True):
            yield path.stem, row["row_id"], "reward", [*row["original_prompt"], row["messages"][-1]]
            if row["messages"][:-1] != row["original_prompt"]:
                yield path.stem, row["row_id"], "reward_as_trained", row["messages"]


def _of_responses(paths: Sequence[Path], prompts: Sequence[Path]) -> Iterator[Found]:
    """Greedy answers without the attack: an answer is scored as an answer to what was really asked."""
    asked = dict(PROMPTS.read_all(prompts).select("prompt_id", "plain_prompt").iter_rows())
    for path in paths:
        for row in RESPONSES.read(path).filter(pl.col("sample") == 0).iter_rows(named=True):
            question = [{"role": "user", "content": asked[row["prompt_id"]]}]
            yield row["tuning"], row["prompt_id"], "reward", _answered(question, row["answer"])


def _of_preferences(paths: Sequence[Path]) -> Iterator[Found]:
    for path in paths:
        for row in PREFERENCES.read(path).iter_rows(named=True):
            for side in ("safer", "less_safe"):
                yield side, row["pair_id"], "reward", _answered(row["messages"], row[side])


def _answered(prompt: list[Message], answer: str) -> list[Message]:
    return [*prompt, {"role": "assistant", "content": answer}]
