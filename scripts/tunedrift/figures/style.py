"""Figures of a study: one style, fixed bytes, nothing that the tables do not say.

Every function takes checked tables and returns a matplotlib figure; sizes are in inches.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

mpl.use("Agg")

INK, QUIET, FAINT = "#222222", "#6a6a6a", "#9a9a9a"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""
MARKERS = "osD^vP"
HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 1.1}
"""How a marker is drawn whose sign is open."""

RESOLUTION = 200
"""Dots per inch of a PNG."""

MOST_DOTS = 20_000
"""The longest side of a PNG, in dots: a figure of very many rows is drawn coarser. matplotlib draws none above 65,535."""

STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same glyphs
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "figure.dpi": 100,
    "savefig.dpi": RESOLUTION,
    "svg.hashsalt": "tunedrift",
    "svg.fonttype": "path",
}


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write `name`.svg and `name`.png into `folder`; equal figures give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        fix_layout(figure)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
        dpi = min(RESOLUTION, MOST_DOTS / max(figure.get_size_inches()))
        figure.savefig(folder / f"{name}.png", dpi=dpi, metadata={"Software": None}, bbox_inches="tight")
    plt.close(figure)


def fix_layout(figure: Figure) -> None:
    """Lay the figure out once, without the last bits: the solver of constrained layouts leaves others each time."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(number, 9) for number in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the one style."""

    def drawn(*given: Any) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*given)

    drawn.__doc__ = draw.__doc__
    return drawn


def interval(axes: Axes, row: dict, y: float, colour: str, **marker: Any) -> None:
    """One estimate with its interval as a horizontal line."""
    if row["low"] is not None:
        axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
    axes.plot(row["estimate"], y, color=colour, linestyle="none", markersize=4.5, **marker)


def stacked(groups: dict[str, list[str]]) -> Iterator[tuple[str, str, float]]:
    """(group, item, y) from top to bottom, with half a line's gap between groups."""
    y = 0.0
    for group, items in groups.items():
        for item in items:
            yield group, item, y
            y -= 1
        y -= 0.5


def keys(names: Iterable[str]) -> list[plt.Line2D]:
    """Legend entries of datasets or groups, in the colours and markers of their places."""
    return [
        plt.Line2D(
            [],
            [],
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4.5,
            linestyle="none",
            label=name,
        )
        for number, name in enumerate(names)
    ]


def label_rows(axes: Axes, lines: list[tuple[str, str, float]]) -> None:
    """Name the lines at the left, the first at the top."""
    axes.set_yticks([y for *_, y in lines], [item for _, item, _ in lines])
    axes.set_ylim(lines[-1][2] - 0.7, 0.9)


def empty_figure(words: str) -> Figure:
    """A figure that says why there is nothing to see."""
    figure, axes = plt.subplots(figsize=(3.4, 0.9), layout="constrained")
    axes.text(0.5, 0.5, words, ha="center", va="center", color=FAINT)
    axes.set_axis_off()
    return figure
