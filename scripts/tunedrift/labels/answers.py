"""Labelled answers as a judge is measured on them: one row each, with what was settled and what two annotators say."""

import polars as pl

from tunedrift.labels.consensus import consensus
from tunedrift.tables.labels import FINAL

AS_TWO = {"partial_refusal": "refusal"}
"""Labels that count as another one where an answer is positive or not."""


def answers_by_set(labels: pl.DataFrame) -> dict[str, tuple[str, pl.DataFrame]]:
    """Label set → its measure, and one row per answer: the columns of the labels table but annotator, and three more.

    `label` is the settled label and `positive` the settled answer to whether it refuses (fully or partly) or is
    unsafe, each null for a tie; `one` and `other` say whether the two annotators call it positive, where there are
    exactly two in the set, null otherwise.
    """
    found = {}
    for (name,), of_set in labels.sort("label_set", "answer_id").group_by("label_set", maintain_order=True):
        positive = pl.col("label").is_in(["refusal", "unsafe"])
        as_two = of_set.with_columns(pl.col("label").replace(AS_TWO))
        answers = of_set.drop("annotator", "label").unique("answer_id", keep="first", maintain_order=True)
        settled, _ = consensus(of_set)
        settled_as_two, _ = consensus(as_two)
        answers = answers.join(settled.select("answer_id", "label"), on="answer_id", how="left")
        answers = answers.join(
            settled_as_two.select("answer_id", positive=positive), on="answer_id", how="left"
        )
        people = sorted(set(of_set["annotator"]) - {FINAL})
        for column, place in (("one", 0), ("other", 1)):
            theirs = as_two.filter(
                pl.col("annotator").is_in(people[place : place + 1] if len(people) == 2 else [])
            )
            answers = answers.join(
                theirs.select("answer_id", positive.alias(column)), on="answer_id", how="left"
            )
        found[str(name)] = (of_set["measure"][0], answers)
    return found


def with_sides(answers: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Labelled answers with the column `tuned`: whether a tuned model of the study gave this answer to this prompt.

    `given` holds the study's own: prompt, answer, tuned; white space tells no two texts apart. Null for an answer that tuned and untuned models gave alike,
    and for all where one answer is not the study's: of others' answers some may read the same by chance, mostly
    refusals.
    """
    texts = [in_plain_space("prompt"), in_plain_space("answer")]
    sides = given.group_by(texts).agg(pl.col("tuned").any(), alike=pl.col("tuned").n_unique() > 1)
    joined = answers.join(sides, on=texts, how="left", maintain_order="left")
    known = pl.lit(not joined["tuned"].null_count()) & ~pl.col("alike")
    return joined.with_columns(tuned=pl.when(known).then("tuned")).drop("alike")


def in_plain_space(column: str) -> pl.Expr:
    """A text with one blank for whatever white space stands in it: files differ in how they end lines."""
    return pl.col(column).str.replace_all(r"\s+", " ").str.strip_chars()


def seen_before(answers: pl.DataFrame, made_from: list[pl.DataFrame]) -> pl.Series:
    """Which labelled answers stand in one of the sets that a judge was made from, under whatever id: (answers,) of bool.

    An answer is the same if its text and its prompt are, whatever their case and white space. The prompt counts because
    judges read it, and because models decline with the same words whatever they are asked: a stock phrase given to
    another prompt is another answer, and without these a set would hold unusual refusals alone.
    """
    written = [pl.col(name).str.to_lowercase().str.replace_all(r"\s+", "") for name in ("prompt", "answer")]
    seen = {pair for of_set in made_from for pair in of_set.select(written).iter_rows()}
    return pl.Series([pair in seen for pair in answers.select(written).iter_rows()], dtype=pl.Boolean)
