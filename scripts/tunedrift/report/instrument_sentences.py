"""Where the sign of a drift hangs on the instrument, in words."""

from collections.abc import Iterator

import polars as pl

from tunedrift.report.phrases import listed


def instrument_sentences(cells: pl.DataFrame) -> Iterator[str]:
    """In how many cells the signs clash, by how well they are resolved and by meaning, and which ones are resolved both.

    `cells` are those of drift.disagreement: one row per drift that two instruments or more measure.
    """
    if cells.is_empty():
        yield "- No drift was measured by more than one instrument, so none was tried on another."
        return
    of = {
        clash: len(cells.filter(clash=clash)) for clash in ("both resolved", "one resolved", "none resolved")
    }
    by_meaning = [
        f"{found['clash'].count()} of {len(found)} in {meaning}"
        for (meaning,), found in cells.group_by("meaning", maintain_order=True)
    ]
    said = (
        f"- **The sign of a drift hangs on the instrument in {cells['clash'].count()} of {len(cells)} cells** "
        f"({listed(by_meaning)}; `figures/disagreement`)"
    )
    if any(of.values()):
        said += (
            f": in {of['both resolved']} a resolved rise stands against a resolved fall, in {of['one resolved']} a "
            f"resolved difference against one of the other sign or of none, in {of['none resolved']} nothing is resolved"
        )
    yield (
        f"{said}. A cell is one tuning on one suite, plain or under all attacks, read by two judges or more, or "
        "with answers that stray counted in other ways."
    )
    clashing = [
        f"{cell['dataset']}/{cell['variant']} of {cell['model']} ({cell['meaning']}, {cell['suite']}, {cell['attack']})"
        for cell in cells.filter(clash="both resolved").to_dicts()
    ]
    if clashing:
        yield f"  - Both signs are resolved in {listed(clashing)}: there the judge decides what is found, not the model."
