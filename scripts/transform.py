"""Transform instructions: one cell of the design in, the variant that a model is tuned on out."""

import argparse
from pathlib import Path

from tunedrift import paths
from tunedrift.flags import Pairs
from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instructions", required=True, type=Path, help="the instructions table")
    options.add_argument("--structure", default="original", help="level of answer structure")
    options.add_argument("--identity", default="original", help="level of identity calibration")
    options.add_argument("--role-play", default="none", help="a persona, or a persona's name with _inert")
    options.add_argument(
        "--cue", choices=("answer", "instruction"), default="answer", help="where the structure is asked for"
    )
    options.add_argument("--dose", type=float, default=1.0, help="share of the rows that the factors touch")
    options.add_argument(
        "--safety-mix", type=float, default=0.0, help="share of the rows replaced by safety data"
    )
    options.add_argument("--safety-data", nargs="?", type=Path, help="the safety data, an instructions table")
    options.add_argument("--seed", type=int, default=0, help="seeds what is drawn per row")
    options.add_argument("--statements", type=Path, default=paths.own("resources/identity.yaml"))
    options.add_argument("--personas", type=Path, default=paths.own("resources/personas.yaml"))
    options.add_argument("--fillers", type=Path, default=paths.own("resources/fillers.yaml"))
    options.add_argument("--cues", type=Path, default=paths.own("resources/cues.yaml"))
    options.add_argument("--language", default="en", help="language of the entries drawn from the lists")
    options.add_argument(
        "--eligible",
        choices=("common", "all"),
        default="common",
        help="common: transform rows that can be had at all compared levels; all: whatever can be",
    )
    options.add_argument(
        "--eligible-levels",
        nargs="+",
        action=Pairs,
        default={},
        metavar="FACTOR=LEVEL[,LEVEL]",
        help="the compared levels of a factor; the cell's own level and those it is compared with if left out",
    )
    options.add_argument(
        "--length-model",
        nargs="?",
        type=Path,
        help="model.json of the model whose tokens measure length; word pieces if left out",
    )
    options.add_argument("--threads", type=int, default=1, help="processes side by side")
    options.add_argument("--out", required=True, type=Path, help="the variants table")
    options.add_argument("--profile", required=True, type=Path, help="JSON of what was changed")
    return options


def main(options: argparse.Namespace) -> None:
    """Apply the cell to each row, and write the variant and its profile."""
    from tunedrift.design.factors import BASELINES, CONTROLS, FACTORS, TOUCHING, related
    from tunedrift.files import write_json
    from tunedrift.tables.variants import VARIANTS
    from tunedrift.text.languages import name_of, rows_in
    from tunedrift.text.prose import count_pieces
    from tunedrift.variants import blocks
    from tunedrift.variants.cell import Rewriter
    from tunedrift.variants.token_length import token_counter, tokenizer_file
    from tunedrift.variants.word_lists import read_lists

    levels = {factor: getattr(options, factor) for factor in FACTORS if hasattr(options, factor)}
    compared = {factor: tuple(named.split(",")) for factor, named in options.eligible_levels.items()}
    for factor in CONTROLS:
        compared.setdefault(factor, related(factor, levels[factor]))
    cell = Rewriter(
        levels=levels,
        lists=read_lists(
            options.statements, options.personas, options.fillers, options.cues, options.language
        ),
        compared=compared if options.eligible == "common" else {},
        seed=options.seed,
        count=token_counter(tokenizer_file(options.length_model)) if options.length_model else count_pieces,
    )
    table, tally = blocks.transform(
        options.instructions, cell, safety=safety_data(options), processes=options.threads
    )
    VARIANTS.write(table, options.out)
    profile = tally.profile(cell)
    write_json(options.profile, profile)
    touched = ", ".join(f"{factor} {count}" for factor, count in profile["touched"].items() if count)
    print(f"{options.out}: {len(table)} rows; changed by {touched or 'nothing'}")
    changes = [factor for factor in TOUCHING if cell.levels[factor] != BASELINES[factor]]
    if changes and (languages := profile["other_languages"]):
        print(
            f"warning: {options.out}: {rows_in(languages, len(table))}, but the lists in "
            f"{name_of(cell.lists.language)}: no sentence of theirs is put into these rows"
        )
    for factor in changes:
        if not profile["touched"][factor]:
            print(
                f"warning: {options.out}: {factor} {cell.levels[factor]} changes none of the {len(table):,} rows"
            )


def safety_data(options: argparse.Namespace):
    """The rows of safety data to mix in, each under the row_id of the instruction whose place it takes."""
    import polars as pl

    from tunedrift.errors import UserError
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.variants.blocks import NOTHING
    from tunedrift.variants.safety_mix import mix

    if not options.safety_mix:
        return NOTHING
    if not options.safety_data:
        raise UserError("--safety-mix needs --safety-data: an instructions table.")
    rows = INSTRUCTIONS.read(options.safety_data)
    replaced = pl.scan_parquet(options.instructions).select("row_id").collect().to_series().to_list()
    pairs = mix(replaced, rows["row_id"].to_list(), options.safety_mix, options.seed)
    places = pl.DataFrame(
        {"row_id": list(pairs), "safety_id": list(pairs.values())},
        schema_overrides={"row_id": pl.String, "safety_id": pl.String},
    )
    return places.join(rows, left_on="safety_id", right_on="row_id").select("row_id", "messages")


if __name__ == "__main__":
    cli.run(main, parser())
