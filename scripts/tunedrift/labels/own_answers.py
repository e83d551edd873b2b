"""Labelled answers that are the study's own: which of its answers a label is of."""

from collections import Counter

import polars as pl

from tunedrift.errors import UserError
from tunedrift.labels.answers import in_plain_space

ANSWER = ("model", "tuning", "prompt_id", "sample")
"""What names an answer of the study."""

NAMED = {"study_prompt": "prompt_id", "tuning": "tuning", "sample": "sample"}
"""Column of a labels table that names a part of the study's answer → that part."""

OWN, CHANGED = "the study's own", "another version of an answer of the study"
OUTCOMES = (
    *(OWN, CHANGED, "of a sample that was not made", "to a prompt that no suite has"),
    *("of a tuning that the study has not", "of a model that the study has not", "of no model that is named"),
)
"""What a labelled answer may be: the first that holds."""


def given_answers(prompts: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """The study's answers with their prompts: `ANSWER`, prompt, answer, as_asked, tuned.

    Each prompt stands in the words in which it was asked, and in its plain words where these are others (`as_asked`
    false). `tuned` says whether a tuned model answered.
    """
    asked = pl.concat(
        [
            prompts.select("prompt_id", prompt=text, as_asked=pl.lit(as_asked))
            for text, as_asked in (
                (pl.col("messages").list.last().struct.field("content"), True),
                (pl.col("plain_prompt"), False),
            )
        ]
    ).unique(["prompt_id", "prompt"], keep="first", maintain_order=True)
    given = responses.select(*ANSWER, "answer", tuned=pl.col("variant").is_not_null())
    return asked.join(given, on="prompt_id").select(*ANSWER, "prompt", "answer", "as_asked", "tuned")


def own_labels(
    name: str, measure: str, answers: pl.DataFrame, given: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Which of the study's answers the set `name` labels, and how many of its answers are what (`OUTCOMES`).

    `answers` are those of `answers_by_set`, `given` those of `given_answers`. An answer is recognised by its model,
    its prompt and its words, white space aside, and by tuning and sample (and `study_prompt` for the prompt's words)
    where the file names them; else its label is that of every tuning that gave it. Columns of the first: label_set,
    measure, `ANSWER`, and positive, 0 or 1; one half where the annotators tie, and the mean where one answer is
    labelled under several ids. Where a labelled answer is not what the study has now, those that are still the
    same are no random part of its tuning's answers (of its model's, if the file names no tuning): none of these counts.
    Raises `UserError` where no answer is the study's.
    """
    labelled = answers.select(
        *("answer_id", "model"),
        *(pl.col(own).alias(f"named_{named}") for own, named in NAMED.items()),
        positive=pl.col("positive").cast(pl.Float64).fill_null(0.5),
        prompt=in_plain_space("prompt"),
        answer=in_plain_space("answer"),
    )
    given = given.with_columns(prompt=in_plain_space("prompt"), given=in_plain_space("answer")).drop(
        "answer", "tuned"
    )

    def fits(*parts: str) -> pl.Expr:
        """Whether these parts of an answer are those that the file names, where it does."""
        return pl.all_horizontal(
            pl.col(f"named_{part}").is_null() | (pl.col(f"named_{part}") == pl.col(part)) for part in parts
        )

    of_tuning = labelled.join(given.select("model", "tuning").unique(), on="model").filter(fits("tuning"))
    asked = labelled.join(given, on=["model", "prompt"]).filter(fits("tuning", "prompt_id"))
    made = asked.filter(fits("sample"))
    same = made.filter(pl.col("answer") == pl.col("given"))
    # In the plain words of a prompt an answer may be to an attack on it, where it is none to the prompt itself.
    same = same.filter(pl.col("as_asked") == pl.col("as_asked").max().over("answer_id"))
    of_model = labelled.join(given, on="model", how="semi")
    stages = (same, made, asked, of_tuning, of_model, labelled.drop_nulls("model"), labelled)
    outcome: dict[str, str] = {}
    for what, found in zip(OUTCOMES, stages, strict=True):
        outcome = dict.fromkeys(found["answer_id"], what) | outcome
    counts = Counter(outcome.values())
    outcomes = {what: counts[what] for what in OUTCOMES if counts[what]}
    if OWN not in outcomes:
        raise UserError(
            f"label set {name!r} is said to be `sampled: random` from the study's answers, but none of its "
            f"{len(labelled)} answers is one of them: {in_words(outcomes)}. Correct the file's prompts, answers, models "
            "or tunings, or take `sampled` out."
        )
    no_more = [answer for answer, what in outcome.items() if what == CHANGED]
    changed = labelled.filter(pl.col("answer_id").is_in(no_more)).select("model", "named_tuning")
    own = same.join(changed.filter(pl.col("named_tuning").is_null()), on="model", how="anti")
    own = own.join(changed, left_on=["model", "tuning"], right_on=["model", "named_tuning"], how="anti")
    own = own.group_by(ANSWER).agg(pl.col("positive").mean()).sort(ANSWER)
    return own.with_columns(label_set=pl.lit(name), measure=pl.lit(measure)), outcomes


def in_words(outcomes: dict[str, int]) -> str:
    """`40 the study's own, 2 to a prompt that no suite has`."""
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
