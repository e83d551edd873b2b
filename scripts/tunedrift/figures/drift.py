"""Figures of drift: the rates of every tuning, and the effect of every level."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure

from tunedrift.figures.style import COLOURS, INK, MARKERS, interval, keys, label_rows, stacked, styled

PANELS = {
    "SA_g": "SA_g: safe answers\nto harmful prompts",
    "SA_a[wrapped]": "SA_a[wrapped]: safe\nanswers to attacks",
    "over_refusal": "Over-refusal of\nsafe look-alikes",
    "utility": "Utility:\nright answers",
}
"""Measure → panel title of the drift figure; those that a study lacks are left out."""


def headline(drift: pl.DataFrame, primary_judge: str) -> pl.DataFrame:
    """The rows that figures show: whole suites, pooled attacks, the primary judge where judges differ."""
    judged = pl.col("measure").str.starts_with("SA").not_() | (pl.col("judge") == primary_judge)
    pooled = pl.col("attack").is_in(["plain", "wrapped"])
    return drift.filter(
        (pl.col("stratum") == "all") & judged & pooled & pl.col("measure").is_in(list(PANELS))
    )


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
