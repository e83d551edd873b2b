"""Figures of the reward models: agreement with one another, errors on pairs, forecasts."""

from typing import cast

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.figure import Figure

from tunedrift.design.subjects import parse_subject
from tunedrift.figures.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    empty_figure,
    interval,
    keys,
    label_rows,
    stacked,
    styled,
)

WHOSE = {"people": "people’s labels", "simulated": "simulated labels"}
"""Who labelled the pairs of a preference set → what is written above its errors."""


@styled
def rm_agreement_figure(agreement: pl.DataFrame) -> Figure:
    """Agreement between reward models as heat maps, one per subject.

    Kendall's tau-b within prompt for answers and variants; for preference pairs, where two texts
    have no more order than their sign, Cohen's kappa of the signs. Both are 0 by chance, 1 at most.
    """
    measure_of = {"preferences": "sign_kappa"}
    pairs = agreement.filter(pl.col("question") == "rm_rm")
    subjects = pairs["subject"].unique(maintain_order=True).to_list()
    if not subjects:
        return empty_figure(
            f"{'no' if agreement.is_empty() else 'one'} reward model: there is none to agree with"
        )
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
        measure = measure_of.get(parse_subject(subject).stage, "kendall_tau_b")
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
    """Errors on labelled pairs (by whom is said), and on the tuned models' own answers, one half being chance.

    Rules that read no meaning are hollow.
    """
    errors = agreement.filter(measure="error_rate")
    found = agreement.filter(measure="detection_accuracy").with_columns(
        estimate=1 - pl.col("estimate"), low=1 - pl.col("high"), high=1 - pl.col("low")
    )
    if errors.is_empty() and found.is_empty():
        return empty_figure("no reward model has scored pairs or answers")
    models = set(found["rm"])
    panels = [
        (f"{subject}\nordered against {WHOSE[of_subject['labels'][0]]}", of_subject)
        for (subject,), of_subject in errors.group_by("subject", maintain_order=True)
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
    if forecasts.is_empty():
        return empty_figure("no reward model was asked to forecast")
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
            # Resolved points last: they lie on top of those that are not.
            for row in found.sort("resolved", maintain_order=True).iter_rows(named=True):
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
            widest = cast(float | None, found["reward_difference"].abs().max())
            highest = cast(float | None, forecasts.filter(measure=measure)["safety_difference"].abs().max())
            width, height = 1.15 * (widest or 1), 1.15 * (highest or 1)
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
