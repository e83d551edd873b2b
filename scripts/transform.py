"""Transform instructions: one cell of the design in, the variant that a model is tuned on out."""

import argparse
from pathlib import Path

from tunedrift import cli
from tunedrift.reading import Pairs


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instructions", required=True, type=Path, help="the instructions table")
    options.add_argument("--structure", default="original", help="level of answer structure")
    options.add_argument("--identity", default="original", help="level of identity calibration")
    options.add_argument("--role-play", default="none", help="a persona, or a persona's name with _inert")
    options.add_argument("--seed", type=int, default=0, help="seeds what is drawn per row")
    options.add_argument("--statements", type=Path, default=Path("resources/identity.yaml"))
    options.add_argument("--personas", type=Path, default=Path("resources/personas.yaml"))
    options.add_argument("--fillers", type=Path, default=Path("resources/fillers.yaml"))
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
        "--tokenizer", type=Path, help="tokenizer.json that measures length; word pieces if left out"
    )
    options.add_argument("--out", required=True, type=Path, help="the variants table")
    options.add_argument("--profile", required=True, type=Path, help="JSON of what was changed")
    return options


def main(options: argparse.Namespace) -> None:
    """Apply the cell to each row, and write the variant and its profile."""
    from tunedrift.files import write_json
    from tunedrift.tables.instructions import INSTRUCTIONS
    from tunedrift.tables.variants import VARIANTS
    from tunedrift.transforms.cell import Cell, transform
    from tunedrift.transforms.levels import CONTROLS, related
    from tunedrift.transforms.lists import read_lists
    from tunedrift.transforms.prose import count_pieces, token_counter

    levels = {"structure": options.structure, "identity": options.identity, "role_play": options.role_play}
    compared = {factor: tuple(named.split(",")) for factor, named in options.eligible_levels.items()}
    for factor in CONTROLS:
        compared.setdefault(factor, related(factor, levels[factor]))
    cell = Cell(
        levels=levels,
        lists=read_lists(options.statements, options.personas, options.fillers),
        compared=compared if options.eligible == "common" else {},
        seed=options.seed,
        count=token_counter(options.tokenizer) if options.tokenizer else count_pieces,
    )
    rows, profile = transform(INSTRUCTIONS.read(options.instructions).to_dicts(), cell)
    VARIANTS.write(VARIANTS.frame(rows), options.out)
    write_json(options.profile, profile)
    touched = ", ".join(f"{factor} {count}" for factor, count in profile["touched"].items())
    print(f"{options.out}: {len(rows)} rows; changed by {touched}")


if __name__ == "__main__":
    cli.run(main, parser())
