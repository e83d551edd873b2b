"""What the summary says of answers and rows that could not be read for their language."""

import polars as pl
from synthetic import fabricate, measure

from tunedrift.report import summary
from tunedrift.report.unread import row_sentences, unjudged_sentences
from tunedrift.tables.profiles import PROFILES


def profiles(**counts):
    """A profiles table of one data set: variant → measure → rows."""
    rows = [
        {
            "dataset": "set",
            "variant": variant,
            "model": None,
            "measure": name,
            "before": None,
            "after": float(after),
        }
        for variant, found in counts.items()
        for name, after in found.items()
    ]
    return PROFILES.frame(rows)


def test_unjudged_answers_are_counted_by_judge_and_language():
    verdicts = fabricate().verdicts
    assert list(unjudged_sentences(verdicts)) == []
    number = pl.int_range(pl.len())
    foreign = (pl.col("judge") == "harm") & (number % 7 == 0)
    language = pl.when(foreign).then(pl.when(number % 2 == 0).then(pl.lit("zh")).otherwise(pl.lit("es")))
    verdicts = verdicts.with_columns(
        language=language, label=pl.when(foreign).then(pl.lit("unjudged")).otherwise("label")
    )
    harm = verdicts.filter(judge="harm")
    zh, es = (len(harm.filter(language=code)) for code in ("zh", "es"))
    [said] = unjudged_sentences(verdicts)
    assert said.startswith(
        f"- The judge `harm` left {zh + es:,} of {len(harm):,} answers of **tiny** unjudged, "
    )
    assert f"{zh:,} in Chinese" in said
    assert f"{es:,} in Spanish" in said


def test_rows_of_other_languages_and_variants_that_change_no_row_are_named():
    touched = {"touched[structure]": 0, "touched[identity]": 0}
    table = profiles(
        original={"rows": 1000, "other_language[zh]": 412, **touched},
        markdown={"rows": 1000, "other_language[zh]": 412, **touched, "touched[structure]": 580},
        calibrated={"rows": 1000, "other_language[zh]": 412, **touched},
    )
    rows, same = row_sentences(table)
    assert rows.startswith(
        "- In **set**, 412 of 1,000 rows are in Chinese, and the word lists are not: no variant"
    )
    assert same == "- **set/calibrated** changes no row: it is the untouched data under another name."
    assert list(row_sentences(profiles(original={"rows": 9, **touched}))) == []


def test_the_summary_has_the_sentences_and_no_heading_without_them():
    drift, agreement = measure(fabricate())[:2]
    gates = [{"model": "tiny", "refusal_rate": 0.9, "n": 60, "threshold": 0.8}]
    given = (drift, agreement, gates, "harm", [], [{"torch": "2.13.0"}])
    plain = summary.summarize(*given)
    assert summary.summarize(*given, unread=iter([])) == plain
    heading = "\n## What was not read\n\n- One.\n- Two.\n"
    said = summary.summarize(*given, unread=iter(["- One.", "- Two."]))
    assert heading in said
    assert said.replace(heading, "", 1) == plain
