"""The map of disagreement: the drift of every tuning under every instrument, and where their signs clash."""

from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tunedrift.figures.style import INK, QUIET, empty_figure, stacked, styled

Lines = list[tuple[str, str, float]]
"""(group, name, place) of the rows or columns of cells."""

MARK: dict[str, Any] = {
    "marker": "o",
    "color": INK,
    "markersize": 5,
    "markeredgewidth": 0.8,
    "linestyle": "none",
}

CLASH: dict[str, tuple[dict[str, Any], str]] = {
    "both resolved": ({}, "both signs resolved"),
    "one resolved": ({"fillstyle": "left", "markerfacecoloralt": "white"}, "one resolved"),
    "none resolved": ({"markerfacecolor": "white"}, "none resolved"),
}
"""Clash of a cell → its marker, and the words for it."""

READINGS = {
    "SA": ": SA",
    "SA_coherent": ": SA among coherent",
    "SA_safe_and_coherent": ": safe and coherent",
}
"""Measure → what follows its judge, where a judge has more than one of the same meaning."""

WIDTH, HEIGHT = 0.2, 0.155
"""Of a cell, in inches."""

TICKS = (0.05, 0.2, 0.5, 1.0)
"""Of the colour bar, to either side of 0."""

NOTHING = "#bdbdbd"
"""The colour of a drift of which nothing is counted."""


