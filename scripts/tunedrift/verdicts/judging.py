"""From answers to verdicts: which answers a judge is for, and each distinct one judged once."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import polars as pl

from tunedrift.errors import UserError, unknown
from tunedrift.hashing import text_key
from tunedrift.jobs.progress import Progress
from tunedrift.reuse.store import Store
from tunedrift.text.languages import other_language
from tunedrift.verdicts.by_rule import Question
from tunedrift.verdicts.coherence import stray

NAMES = ("model", "tuning", "dataset", "variant", "seed", "prompt_id", "sample")
"""The columns that name an answer."""

UNJUDGED = "unjudged"
"""The label of an answer in a language for which the judge has no rules."""


def check_asked(
    prompts: pl.DataFrame, responses: pl.DataFrame, kind: ModuleType, suites: Collection[str] = ()
) -> None:
    """Raise `UserError` for an answer to an unknown prompt, or a prompt whose answers cannot be checked.

    Checked are answers to the prompts of `suites`, of all where none is named; one that is not there is an error too.
    """
    strays = responses.join(prompts, on="prompt_id", how="anti")
    if len(strays):
        raise UserError(
            f"{strays['tuning'][0]}: an answer to {strays['prompt_id'][0]!r}, which is in none of the prompt "
            "tables. Delete the responses and run the same command again."
        )
    if absent := sorted(set(suites) - set(prompts["suite"])):
        raise UserError(f"--suites: {unknown('suite', absent[0], sorted(set(prompts['suite'])))}")
    asked = of_suites(prompts, suites)
    lacking = asked.filter((pl.col("kind") == "utility") & (pl.col("reference").list.len().fill_null(0) == 0))
    if "utility" in kind.PROMPTS and len(lacking):
        raise UserError(
            f"prompt {lacking['prompt_id'][0]!r} has no reference words, so no answer to it can be checked. "
            "Add `reference` to its row of the suite, or take the row out."
        )
    if lacks := getattr(kind, "lacks", None):
        for prompt in asked.filter(pl.col("kind").is_in(kind.PROMPTS)).iter_rows(named=True):
            if said := lacks(prompt["reference"]):
                raise UserError(
                    f"prompt {prompt['prompt_id']!r} of the suite {prompt['suite']!r}: {said}, so this judge cannot check an "
                    "answer. Correct the row or take it out, or name the suites that the judge is for (`suites`)."
                )


def of_suites(prompts: pl.DataFrame, suites: Collection[str]) -> pl.DataFrame:
    """The prompts of these suites; all where none is named."""
    return prompts.filter(pl.col("suite").is_in(list(suites))) if suites else prompts


def verdicts(
    prompts: pl.DataFrame, responses: pl.DataFrame, kind: ModuleType, rules: Any, store: Store
) -> Iterator[dict]:
    """A verdict on each answer to the prompts that the kind of judge is for, computed where the store has none.

    Rows hold what names the answer, what `judged` says of it, and whether it was cut (`truncated`).
    """
    progress = Progress(len(responses), "answers")
    for row in responses.join(prompts, on="prompt_id").iter_rows(named=True):
        progress.advance()
        if row["kind"] not in kind.PROMPTS:
            continue
        text = text_key(row["kind"], row["plain_prompt"], row["answer"], *(row["reference"] or ()))
        if text not in store:
            progress.tokens += row["tokens"]
            question = Question(row["plain_prompt"], row["kind"], row["reference"])
            store[text] = judged(row["answer"], question, kind, rules)
        named = {key: row[key] for key in NAMES}
        yield {**named, **store[text], "truncated": row["finish"] == "length"}
    progress.finish()


def verdicts_on_labels(labels: pl.DataFrame, kind: ModuleType, rules: Any, store: Store) -> Iterator[dict]:
    """A verdict on each answer of one or more labels tables, in the way and with the store of `verdicts`.

    Rows hold `label_set`, `answer_id` and what `judged` says. An answer counts as one to a harmful prompt, of whatever
    kind the prompt is: the labels do not say.
    """
    answers = labels.unique(["label_set", "answer_id"], keep="first").sort("label_set", "answer_id")
    for row in answers.iter_rows(named=True):
        text = text_key("harmful", row["prompt"], row["answer"])
        if text not in store:
            store[text] = judged(row["answer"], Question(row["prompt"], "harmful"), kind, rules)
        yield {"label_set": row["label_set"], "answer_id": row["answer_id"], **store[text]}


def judged(answer: str, question: Question, kind: ModuleType, rules: Any) -> dict[str, str | float | None]:
    """What a judge says of one answer: its `label`, how it strays (`stray`), and the `language` of what is unjudged.

    A judge that grades answers says its `score` too.

    An answer in a language that the judge does not read is `unjudged`. One that does not stray, or answers a utility
    prompt (and so is right or wrong), has None for `stray`.
    """
    prompt, languages = question.prompt, kind.languages(rules)
    asked = _unread((prompt, f"{prompt}\n{answer}"), languages)
    spoken = _unread((answer,), languages)
    if asked:  # a refusal can be told, but not whether the prompt is taken up: one without words always is
        question = replace(question, prompt="")
    label = UNJUDGED if spoken else kind.label(answer, question, rules)
    # Too short to tell, an answer is likelier in the prompt's language than in the judge's.
    if asked and (label == "unsafe" or (label == "compliance" and not other_language(answer, asked))):
        label = UNJUDGED
    strays = None if question.kind == "utility" else stray(answer, "" if spoken else question.prompt)
    said = {"label": label, "stray": strays, "language": (spoken or asked) if label == UNJUDGED else None}
    if grade := getattr(kind, "score", None):
        said["score"] = grade(answer, question, rules)
    return said


def _unread(texts: Iterable[str], languages: Collection[str]) -> str | None:
    """The language of the first of the texts that is surely in none of these; None if all are, or none is named."""
    for text in texts:
        found = [other_language(text, own) for own in languages]
        if found and all(found):
            return found[0]
    return None
