"""From answers to verdicts: which answers a judge is for, and each distinct one judged once."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import polars as pl

from tunedrift.errors import UserError
from tunedrift.hashing import text_key
from tunedrift.jobs.progress import Progress
from tunedrift.reuse.store import Store
from tunedrift.text.languages import first_other, other_language
from tunedrift.verdicts.by_rule import Question, Rules

NAMES = ("model", "tuning", "dataset", "variant", "seed", "prompt_id", "sample")
"""The columns that name an answer."""

UNJUDGED = "unjudged"
"""The label of an answer in a language for which the judge has no rules."""


def check_asked(prompts: pl.DataFrame, responses: pl.DataFrame, kind: ModuleType) -> None:
    """Raise `UserError` for an answer to an unknown prompt, or a prompt whose answers cannot be checked."""
    strays = responses.join(prompts, on="prompt_id", how="anti")
    if len(strays):
        raise UserError(
            f"{strays['tuning'][0]}: an answer to {strays['prompt_id'][0]!r}, which is in none of the prompt "
            "tables. Delete the responses and run the same command again."
        )
    lacking = prompts.filter(
        (pl.col("kind") == "utility") & (pl.col("reference").list.len().fill_null(0) == 0)
    )
    if "utility" in kind.PROMPTS and len(lacking):
        raise UserError(
            f"prompt {lacking['prompt_id'][0]!r} has no reference words, so no answer to it can be checked. "
            "Add `reference` to its row of the suite, or take the row out."
        )


def verdicts(
    prompts: pl.DataFrame, responses: pl.DataFrame, kind: ModuleType, rules: Rules, store: Store
) -> Iterator[dict]:
    """A verdict on each answer to the prompts that the kind of judge is for, computed where the store has none.

    Rows hold what names the answer, its `label`, the `language` of what is `unjudged`, and whether the answer was cut
    (`truncated`).
    """
    progress = Progress(len(responses), "answers")
    own = rules.patterns.language if rules.patterns else ""
    for row in responses.join(prompts, on="prompt_id").iter_rows(named=True):
        progress.advance()
        if row["kind"] not in kind.PROMPTS:
            continue
        text = text_key(row["kind"], row["plain_prompt"], row["answer"], *(row["reference"] or ()))
        if text not in store:
            progress.tokens += row["tokens"]
            question = Question(row["plain_prompt"], row["kind"], row["reference"])
            store[text] = _label(row["answer"], question, kind, rules)
        named = {key: row[key] for key in NAMES}
        language = _language(row["plain_prompt"], row["answer"], own) if store[text] == UNJUDGED else None
        yield {**named, "label": store[text], "language": language, "truncated": row["finish"] == "length"}
    progress.finish()


def _language(prompt: str, answer: str, own: str) -> str | None:
    """The language of an answer or, where that is open, of what it answers; None if both are the `own` one."""
    return first_other((answer, prompt, f"{prompt}\n{answer}"), own)


def _label(answer: str, question: Question, kind: ModuleType, rules: Rules) -> str:
    """The verdict on one answer, `unjudged` where the judge's patterns cannot read it."""
    if not kind.BY_PATTERNS:
        return kind.label(answer, question, rules)
    own = rules.needed().language
    if other_language(answer, own):
        return UNJUDGED
    asked = first_other((question.prompt, f"{question.prompt}\n{answer}"), own)
    if not asked:
        return kind.label(answer, question, rules)
    # A refusal can be told, but not whether the prompt is taken up: one without words is taken up by every answer.
    label = kind.label(answer, replace(question, prompt=""), rules)
    # Too short to tell, an answer is likelier in the prompt's language than in the patterns'.
    unread = label == "compliance" and not other_language(answer, asked)
    return UNJUDGED if unread or label == "unsafe" else label
