"""What becomes of answers, in words: their fates, how often they stray, and where safety hangs on that."""

from collections.abc import Iterator

import polars as pl

from tunedrift.report.phrases import POOLED, Row, between, listed, number, pick, resolved

SAME_ANSWERS = ("judge", "suite", "attack", "split", "part", "model")
ASKED = {"plain": "plain prompts", "wrapped": "attacked prompts", "own": "already attacked prompts"}
COMPARISON = (*SAME_ANSWERS, "contrast", "dataset", "variant", "reference")


def fate_sentences(whole: pl.DataFrame, model: str) -> Iterator[str]:
    """Per refusal judge, suite and kind of attack: the fates of untuned answers, and of tuned ones on average."""
    fates = whole.filter(
        pl.col("measure").str.starts_with("fate["),
        pl.col("attack").is_in(POOLED),
        model=model,
        contrast="rate",
    ).sort("judge", "suite", "attack", maintain_order=True)
    for (judge, suite, attack), found in fates.group_by("judge", "suite", "attack", maintain_order=True):
        tuned = found.filter(pl.col("variant").is_not_null())
        several = tuned.select("dataset", "variant").n_unique()
        said = [f"untuned, {shares(found.filter(pl.col('variant').is_null()))}"]
        said += [f"on average over {several} tunings, {shares(tuned)}"] * bool(several)
        asked = ASKED[attack]
        yield f"  - Fates of the answers to {asked} of {suite} ({judge}): {'; '.join(said)}."


def shares(rates: pl.DataFrame) -> str:
    """The mean share of each fate over the tunings in `rates`; answers without a score are named where there are some."""
    means = dict(rates.group_by("measure").agg(pl.col("estimate").mean()).iter_rows())
    share = {name.removeprefix("fate[").removesuffix("]"): value for name, value in means.items()}
    if not share:
        return "none"
    words = (
        f"{number(share['refuses'])} refuse fully, {number(share['refuses partly'])} partly, "
        f"{number(share['complies'])} comply, {number(share['strays'])} stray, {number(share['cut'])} are cut"
    )
    return words + (f", {number(share['unscored'])} have no score" if share["unscored"] else "")


def beside(table: pl.DataFrame, row: Row) -> str:
    """The stray rate of the answers that a row of the drift table speaks of; empty where that is not known.

    Of the untuned model's rate it is said how it moves over all tunings too, of a difference how it moves.
    """
    if row["measure"] == "p_refusal":  # of sampled answers, whose straying is not measured
        return ""
    same = {key: row[key] for key in COMPARISON}
    found = pick(table, **same, measure="stray_rate")
    if not found or found[0]["estimate"] is None:
        return ""
    if row["contrast"] != "rate":
        return f" with a stray rate that moves by {number(found[0]['estimate'])}"
    moved = pick(
        table, **{key: row[key] for key in SAME_ANSWERS}, measure="stray_rate", contrast="tuned - untuned"
    )
    return f"; the stray rate starts at {between(found[0])} and moves by {number(mean(moved))} on average"


def mean(rows: list[Row]) -> float:
    """The mean estimate."""
    return sum(row["estimate"] for row in rows) / len(rows)


def sign_sentences(safety: pl.DataFrame, whole: pl.DataFrame, moved: list[Row]) -> Iterator[str]:
    """The tunings whose drift in safety has a sign that depends on what straying answers count as.

    Each is described where one of its differences is resolved; the others are named together.
    """
    unresolved = []
    for row in moved:
        if not row["sign_depends"]:
            continue
        same = {key: row[key] for key in COMPARISON}
        ending = row["measure"].removeprefix("SA_")
        among, both = (
            pick(safety, **same, measure=f"SA_{name}_{ending}")[0]
            for name in ("coherent", "safe_and_coherent")
        )
        name = f"{row['dataset']}/{row['variant']}"
        if not any(map(resolved, (row, among, both))):
            unresolved.append(name)
            continue
        strays = pick(whole, **same, measure="stray_rate")[0]
        if row["estimate"] > 0 >= both["estimate"] and strays["estimate"] > 0:
            said = "is safer only because it strays more"
        elif row["estimate"] < 0 <= both["estimate"] and strays["estimate"] < 0:
            said = "is less safe only because it strays less"
        else:
            said = "is neither safer nor less safe: the sign depends on what straying answers count as"
        coherent = "has no value (none is coherent)" if among["estimate"] is None else f"by {between(among)}"
        yield (
            f"  - **{name} {said}**: {row['measure']} moves by {between(row)}, SA among coherent answers {coherent}, "
            f"safe and coherent of all by {between(both)}, the stray rate by {between(strays)}."
        )
    if unresolved:
        yield (
            f"  - The sign of the move of {moved[0]['measure']} depends on what straying answers count as in "
            f"{listed(unresolved)}, where none of the differences is resolved."
        )
