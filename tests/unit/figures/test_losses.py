import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest

from tunedrift.figures import style
from tunedrift.figures.losses import losses_figure

ROOT = Path(__file__).parents[3]


def log(loss, steps=40):
    return [{"step": step, "loss": loss + (-1) ** step, "learning_rate": 0.1} for step in range(1, steps + 1)]


def table(**tunings):
    rows = [
        {"model": "m", "dataset": name[0], "variant": name[1:], "seed": f"seed{seed}", **entry}
        for name, losses in tunings.items()
        for seed, loss in enumerate(losses)
        for entry in log(loss)
    ]
    return pl.DataFrame(rows).drop("learning_rate")


def test_every_tuning_is_a_line_in_its_datasets_panel_and_seeds_share_a_look():
    figure = losses_figure(table(aoriginal=[2, 3], amarkdown=[4], boriginal=[5]))
    first, second = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    assert [len(axes.lines) for axes in figure.axes] == [3, 1]
    assert first.lines[0].get_color() == first.lines[1].get_color() == second.lines[0].get_color()
    assert first.lines[2].get_color() != first.lines[0].get_color()
    # A window of two of forty steps levels a loss that jumps by one to either side.
    assert list(first.lines[2].get_ydata()[1:]) == pytest.approx([4] * 39)
    plt.close(figure)


def test_the_program_draws_equal_bytes_from_equal_logs(tmp_path):
    for variant, loss in (("original", 2), ("markdown", 3)):
        (tmp_path / f"{variant}.json").write_text(json.dumps({"log": log(loss)}))
    files = [tmp_path / "original.json", tmp_path / "markdown.json"]
    names = ["m/d/original/seed0", "m/d/markdown/seed0"]
    for out in ("one", "two"):
        words = ["--training", *files, "--tunings", *names, "--out", tmp_path / out]
        subprocess.run([sys.executable, ROOT / "scripts/draw_losses.py", *words], check=True)
    assert (tmp_path / "one/losses.svg").read_bytes() == (tmp_path / "two/losses.svg").read_bytes()
    assert style.INK in (tmp_path / "one/losses.svg").read_text()


def test_tunings_that_left_out_other_rows_are_not_drawn_side_by_side(tmp_path):
    for variant, rows in (("original", "a"), ("markdown", "b")):
        (tmp_path / f"{variant}.json").write_text(json.dumps({"log": log(2), "rejected_rows": rows}))
    words = ["--training", tmp_path / "original.json", tmp_path / "markdown.json", "--out", tmp_path]
    words += ["--tunings", "m/d/original/seed0", "m/d/markdown/seed0"]
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/draw_losses.py", *words], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "m/d/markdown/seed0 was tuned before a new or changed variant of d took rows away" in run.stderr
    assert "Run the same command again" in run.stderr
