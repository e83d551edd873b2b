"""What each judge is worth: its kappa, sensitivity and specificity against every label set."""

import math
from typing import Any, cast

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tunedrift.figures.style import (
    COLOURS,
    FAINT,
    HOLLOW,
    INK,
    QUIET,
    empty_figure,
    interval,
    label_rows,
    stacked,
    styled,
)

PANELS = {
    "kappa": "Cohen’s κ\nof positive or not",
    "sensitivity": "Sensitivity: share of\npositive answers found",
    "specificity": "Specificity: share of\nnegative answers cleared",
}
"""Statistic → panel title."""

MEASURES = {"refusal": ("judges of refusal", COLOURS[0]), "harm": ("judges of harm", COLOURS[1])}

LABELLED = {"people": ("labels by people", "o"), "simulated": ("simulated labels", "s")}

HUMAN = "#d9d9d9"
"""The colour of the agreement between two annotators: light, since it is what a judge is held against."""


@styled
def judges_figure(judges: pl.DataFrame, floor: float) -> Figure:
    """Kappa, sensitivity and specificity with intervals, a line per judge, grouped by label set.

    Dashed is the `floor` that both lower bounds of a certified judge reach; a marker is filled where the set certifies
    the judge, else the reason stands at the right. Grey is Cohen's kappa of two annotators. `judges` is the judges
    table; its rows of single models and languages are not shown.
    """
    whole = judges.filter(pl.col("model").is_null() & pl.col("language").is_null())
    if whole.is_empty():
        return empty_figure("no label sets")
    groups: dict[str, list[str]] = {}
    # The first line of a group holds its name.
    ordered = whole.sort("measure", "labels", "label_set", "judge", descending=[True, False, False, False])
    for name, judge in ordered.select("label_set", "judge").rows():
        members = groups.setdefault(name, [""])
        members += [judge] * (judge not in members)
    lines = list(stacked(groups))
    figure, grid = plt.subplots(
        1,
        len(PANELS),
        figsize=(
            6.3 + 0.07 * max(len(judge or name) for name, judge, _ in lines),
            1.2 + 0.19 * -lines[-1][2],
        ),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for statistic, axes in zip(PANELS, grid[0], strict=True):
        found = whole.filter(statistic=statistic)
        for name, judge, y in lines:
            for row in found.filter(label_set=name, judge=judge).iter_rows(named=True):
                _draw(axes, row, y)
        axes.set_title(PANELS[statistic])
        axes.set_xticks([-1, -0.5, 0, 0.25, 0.5, 0.75, 1], ["−1", "−0.5", "0", "", "0.5", "", "1"])
        axes.set_xlim(-0.03, 1.03)
        if statistic != "kappa":
            axes.axvline(floor, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    _name_lines(grid[0][0], whole, lines)
    _humans(grid[0][0], whole, lines)
    lowest = cast(float | None, whole.filter(statistic="kappa")["low"].min())
    grid[0][0].set_xlim(min(-0.03, math.floor((lowest or 0) * 10) / 10), 1.03)
    for row in whole.filter(pl.col("reason").is_not_null(), statistic="specificity").iter_rows(named=True):
        [y] = [y for name, judge, y in lines if (name, judge) == (row["label_set"], row["judge"])]
        place = grid[0][-1].get_yaxis_transform()
        grid[0][-1].text(1.02, y, row["reason"], transform=place, va="center", fontsize=7, color=QUIET)
    figure.legend(handles=_legend(whole, floor), loc="outside lower center", ncols=4)
    return figure


def _draw(axes: Axes, row: dict, y: float) -> None:
    """One statistic of one judge on one set; a dash where nothing is counted."""
    if row["estimate"] is None:
        axes.text(0.5, y, "–", ha="center", va="center", color=FAINT)
        return
    _, colour = MEASURES[row["measure"]]
    _, marker = LABELLED[row["labels"]]
    interval(axes, row, y, colour, marker=marker, **({} if row["certified"] else HOLLOW))


def _name_lines(axes: Axes, whole: pl.DataFrame, lines: list[tuple[str, str, float]]) -> None:
    """Label sets in bold above their judges, and at each what is labelled by whom."""
    label_rows(axes, [(name, judge or name, y) for name, judge, y in lines])
    for label, (name, judge, y) in zip(axes.get_yticklabels(), lines, strict=True):
        if not judge:
            label.set_fontweight("bold")
            of_set = whole.filter(label_set=name, statistic="kappa")
            kind = "" if of_set["labels"][0] == "people" else ", simulated"
            said = f"{of_set['measure'][0]}, {max(of_set['n'])} answers{kind}"
            axes.text(
                0.02,
                y,
                said,
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=7,
                color=QUIET,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )


def _humans(axes: Axes, whole: pl.DataFrame, lines: list[tuple[str, str, float]]) -> None:
    """The agreement of two annotators with its interval, behind the judges of their set."""
    for row in (
        whole.filter(statistic="human_kappa").unique("label_set", maintain_order=True).iter_rows(named=True)
    ):
        heights = [y for name, judge, y in lines if name == row["label_set"] and judge]
        if row["estimate"] is None:
            continue
        span = [min(heights) - 0.5, max(heights) + 0.5]
        if row["low"] is not None:
            axes.fill_betweenx(span, row["low"], row["high"], color="#f0f0f0", linewidth=0, zorder=0)
        axes.plot([row["estimate"]] * 2, span, color=HUMAN, linewidth=2, solid_capstyle="butt", zorder=0.5)


def _legend(whole: pl.DataFrame, floor: float) -> list[Artist]:
    """What occurs, and what the markers' fill says."""
    handles: list[Artist] = []

    def marker(label: str, colour: str, shape: str, **look: Any) -> None:
        handles.append(
            plt.Line2D(
                [], [], color=colour, marker=shape, markersize=4.5, linestyle="none", label=label, **look
            )
        )

    for measure, (label, colour) in MEASURES.items():
        if measure in whole["measure"]:
            marker(label, colour, "o")
    for labels, (label, shape) in LABELLED.items():
        if labels in whole["labels"]:
            marker(label, FAINT, shape)
    marker("certified by the set", INK, "o")
    marker("not certified, and why", INK, "o", **HOLLOW)
    handles.append(
        plt.Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label=f"floor {floor:g}")
    )
    if whole.filter(statistic="human_kappa")["estimate"].count():
        handles.append(plt.Line2D([], [], color=HUMAN, linewidth=2, label="two annotators"))
    return handles
