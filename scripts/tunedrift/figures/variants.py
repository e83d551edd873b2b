"""The variants side by side: what each changed in the training data."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tunedrift.design.factors import TOUCHING
from tunedrift.figures.style import COLOURS, FAINT, INK, MARKERS, STYLE, label_rows, stacked, styled

ELEMENTS = ("headings", "list_items", "code_blocks", "tables", "quotations", "bold")

LENGTHS = {"supervised_tokens": "Supervised tokens\nper row", "words": "Words\nper answer"}
"""Measure → title of the length panel; the first that the table has is shown."""


@styled
def variants_figure(profiles: pl.DataFrame) -> Figure:
    """Rows touched by each factor, and length, Markdown elements and identity statements before and after.

    `profiles` is the profiles table; one row of panels per data set. Of several models' tokens the
    first model's are shown.
    """
    length = next(name for name in LENGTHS if name in profiles["measure"])
    titles = [
        "Share of rows\ntouched",
        LENGTHS[length],
        "Markdown elements\nper answer",
        "Identity statements\nper answer",
    ]
    datasets = profiles["dataset"].unique(maintain_order=True).to_list()
    variants = profiles["variant"].n_unique()
    figure, grid = plt.subplots(
        len(datasets),
        len(titles),
        figsize=(8.2, 0.9 + (0.45 + 0.2 * variants) * len(datasets)),
        sharex="col",
        squeeze=False,
        layout="constrained",
    )
    for dataset, panels in zip(datasets, grid, strict=True):
        found = profiles.filter(dataset=dataset)
        lines = list(stacked({dataset: found["variant"].unique(maintain_order=True).to_list()}))
        for _, variant, y in lines:
            of = found.filter(variant=variant)
            rows = max(1, float(of.filter(measure="rows")["after"].sum()))
            elements = of.filter(pl.col("measure").is_in(ELEMENTS)).select(pl.col("before", "after").sum())
            _shares(panels[0], of, rows, y)
            _change(panels[1], of.filter(measure=length).head(1), 1, y)
            _change(panels[2], elements, rows, y)
            _change(panels[3], of.filter(measure="identity_statements"), rows, y)
        for axes in panels:
            label_rows(axes, lines)
        for axes in panels[1:]:
            axes.set_yticklabels([])
        panels[0].set_ylabel(dataset if len(datasets) > 1 else "")
    grid[0][0].set_xlim(-0.03, 1.03)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title)
    for axes in grid[0][1:]:
        axes.set_xlim(left=0, right=1.06 * axes.get_xlim()[1])
    _legend(
        figure,
        set(profiles.filter(pl.col("measure").str.starts_with("touched") & (pl.col("after") > 0))["measure"]),
    )
    return figure


def _shares(axes: Axes, of: pl.DataFrame, rows: float, y: float) -> None:
    counts = [float(of.filter(measure=f"touched[{factor}]")["after"].sum()) for factor in TOUCHING]
    touching = [number for number, count in enumerate(counts) if count]
    for place, number in enumerate(touching):
        share, height = counts[number] / rows, y - 0.26 * (place - (len(touching) - 1) / 2)
        axes.plot([0, share], [height, height], color=COLOURS[number], linewidth=1.1, alpha=0.4)
        axes.plot(
            share, height, marker=MARKERS[number], markersize=4.5, color=COLOURS[number], linestyle="none"
        )


def _change(axes: Axes, of: pl.DataFrame, rows: float, y: float) -> None:
    """A hollow point before, a filled one after, and a line between them."""
    for row in of.iter_rows(named=True):
        before, after = row["before"] / rows, row["after"] / rows
        axes.plot([before, after], [y, y], color=FAINT, linewidth=1.1)
        axes.plot(
            before,
            y,
            marker="o",
            markersize=4.5,
            color=FAINT,
            markerfacecolor="white",
            linestyle="none",
            clip_on=False,
        )
        axes.plot(after, y, marker="o", markersize=4.5, color=INK, linestyle="none", clip_on=False)


def _legend(figure: Figure, touched: set[str]) -> None:
    def key(label: str, marker: str, colour: str, fill: str) -> plt.Line2D:
        return plt.Line2D(
            [],
            [],
            marker=marker,
            markersize=4.5,
            color=colour,
            markerfacecolor=fill,
            linestyle="none",
            label=label,
        )

    handles = [
        key(factor.replace("_", "-"), MARKERS[number], COLOURS[number], COLOURS[number])
        for number, factor in enumerate(TOUCHING)
        if f"touched[{factor}]" in touched
    ]
    handles += [key("before", "o", FAINT, "white"), key("after", "o", INK, INK)]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=STYLE["legend.fontsize"]
    )
