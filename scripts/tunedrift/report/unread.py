"""What a study could not read for its language, and variants that are none, as sentences of the summary."""

from collections.abc import Iterator

import polars as pl

from tunedrift.tables.profiles import IN_LANGUAGE
from tunedrift.text.languages import counted, rows_in


def unjudged_sentences(verdicts: pl.DataFrame) -> Iterator[str]:
    """Per judge and model: how many answers have no verdict for their language. `verdicts` is a verdicts table."""
    for (judge, model), found in verdicts.group_by("judge", "model", maintain_order=True):
        languages = found["language"].drop_nulls().value_counts()
        if len(languages):
            yield (
                f"- The judge `{judge}` left {languages['count'].sum():,} of {len(found):,} answers of **{model}** "
                f"unjudged, {counted(dict(languages.iter_rows()))}: its patterns do not read them, or not what they "
                "answer. They count as neither safe nor dropped; `worst` and `best` say how far they could move a rate."
            )


def row_sentences(profiles: pl.DataFrame) -> Iterator[str]:
    """Per data set: rows in another language than the lists; and variants without a changed row. A profiles table."""
    for (dataset,), found in profiles.group_by("dataset", maintain_order=True):
        measures = found.filter(pl.col("model").is_null()).select("variant", "measure", "after")
        most = dict(measures.group_by("measure").agg(pl.col("after").max()).iter_rows())
        languages = {
            measure.removeprefix(f"{IN_LANGUAGE}[")[:-1]: int(count)
            for measure, count in most.items()
            if measure.startswith(f"{IN_LANGUAGE}[")
        }
        if languages:
            yield (
                f"- In **{dataset}**, {rows_in(languages, int(most['rows']))}, and the word lists are not: no variant puts "
                "a sentence into them, and a safety filter in the lists' language finds nothing in them."
            )
        touched = measures.filter(pl.col("measure").str.starts_with("touched["))
        for variant, rows in (
            touched.group_by("variant", maintain_order=True).agg(pl.col("after").sum()).iter_rows()
        ):
            if variant != "original" and not rows:
                yield f"- **{dataset}/{variant}** changes no row: it is the untouched data under another name."
