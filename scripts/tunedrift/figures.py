"""Figures of a study: one style, fixed bytes, nothing that the tables do not say.

Every function takes checked tables and returns a matplotlib figure; sizes are in inches.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT = "#222222", "#9a9a9a"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""
MARKERS = "osD^vP"

STYLE = {
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
    "savefig.dpi": 200,
    "svg.hashsalt": "tunedrift",
    "svg.fonttype": "path",
}

PANELS = {
    "SA_g": "SA_g: safe answers\nto harmful prompts",
    "SA_a[wrapped]": "SA_a[wrapped]: safe\nanswers to attacks",
    "over_refusal": "Over-refusal of\nsafe look-alikes",
    "utility": "Utility:\nright answers",
}
"""Measure → panel title of the drift figure; those that a study lacks are left out."""


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write `name`.svg and `name`.png into `folder`; equal figures give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
        figure.savefig(folder / f"{name}.png", metadata={"Software": None}, bbox_inches="tight")
    plt.close(figure)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the one style."""

    def drawn(*tables: pl.DataFrame) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*tables)

    drawn.__doc__ = draw.__doc__
    return drawn


def headline(drift: pl.DataFrame, primary_judge: str) -> pl.DataFrame:
    """The rows that figures show: whole suites, pooled attacks, the primary judge where judges differ."""
    judged = pl.col("measure").str.starts_with("SA").not_() | (pl.col("judge") == primary_judge)
    pooled = pl.col("attack").is_in(["plain", "wrapped"])
    return drift.filter(
        (pl.col("stratum") == "all") & judged & pooled & pl.col("measure").is_in(list(PANELS))
    )


def interval(axes: Axes, row: dict, y: float, colour: str, **marker) -> None:
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


def in_pairs(drift: pl.DataFrame) -> list[str]:
    """The variants, untouched data first and every level followed by its matched control."""
    names = drift.filter(pl.col("contrast") == "rate")["variant"].drop_nulls().unique(maintain_order=True)
    pairs = drift.filter(pl.col("contrast") == "level - control").select("variant", "reference").rows()
    ordered = ["original", *(name for pair in pairs for name in pair), *names]
    return [name for name in dict.fromkeys(ordered) if name in set(names)]


