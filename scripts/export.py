"""Export the variants of one data set as JSON Lines and Parquet, with a data set card in the hub's format."""

import argparse
import json
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dataset", required=True, help="the data set's name")
    options.add_argument("--source", required=True, help="its settings in the study, as JSON")
    options.add_argument(
        "--files", nargs="*", type=Path, default=[], help="its source files, none for a hub's data set"
    )
    options.add_argument("--safety-source", help="the same of the safety data, if a variant has some")
    options.add_argument(
        "--safety-files", nargs="*", type=Path, default=[], help="source files of the safety data"
    )
    options.add_argument("--rejects", required=True, type=Path, help="CSV of the rows left out")
    options.add_argument("--held-out", required=True, type=Path, help="table of the rows held out")
    options.add_argument(
        "--variants", required=True, nargs="+", type=Path, help="variants tables, {variant}.parquet"
    )
    options.add_argument("--out", required=True, type=Path, help="folder of the exported data set")
    return options


def main(options: argparse.Namespace) -> None:
    """Write each variant in both formats, the rows held out beside them, then the card."""
    import csv
    from collections import Counter

    from tunedrift.files import read_json, sha256, write_text
    from tunedrift.instructions.loading import kind_of
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.variants import VARIANTS
    from tunedrift.variants.blocks import NOTHING, transform_block
    from tunedrift.variants.card import card
    from tunedrift.variants.cell import UNTOUCHED

    profiles = {}
    for path in options.variants:
        table = VARIANTS.read(path)
        VARIANTS.write(table, options.out / path.name)
        write_text(options.out / f"{path.stem}.jsonl", table.write_ndjson())
        profiles[path.stem] = read_json(path.with_suffix(".profile.json"))
    with options.rejects.open(encoding="utf-8", newline="") as file:
        left_out = Counter(kind_of(row["reason"]) for row in csv.DictReader(file))
    held_out = INSTRUCTIONS.read(options.held_out)
    counts = {
        "rows": max(profile["rows"] for profile in profiles.values()),
        "rows held out": len(held_out),
        **{f"left out, {kind}": count for kind, count in sorted(left_out.items())},
    }
    # Columns as in the variants, to be a split of them.
    untouched, _ = transform_block(held_out, UNTOUCHED, NOTHING)
    VARIANTS.write(untouched, options.out / "held_out.parquet")

    def described(source: str, files: list[Path]) -> tuple[dict, str | None]:
        return json.loads(source), sha256(*files) if files else None

    source, digest = described(options.source, options.files)
    safety = options.safety_source and described(options.safety_source, options.safety_files)
    test = "held_out.parquet" if len(held_out) else None
    text = card(options.dataset, source, profiles, counts, digest, safety=safety or None, test=test)
    write_text(options.out / "README.md", text)
    print(f"{options.out}: {len(profiles)} variants")


if __name__ == "__main__":
    cli.run(main, parser())
