"""What the suites of a study are, as a table of the summary: which release, under which licence, and how much of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from tunedrift.tables.prompts import PLAIN, PROMPTS

HEAD = ("suite", "kind", "release", "licence", "prompts", "left out", "attacks")


def suite_rows(paths: Iterable[str | Path]) -> Iterator[str]:
    """The lines of a Markdown table with a row for each prompts table; none where there is none.

    The release, its licence and the rows left out are in the table's metadata, where `load_prompts` wrote them; a table
    that was made otherwise does not say them.
    """
    for number, path in enumerate(paths):
        if not number:
            yield f"| {' | '.join(HEAD)} |"
            yield "|---|---|---|---|---:|---:|---|"
        prompts, metadata = PROMPTS.read(path), pl.read_parquet_metadata(path)
        attacks = prompts["attack"].unique(maintain_order=True)
        kept = [metadata.get(key, "not said") for key in ("release", "licence")]
        cells = [
            *(", ".join(prompts[column].unique(maintain_order=True)) for column in ("suite", "kind")),
            *(text.replace("|", "\\|") for text in kept),
            f"{prompts['plain_id'].n_unique():,}",
            metadata.get("left_out", "not said"),
            ", ".join(sorted(attacks.filter(attacks != PLAIN))) or "none",
        ]
        yield f"| {' | '.join(cells)} |"
