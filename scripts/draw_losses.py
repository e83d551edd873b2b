"""Draw the loss of every tuning over its steps, as SVG and PNG."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--training", required=True, nargs="+", type=Path, help="training.json of each tuning"
    )
    options.add_argument(
        "--tunings", required=True, nargs="+", help="their names, {model}/{dataset}/{variant}/seed{seed}"
    )
    options.add_argument("--out", required=True, type=Path, help="folder of the figure")
    return options


def main(options: argparse.Namespace) -> None:
    """Read the loss logs, draw, save.

    Raises `UserError` where two tunings of a model on a data set left out other rows: they cannot be compared.
    """
    import polars as pl

    from tunedrift import files
    from tunedrift.design.tunings import parse_tuning
    from tunedrift.errors import UserError
    from tunedrift.figures import style
    from tunedrift.figures.losses import losses_figure

    rows = []
    left_out: dict[tuple[str, str], str] = {}
    for path, tuning in zip(options.training, options.tunings, strict=True):
        model, _, name = tuning.partition("/")
        names = {"model": model, **parse_tuning(name)._asdict()}
        training = files.read_json(path)
        if left_out.setdefault((model, names["dataset"]), training.get("rejected_rows")) != training.get(
            "rejected_rows"
        ):
            raise UserError(
                f"{path}: {tuning} was tuned before a new or changed variant of {names['dataset']} took rows away from "
                "all of them. Run the same command again: it tunes anew what needs it."
            )
        rows += [{**names, "step": entry["step"], "loss": entry["loss"]} for entry in training["log"]]
    style.save(losses_figure(pl.DataFrame(rows)), options.out, "losses")


if __name__ == "__main__":
    cli.run(main, parser())
