"""Measure variants: their profiles side by side, with the tokens of each studied model."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instructions", required=True, nargs="+", type=Path, help="{dataset}.parquet")
    options.add_argument(
        "--variants", required=True, nargs="+", type=Path, help="{dataset}/{variant}.parquet"
    )
    options.add_argument(
        "--profiles", required=True, nargs="+", type=Path, help="{dataset}/{variant}.profile.json"
    )
    options.add_argument(
        "--models", nargs="*", type=Path, default=[], help="{model}/model.json, whose tokens count"
    )
    options.add_argument(
        "--rejected",
        nargs="*",
        type=Path,
        default=[],
        help="{model}/{dataset}/rejected.parquet, by select_rows",
    )
    options.add_argument("--out", required=True, nargs=2, type=Path, help="profiles table: Parquet and CSV")
    return options


def main(options: argparse.Namespace) -> None:
    """Collect the profiles, count tokens and the rows that are trained on, write the table."""
    from tunedrift.files import read_json
    from tunedrift.models import loading
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.profiles import PROFILES
    from tunedrift.tables.rejected import REJECTED
    from tunedrift.tables.variants import VARIANTS
    from tunedrift.variants.profiles import TokenCounts, measures, trained

    rows = []
    for path in options.profiles:
        named = {
            "dataset": path.parent.name,
            "variant": path.name.removesuffix(".profile.json"),
            "model": None,
        }
        rows += [{**named, **measure} for measure in measures(read_json(path))]
    for described in options.models:
        tokenizer = loading.load_tokenizer(described)
        model = read_json(described)["name"]
        for instructions in options.instructions:
            table = INSTRUCTIONS.read(instructions).select("row_id", "messages")
            counts = TokenCounts(tokenizer, dict(table.iter_rows()))
            for path in options.variants:
                if path.parent.name == instructions.stem:
                    named = {"dataset": instructions.stem, "variant": path.stem, "model": model}
                    found = counts.measures(VARIANTS.read(path).to_dicts())
                    rows += [{**named, **measure} for measure in found]
    for path in options.rejected:
        dataset, model = path.parent.name, path.parent.parent.name
        rejected = REJECTED.read(path)
        for variant in options.variants:
            if variant.parent.name == dataset:
                named = {"dataset": dataset, "variant": variant.stem, "model": model}
                ids = VARIANTS.read(variant)["row_id"]
                rows += [{**named, **measure} for measure in trained(variant.stem, ids, rejected)]
    for path in options.out:
        PROFILES.write(PROFILES.frame(rows), path)
    print(f"{len(options.profiles)} variants, {len(rows)} measures")


if __name__ == "__main__":
    cli.run(main, parser())