@styled
def drift_figure(drift: pl.DataFrame) -> Figure:
    """Rates of every tuning beside the untuned model's (dashed line, its interval shaded).

    `drift` holds headline rows of one or more models; one row of panels per model.
    """
    rates = drift.filter(pl.col("contrast") == "rate")
    models = rates["model"].unique(maintain_order=True).to_list()
    measures = [measure for measure in PANELS if measure in rates["measure"]]
    datasets = rates["dataset"].drop_nulls().unique(maintain_order=True).to_list()
    lines = list(stacked(dict.fromkeys(datasets, in_pairs(drift))))
    figure, grid = plt.subplots(
        len(models),
        len(measures),
        figsize=(1.0 + 1.75 * len(measures), 0.9 + 0.21 * len(lines) * len(models)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for model, panels in zip(models, grid, strict=True):
        for measure, axes in zip(measures, panels, strict=True):
            found = rates.filter((pl.col("model") == model) & (pl.col("measure") == measure))
            for row in found.filter(pl.col("dataset").is_null()).iter_rows(named=True):
                axes.axvline(row["estimate"], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
                axes.axvspan(row["low"], row["high"], color="#f0f0f0", zorder=0)
            for dataset, variant, y in lines:
                which = (pl.col("dataset") == dataset) & (pl.col("variant") == variant)
                colour = COLOURS[datasets.index(dataset) % len(COLOURS)]
                marker = MARKERS[datasets.index(dataset) % len(MARKERS)]
                for row in found.filter(which).iter_rows(named=True):
                    interval(axes, row, y, colour, marker=marker)
            axes.set_xlim(-0.03, 1.03)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_title(PANELS[measure])
        label_rows(panels[0], lines)
        panels[0].set_ylabel(model if len(models) > 1 else "")
    handles = keys(datasets)
    handles.append(plt.Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="untuned"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


@styled
def effects_figure(drift: pl.DataFrame) -> Figure:
    """Level - control differences in safety, one line per model, dataset and level."""
    effects = drift.filter(
        (pl.col("contrast") == "level - control") & pl.col("measure").is_in(["SA_g", "SA_a[wrapped]"])
    )
    measures = [measure for measure in PANELS if measure in effects["measure"]]
    compared = effects.select("model", "dataset", "variant", "reference").unique(maintain_order=True).rows()
    several = len({model for model, *_ in compared}) > 1
    groups: dict[str, list[str]] = {}
    for model, dataset, variant, reference in compared:
        groups.setdefault(f"{model}, {dataset}" if several else dataset, []).append(
            f"{variant} − {reference}"
        )
    lines = list(stacked(groups))
    figure, grid = plt.subplots(
        1,
        max(1, len(measures)),
        figsize=(1.9 + 2.5 * len(measures), 0.9 + 0.22 * len(lines)),
        sharey=True,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for measure, axes in zip(measures, grid[0], strict=False):
        axes.axvline(0, color=INK, linewidth=0.8)
        for (group, _, y), key in zip(lines, compared, strict=True):
            names = zip(("model", "dataset", "variant", "reference"), key, strict=True)
            found = effects.filter(pl.col("measure") == measure, **dict(names))
            colour = list(groups).index(group) % len(COLOURS)
            for row in found.iter_rows(named=True):
                interval(axes, row, y, COLOURS[colour], marker=MARKERS[colour])
        axes.set_title(PANELS[measure])
        axes.set_xlabel("difference in the share of safe answers")
    if lines:
        label_rows(grid[0][0], lines)
        handles = keys(groups)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


@styled
def rm_agreement_figure(agreement: pl.DataFrame) -> Figure:
    """Agreement between reward models as heat maps, one per subject.

    Kendall's tau-b within prompt for answers and variants; for preference pairs, where two texts
    have no more order than their sign, Cohen's kappa of the signs. Both are 0 by chance, 1 at most.
    """
    measure_of = {"preferences": "sign_kappa"}
    pairs = agreement.filter(pl.col("question") == "rm_rm")
    subjects = pairs["subject"].unique(maintain_order=True).to_list()
    rms = sorted({*pairs["rm"], *pairs["other"].drop_nulls()})
    size = 0.5 + 0.48 * len(rms)
    figure, grid = plt.subplots(
        1,
        len(subjects),
        figsize=(0.9 + size * len(subjects), size + 0.75),
        squeeze=False,
        layout="constrained",
    )
    image = None
    for number, (subject, axes) in enumerate(zip(subjects, grid[0], strict=True)):
        measure = measure_of.get(subject.split("/")[0], "kendall_tau_b")
        values = np.full((len(rms), len(rms)), np.nan)
        for row in pairs.filter(subject=subject, measure=measure).iter_rows(named=True):
            one, two = rms.index(row["rm"]), rms.index(row["other"])
            values[one, two] = values[two, one] = np.nan if row["estimate"] is None else row["estimate"]
        image = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
        for (one, two), value in np.ndenumerate(values):
            if one != two:
                text = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
                axes.text(
                    two, one, text, ha="center", va="center", color="white" if abs(value) > 0.6 else INK
                )
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks(range(len(rms)), rms, rotation=90)
        axes.set_yticks(range(len(rms)), rms if number == 0 else [])
        what = "Cohen’s κ" if measure == "sign_kappa" else "Kendall’s τ-b"
        axes.set_title(f"{subject}\n{what}")
    if image is not None:
        figure.colorbar(image, ax=list(grid[0]), shrink=0.7, ticks=[-1, 0, 1])
    return figure


@styled
def rm_errors_figure(agreement: pl.DataFrame) -> Figure:
    """Errors on pairs that people labelled, and on the tuned models' own answers, one half being chance.

    Rules that read no meaning are hollow.
    """
    errors = agreement.filter(measure="error_rate")
    found = agreement.filter(measure="detection_accuracy").with_columns(
        estimate=1 - pl.col("estimate"), low=1 - pl.col("high"), high=1 - pl.col("low")
    )
    models = set(found["rm"])
    panels = [
        (f"{subject}\nordered against people", errors.filter(subject=subject))
        for subject in errors["subject"].unique(maintain_order=True)
    ]
    panels += [
        (f"{subject}\nunsafe scored above safe", found.filter(subject=subject))
        for subject in found["subject"].unique(maintain_order=True)
    ]
    names = sorted({*errors["rm"], *found["rm"]}, key=lambda name: (name not in models, name))
    lines = list(
        stacked({"models": [n for n in names if n in models], "rules": [n for n in names if n not in models]})
    )
    figure, grid = plt.subplots(
        1,
        max(1, len(panels)),
        figsize=(1.2 + 2.2 * len(panels), 0.9 + 0.22 * len(lines)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for (title, table), axes in zip(panels, grid[0], strict=False):
        axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        for group, name, y in lines:
            for row in table.filter((pl.col("rm") == name) & pl.col("estimate").is_not_null()).iter_rows(
                named=True
            ):
                fill = COLOURS[0] if group == "models" else "white"
                interval(
                    axes, row, y, COLOURS[0] if group == "models" else FAINT, marker="o", markerfacecolor=fill
                )
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        axes.set_title(title)
        axes.set_xlabel("share of pairs in error")
    label_rows(grid[0][0], lines)
    return figure


@styled
def forecast_figure(forecasts: pl.DataFrame) -> Figure:
    """Whether training data that a reward model likes better makes the safer model: a point per pair of variants.

    Points in the shaded quadrants have the same sign. Filled points are resolved: the interval of
    the safety difference leaves zero out.
    """
    measures = forecasts["measure"].unique(maintain_order=True).sort(descending=True).to_list()
    rms = forecasts["rm"].unique(maintain_order=True).to_list()
    datasets = forecasts["dataset"].unique(maintain_order=True).to_list()
    figure, grid = plt.subplots(
        max(1, len(measures)),
        max(1, len(rms)),
        figsize=(0.8 + 1.9 * len(rms), 0.6 + 1.7 * len(measures)),
        sharey="row",
        sharex="col",
        squeeze=False,
        layout="constrained",
    )
    for measure, panels in zip(measures, grid, strict=False):
        for rm, axes in zip(rms, panels, strict=True):
            found = forecasts.filter(measure=measure, rm=rm)
            for row in found.iter_rows(named=True):
                colour = COLOURS[datasets.index(row["dataset"]) % len(COLOURS)]
                axes.plot(
                    row["reward_difference"],
                    row["safety_difference"],
                    marker=MARKERS[datasets.index(row["dataset"]) % len(MARKERS)],
                    markersize=4,
                    color=colour,
                    markerfacecolor=colour if row["resolved"] else "white",
                    linestyle="none",
                )
            width = 1.15 * (found["reward_difference"].abs().max() or 1)
            height = 1.15 * (forecasts.filter(measure=measure)["safety_difference"].abs().max() or 1)
            axes.set(xlim=(-width, width), ylim=(-height, height))
            axes.fill_between([0, width], 0, height, color="#f2f2f2", linewidth=0, zorder=0)
            axes.fill_between([-width, 0], -height, 0, color="#f2f2f2", linewidth=0, zorder=0)
            axes.axhline(0, color=INK, linewidth=0.6)
            axes.axvline(0, color=INK, linewidth=0.6)
            axes.grid(False)
            axes.set_title(rm if measure == measures[0] else "")
        panels[0].set_ylabel(f"difference in {measure}")
    figure.supxlabel("mean difference in reward of the training answers", fontsize=8)
    handles = keys(datasets)
    for name, fill in (("resolved", FAINT), ("not resolved", "white")):
        handles.append(
            plt.Line2D(
                [],
                [],
                color=FAINT,
                marker="o",
                markersize=4,
                markerfacecolor=fill,
                linestyle="none",
                label=name,
            )
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure
