"""The loss of each tuning over its steps."""

from typing import Any

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure

from tunedrift.figures.style import COLOURS, styled

DASHES = ("-", "--", ":", "-.")
WINDOW = 0.05
"""Share of a tuning's steps over which its loss is averaged: single batches jump about."""


@styled
def losses_figure(losses: pl.DataFrame) -> Figure:
    """One panel per model and dataset, one line per tuning; a variant's seeds share its colour and dashes.

    `losses` has a row per step: model, dataset, variant, seed, step, loss (nats per token, averaged
    per example), in the order in which variants are named in the legend.
    """
    models, datasets, variants = (
        losses[column].unique(maintain_order=True).to_list() for column in ("model", "dataset", "variant")
    )
    look: dict[str, dict[str, Any]] = {
        variant: {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i // len(COLOURS) % len(DASHES)]}
        for i, variant in enumerate(variants)
    }
    figure, grid = plt.subplots(
        len(models),
        len(datasets),
        figsize=(max(4.0, 0.6 + 2.4 * len(datasets)), 0.9 + 1.9 * len(models)),
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for (model, dataset, variant, _), tuning in losses.group_by(
        "model", "dataset", "variant", "seed", maintain_order=True
    ):
        axes = grid[models.index(model)][datasets.index(dataset)]
        width = max(1, round(WINDOW * len(tuning)))
        smooth = tuning["loss"].rolling_mean(width, min_samples=1)
        axes.plot(tuning["step"], smooth, linewidth=0.9, **look[variant])
    for model, panels in zip(models, grid, strict=True):
        panels[0].set_ylabel(
            f"{model}\nloss (nats per token)" if len(models) > 1 else "loss (nats per token)"
        )
        for axes in panels:
            axes.set_ylim(bottom=0)
    for dataset, axes in zip(datasets, grid[0], strict=True):
        axes.set_title(dataset)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    handles = [plt.Line2D([], [], label=variant, **look[variant]) for variant in variants]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)))
    return figure