@styled
def disagreement_figure(instruments: pl.DataFrame, cells: pl.DataFrame, variants: list[str]) -> Figure:
    """The drift of every tuning (columns) under every instrument (rows), and above them where their signs clash.

    Colour is the sign and size of the drift, by its square root; a dot says that its interval leaves zero
    out. `instruments` and `cells` are those of drift.disagreement, `variants` the order of the columns. One panel per
    model.
    """
    instruments, cells = _named(instruments), _named(cells)
    models = instruments["model"].unique(maintain_order=True).to_list()
    datasets = instruments["dataset"].unique().sort().to_list()
    tuned = set(instruments.select("dataset", "variant").rows())
    groups = {key: [name for name in variants if (key, name) in tuned] for key in datasets}
    columns = [(dataset, variant, -y) for dataset, variant, y in stacked(groups)]
    blocks: dict[str, list[str]] = {}
    for block, line in instruments.select("block", "line").unique(maintain_order=True).rows():
        # The first line of a block holds its name and the marks.
        blocks.setdefault(block, [""]).append(line)
    lines = list(stacked(blocks))
    if not lines:
        return empty_figure("no drift to compare")
    widest = max(cast(float | None, instruments["estimate"].abs().max()) or 0, 0.1)
    scale = _scale(widest)
    height = HEIGHT * -lines[-1][2] * len(models)
    names = 0.07 * max(len(variant) for _, variant, _ in columns)  # they stand upright below
    figure, grid = plt.subplots(
        len(models),
        1,
        figsize=(max(3.6, 3.0 + WIDTH * columns[-1][2]), 1.4 + names + 0.3 * len(models) + height),
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    for model, axes in zip(models, grid[:, 0], strict=True):
        found = instruments.filter(model=model)
        clashes = cells.filter(model=model)
        _paint(axes, found, clashes, columns, lines, scale)
        _name_lines(axes, columns, lines)
        axes.set_ylabel(model if len(models) > 1 else "", fontweight="bold")
    for dataset in datasets:
        places = [x for name, _, x in columns if name == dataset]
        grid[0, 0].text(
            (places[0] + places[-1]) / 2, 0.75, dataset, ha="center", va="bottom", fontweight="bold"
        )
    figure.suptitle(_heading(cells), x=0.01, ha="left", fontsize=8.5)
    bar = figure.colorbar(
        ScalarMappable(scale, "RdBu"),
        ax=list(grid[:, 0]),
        shrink=min(1.0, 1.7 / height),
        aspect=14,
        pad=0.02,
        anchor=(0.0, 1.0),
    )
    marks = [mark for mark in TICKS if mark <= widest][0 if height > 1 else -1 :]
    bar.set_ticks([*(-mark for mark in reversed(marks)), 0, *marks])
    bar.ax.minorticks_off()
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    bar.ax.set_title("tuned −\nuntuned", fontsize=7.5)
    bar.outline.set_visible(False)
    figure.legend(handles=_legend(instruments), loc="outside lower center", ncols=2)
    return figure


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Instruments or cells with the names of their block and, of instruments, their line."""
    meaning = pl.col("meaning").str.head(1).str.to_uppercase() + pl.col("meaning").str.slice(1)
    block = pl.format("{} · {}, {}", meaning, "suite", "attack")
    frame = frame.with_columns(block=block)
    if "judge" not in frame.columns:
        return frame
    reading = pl.col("measure").replace_strict(READINGS, default="", return_dtype=pl.String)
    return frame.with_columns(line=pl.col("judge") + reading)


def _scale(widest: float) -> Normalize:
    """Drift → 0 to 1 by its square root, so that the sign of a small drift is seen beside a large one."""

    def root(values: np.ndarray) -> np.ndarray:
        return np.sign(values) * np.sqrt(np.abs(values))

    def square(values: np.ndarray) -> np.ndarray:
        return np.sign(values) * np.square(values)

    return FuncNorm((root, square), -widest, widest)


def _paint(
    axes: Axes, found: pl.DataFrame, clashes: pl.DataFrame, columns: Lines, lines: Lines, scale: Normalize
) -> None:
    """The cells of one model, with their dots and marks."""
    places = {(dataset, variant): x for dataset, variant, x in columns}
    heights = {(block, line): y for block, line, y in lines}
    colours = plt.get_cmap("RdBu")
    squares, fills = [], []
    for row in found.iter_rows(named=True):
        x, y = places[row["dataset"], row["variant"]], heights[row["block"], row["line"]]
        value = row["estimate"]
        squares.append(Rectangle((x - 0.5, y - 0.5), 1, 1))
        fills.append(NOTHING if value is None else colours(scale(value)))
        if row["low"] is not None and (row["low"] > 0 or row["high"] < 0):
            dark = abs(scale(value) - 0.5) > 0.3
            axes.plot(x, y, ".", color="white" if dark else INK, markersize=2.6, markeredgewidth=0)
    axes.add_collection(PatchCollection(squares, facecolor=fills, edgecolor="white", linewidth=0.6))
    for row in clashes.filter(pl.col("clash").is_not_null()).iter_rows(named=True):
        look, _ = CLASH[row["clash"]]
        x, y = places[row["dataset"], row["variant"]], heights[row["block"], ""]
        axes.plot(x, y, **{**MARK, **look})
    for block in dict.fromkeys(block for block, *_ in lines):
        if block not in clashes["block"]:
            axes.text(-0.5, heights[block, ""], "one instrument alone", va="center", fontsize=7, color=QUIET)


def _name_lines(axes: Axes, columns: Lines, lines: Lines) -> None:
    """Names of instruments at the left, each block under its own; variants below."""
    axes.set_yticks([y for *_, y in lines], [line or block for block, line, _ in lines])
    for label, (_, line, _) in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("normal" if line else "bold")
    axes.set_xticks([x for *_, x in columns], [variant for _, variant, _ in columns], rotation=90)
    axes.set_xlim(-0.6, columns[-1][2] + 0.6)
    axes.set_ylim(lines[-1][2] - 0.6, 0.6)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _heading(cells: pl.DataFrame) -> str:
    """In how many cells the signs clash, and how."""
    if cells.is_empty():
        return "No drift is measured by more than one instrument"
    how = [f"{said}: {len(cells.filter(clash=clash))}" for clash, (_, said) in CLASH.items()]
    clashing = cells["clash"].count()
    return f"The sign hangs on the instrument in {clashing} of {len(cells)} cells\n({', '.join(how)})"


def _legend(instruments: pl.DataFrame) -> list[Artist]:
    """What marks, dots and, where there is one, a grey cell say."""
    handles: list[Artist] = [
        plt.Line2D([], [], label=f"signs clash, {said}", **{**MARK, **look}) for look, said in CLASH.values()
    ]
    dot = {**MARK, "marker": ".", "markersize": 3.5}
    handles.append(plt.Line2D([], [], label="interval leaves 0 out", **dot))
    if instruments["estimate"].null_count():
        handles.append(Patch(color=NOTHING, label="nothing is counted"))
    return handles
