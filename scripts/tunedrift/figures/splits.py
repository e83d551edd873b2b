"""Figure of drift by part: how far rates move in each stratum, category, language or dimension of a suite."""

from typing import Any

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tunedrift.figures.drift import PANEL, POOLED, in_panels, panels
from tunedrift.figures.style import COLOURS, INK, MARKERS, QUIET, empty_figure, keys, label_rows, styled

MOST_PARTS = 20
"""Of more parts the two ends are drawn, half of them each, and the others are told in words."""

LONGEST_NAME = 40
"""Longer names of parts lose their middle, in characters."""

BLOCK = ("model", "suite", "split")

REST = None
"""Stands for the parts that are told in words, among the names of parts."""


def by_part(drift: pl.DataFrame, primary_judge: str) -> pl.DataFrame:
    """The drift (tuned - untuned) of suites and of their parts: pooled attacks, the primary judge's safety."""
    shown = pl.col("attack").is_in(POOLED) & in_panels(primary_judge)
    return drift.filter(shown, pl.col("estimate").is_not_null(), contrast="tuned - untuned")


@styled
def splits_figure(drift: pl.DataFrame) -> Figure:
    """The mean drift over all tunings of each part of a suite (diamond), and each tuning with its interval (faint).

    `drift` holds the rows of `by_part`. A row of panels per model, suite and split, a panel per measure. Parts stand in
    the order of the mean drift in the leftmost panel, the largest fall first, with their number of prompts.
    """
    suites = list(dict.fromkeys(suite for _, _, suite, _ in panels(drift)))
    models = drift["model"].unique(maintain_order=True).to_list()
    groups = drift.filter(pl.col("split") != "all").group_by(*BLOCK, maintain_order=True)
    several_parts = {block: found for block, found in groups if found["part"].n_unique() > 1}
    if not several_parts:
        return empty_figure("no suite has parts to tell apart")
    blocks = {
        block: several_parts[block]
        for block in sorted(several_parts, key=lambda it: (models.index(it[0]), suites.index(it[1]), it[2]))
    }
    titles = {block: panels(found) for block, found in blocks.items()}
    shown = {block: parts(found, next(iter(titles[block]))) for block, found in blocks.items()}
    lines = {block: labels(blocks[block], names) for block, names in shown.items()}
    widest = max(len(line) for block in lines for line in lines[block])
    heights = [0.85 + 0.2 * len(names) for names in shown.values()]
    columns = max(map(len, titles.values()))
    figure, grid = plt.subplots(
        len(blocks),
        columns,
        figsize=(0.5 + 0.065 * widest + 2.6 * columns, 0.6 + sum(heights)),
        gridspec_kw={"height_ratios": heights},
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    datasets = drift["dataset"].unique(maintain_order=True).to_list()
    for (block, found), row_of_axes in zip(blocks.items(), grid, strict=True):
        model, suite, split = block
        for axes, (key, title) in zip(row_of_axes, titles[block].items(), strict=False):
            panel = dict(zip(PANEL, key, strict=True))
            whole = drift.filter(pl.col("model") == model, split="all", **panel)["estimate"].to_list()
            draw_parts(axes, found.filter(**panel), shown[block], datasets)
            axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
            if whole:
                axes.axvline(
                    sum(whole) / len(whole), color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1
                )
            heading = f"{f'{model}: ' if len(models) > 1 else ''}{suite} by {split} (prompts)\n"
            axes.set_title((heading if axes is row_of_axes[0] else "") + title.replace("\n", " ", 1))
            axes.tick_params(labelbottom=True)
        for axes in row_of_axes[len(titles[block]) :]:
            axes.set_axis_off()
        label_rows(row_of_axes[0], [("", text, -float(place)) for place, text in enumerate(lines[block])])
    grid[-1][0].set_xlabel("tuned − untuned, in the share of answers")
    mean = plt.Line2D(
        [], [], color=INK, marker="D", markersize=4.5, linestyle="none", label="mean over tunings"
    )
    whole_suite = plt.Line2D(
        [], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="mean of the whole suite"
    )
    figure.legend(handles=[*keys(datasets), mean, whole_suite], loc="outside lower center", ncols=2)
    return figure


def parts(found: pl.DataFrame, first: tuple[str, ...]) -> list[str | None]:
    """The parts to draw in order, by the mean drift in the panel `first`; `REST` in the middle of too many."""
    in_first = pl.all_horizontal(pl.col(name) == value for name, value in zip(PANEL, first, strict=True))
    # Rounded: threads add in any order, and the last bit must not place parts whose means are equal.
    means = found.group_by("part").agg(pl.col("estimate").filter(in_first).mean().round(9))
    names = means.sort("estimate", "part", nulls_last=True)["part"].to_list()
    end = MOST_PARTS // 2
    return names if len(names) <= MOST_PARTS else [*names[:end], REST, *names[-end:]]


def draw_parts(axes: Axes, found: pl.DataFrame, names: list[str | None], datasets: list[str]) -> None:
    """One panel: the rows of `found` in lines 0, -1, … by the name of their part."""
    rest = found.filter(~pl.col("part").is_in([name for name in names if name is not REST]))
    for place, name in enumerate(names):
        if name is REST:
            means = rest.group_by("part").agg(pl.col("estimate").mean())["estimate"].to_list()
            if means:
                ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
                said = f"means from {min(means):.2f} to {max(means):.2f}".replace("-", "−")
                axes.text(
                    0.02,
                    -place,
                    said,
                    transform=axes.get_yaxis_transform(),
                    va="center",
                    color=QUIET,
                    bbox=ground,
                )
            continue
        tunings = found.filter(part=name).sort("dataset", "variant")
        step = 0.6 / max(1, len(tunings) - 1)
        for number, row in enumerate(tunings.iter_rows(named=True)):
            colour = datasets.index(row["dataset"])
            y = -place + (0.3 - number * step if len(tunings) > 1 else 0)
            faint: dict[str, Any] = {"color": COLOURS[colour % len(COLOURS)], "alpha": 0.35}
            if row["low"] is not None:
                axes.plot([row["low"], row["high"]], [y, y], linewidth=0.6, **faint)
            axes.plot(row["estimate"], y, marker=MARKERS[colour % len(MARKERS)], markersize=2.2, **faint)
        if len(tunings):
            mean = sum(tunings["estimate"]) / len(tunings)
            axes.plot(mean, -place, color=INK, marker="D", markersize=4.5, zorder=3)


def labels(found: pl.DataFrame, names: list[str | None]) -> list[str]:
    """Each part's name and number of prompts on one line; a dollar sign begins no formula."""
    prompts = dict(found.group_by("part").agg(pl.col("prompts").min()).iter_rows())
    said = []
    for part in names:
        if part is REST:
            said.append(f"{len(prompts) - len(names) + 1} more")
            continue
        name = " ".join(part.split())
        if len(name) > LONGEST_NAME:  # names may begin alike
            name = f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 + 1 :]}"
        said.append(f"{name} ({prompts[part]})".replace("$", r"\$"))
    return said
