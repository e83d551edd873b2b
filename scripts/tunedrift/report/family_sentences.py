"""The primary effects in words, which the adjusted p-values decide; all other effects are intervals."""

from collections.abc import Iterator, Mapping

import polars as pl

from tunedrift.report.phrases import between, listed, number


def family_sentences(
    family: pl.DataFrame, safety: pl.DataFrame, marks: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    """Per model and primary effect: its estimate, and what may be said of the variant.

    `safety` holds the primary judge's rows of the drift table; where the sign of an effect depends there on what straying
    answers count as, the variant is said to do neither. `marks` holds what else is to be said of a (variant, reference).
    """
    tests = dict(family.group_by("model").len().iter_rows())
    for row in family.iter_rows(named=True):
        effect = (
            f"{row['factor'].replace('_', '-')} ({row['variant']} − {row['reference']}), {row['measure']}"
        )
        over = f"mean over {row['datasets']} data sets" if row["datasets"] > 1 else "one data set"
        same = {key: row[key] for key in ("model", "variant", "reference", "measure")}
        found = safety.filter(contrast="level - control", **same)
        open_signs = found.filter(pl.col("sign_depends") & pl.col("attack").is_in(["plain", "wrapped"]))
        start = f"- {row['model']}, **{effect}**, {over}:"
        if row["estimate"] is None:
            yield f"{start} nothing is counted."
            continue
        said = f"{start} {between(row)}: {_verdict(row, tests[row['model']], bool(len(open_signs)))}"
        if len(open_signs):
            where = listed(sorted(set(open_signs["dataset"])))
            said += f"; on {where} the sign depends on what straying answers count as"
        yield said + marks.get((row["variant"], row["reference"]), "") + "."


def _verdict(row: dict, tests: int, open_sign: bool) -> str:
    reach = (
        f"a difference of {number(row['detectable'])} would have been found in four of five studies like this"
    )
    if row["seeds"] < 2:
        return (
            "with one seed it is conditional on these adapters and nothing is said of the variant; "
            + reach.replace("studies like this", "samples of prompts")
        )
    p = f"p {row['p_holm']:.3f}, adjusted for {tests} tests"
    if row["word"] and not open_sign:
        return f"it {row['word']} the share of safe answers ({p})"
    return f"no effect is named ({p}); {reach}"
