"""Figures of drift: the rates of every tuning, and the effect of every level."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tunedrift.figures.style import COLOURS, HOLLOW, INK, MARKERS, interval, keys, label_rows, stacked, styled

PANELS = {
    "SA_g": "SA_g: safe answers\nto harmful prompts",
    "SA_a[wrapped]": "SA_a[wrapped]: safe\nanswers under attack",
    "over_refusal": "Over-refusal of\nsafe look-alikes",
    "utility": "Utility:\nright answers",
    "rouge_l": "Utility:\nmean ROUGE-L",
}
"""Measure → panel title of the drift figure; those that a study lacks are left out."""

OWN_ATTACKS = "SA_a[{suite}]: safe\nanswers, own attacks"
"""Panel title of safety on a suite whose prompts are attacked already: such a suite has a measure of its own."""

POOLED = ("plain", "wrapped", "own")
"""Attacks of which figures tell: none, all that wrap the prompts of a suite, and those that a suite brings along."""

PANEL = ("measure", "judge", "suite", "attack")

SAFETY = pl.col("measure").str.contains(r"^SA_(g|a\[.*\])$")
"""Rows of safety: the share of all answers that a harm judge calls safe."""

STRAYING = "#ecd9c0"
"""The colour of stray rates: light, since they explain another number."""

OPEN_SIGN = "hollow: up or down depends on\nwhat straying answers count as"


def headline(drift: pl.DataFrame, primary_judge: str) -> pl.DataFrame:
    """The rows that figures show: whole suites, pooled attacks, the primary judge's safety; and all stray rates."""
    shown = in_panels(primary_judge) | (pl.col("measure") == "stray_rate")
    return drift.filter((pl.col("split") == "all") & pl.col("attack").is_in(POOLED) & shown)


def in_panels(primary_judge: str) -> pl.Expr:
    """The rows whose measure has a panel, safety by the primary judge alone."""
    safety = SAFETY & (pl.col("judge") == primary_judge)
    return safety | (SAFETY.not_() & pl.col("measure").is_in(list(PANELS)))


def panels(rows: pl.DataFrame) -> dict[tuple[str, ...], str]:
    """The panels that rows of the drift table need: `PANEL` → title, in the order of `PANELS`.

    Safety under a suite's own attacks stands behind that under the study's. A measure of several suites, judges or
    attacks has a panel for each, which its title tells apart.
    """
    found = rows.filter(pl.col("measure") != "stray_rate").select(PANEL).unique(maintain_order=True).rows()
    own = {key for key in found if key[0].startswith("SA_a[") and key[3] == "own"}
    places = {measure: place for place, measure in enumerate(PANELS)}
    ordered = sorted(found, key=lambda key: (places["SA_a[wrapped]" if key in own else key[0]], key in own))
    titles = {key: OWN_ATTACKS.format(suite=key[2]) if key in own else PANELS[key[0]] for key in ordered}
    told = {}
    for key, title in titles.items():
        alike = [other for other in titles if titles[other] == title]
        apart = [name for place, name in enumerate(key) if len({other[place] for other in alike}) > 1]
        told[key] = f"{title}\n({', '.join(apart)})" if apart else title
    return told


def in_pairs(drift: pl.DataFrame) -> list[str]:
    """The variants, untouched data first and every level followed by its matched control."""
    names = drift.filter(pl.col("contrast") == "rate")["variant"].drop_nulls().unique(maintain_order=True)
    pairs = drift.filter(pl.col("contrast") == "level - control").select("variant", "reference").rows()
    ordered = ["original", *(name for pair in pairs for name in pair), *names]
    return [name for name in dict.fromkeys(ordered) if name in set(names)]


@styled
def drift_figure(drift: pl.DataFrame) -> Figure:
    """Rates of every tuning beside the untuned model's (dashed line, its interval shaded).

    A bar is the share of the same answers that stray (dotted: of the untuned model's). A marker is hollow where
    the sign of the drift from the untuned model depends on what straying answers count as. `drift` holds headline
    rows of one or more models; one row of panels per model.
    """
    rates = drift.filter(pl.col("contrast") == "rate")
    models = rates["model"].unique(maintain_order=True).to_list()
    titles = panels(rates)
    datasets = rates["dataset"].drop_nulls().unique(maintain_order=True).to_list()
    lines = list(stacked(dict.fromkeys(datasets, in_pairs(drift))))
    figure, grid = plt.subplots(
        len(models),
        len(titles),
        figsize=(1.0 + 1.75 * len(titles), 0.9 + 0.21 * len(lines) * len(models)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for model, row_of_axes in zip(models, grid, strict=True):
        for (key, title), axes in zip(titles.items(), row_of_axes, strict=True):
            found = rates.filter(pl.col("model") == model, **dict(zip(PANEL, key, strict=True)))
            for row in found.filter(pl.col("dataset").is_null()).iter_rows(named=True):
                axes.axvline(row["estimate"], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
                axes.axvspan(row["low"], row["high"], color="#f0f0f0", zorder=0)
                for strays in strays_beside(drift, row):
                    axes.axvline(strays, color=STRAYING, linewidth=1.2, linestyle=(0, (1, 1)), zorder=1)
            for dataset, variant, y in lines:
                which = (pl.col("dataset") == dataset) & (pl.col("variant") == variant)
                colour = COLOURS[datasets.index(dataset) % len(COLOURS)]
                marker = MARKERS[datasets.index(dataset) % len(MARKERS)]
                for row in found.filter(which).iter_rows(named=True):
                    for strays in strays_beside(drift, row):
                        axes.barh(y, strays, height=0.62, color=STRAYING, zorder=0.6)
                    open_sign = has_open_sign(drift, row)
                    interval(axes, row, y, colour, marker=marker, **(HOLLOW if open_sign else {}))
            axes.set_xlim(-0.03, 1.03)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_title(title)
            axes.set_xlabel("share of answers" if model == models[-1] else "")
        label_rows(row_of_axes[0], lines)
        row_of_axes[0].set_ylabel(model if len(models) > 1 else "")
    handles: list[Artist] = [*keys(datasets)]
    handles.append(
        plt.Line2D(
            [], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="untuned (grey: its interval)"
        )
    )
    handles.append(Patch(color=STRAYING, label="share that strays (dotted: untuned)"))
    handles += open_sign_key(drift.filter(pl.col("contrast") == "tuned - untuned"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def strays_beside(drift: pl.DataFrame, row: dict) -> list[float]:
    """The stray rate of the very answers that a row speaks of, if the table has it; none beside utility."""
    same = ("judge", "suite", "attack", "model", "contrast", "dataset", "variant", "reference")
    found = drift.filter(
        pl.col("measure") == "stray_rate", *(pl.col(name).eq_missing(pl.lit(row[name])) for name in same)
    )
    return found["estimate"].drop_nulls().to_list()


def has_open_sign(drift: pl.DataFrame, rate: dict) -> bool:
    """Whether the drift of a tuning's rate has a sign that depends on what straying answers count as."""
    same = ("measure", "judge", "suite", "attack", "model", "dataset", "variant")
    found = drift.filter(
        pl.col("contrast") == "tuned - untuned", *(pl.col(name) == rate[name] for name in same)
    )
    return bool(found["sign_depends"].any())


def open_sign_key(differences: pl.DataFrame) -> list[plt.Line2D]:
    """The legend's entry of hollow markers, if one is drawn."""
    shown = differences.filter(SAFETY)
    marker = plt.Line2D(
        [], [], color=INK, marker="o", markersize=4.5, linestyle="none", label=OPEN_SIGN, **HOLLOW
    )
    return [marker] if shown["sign_depends"].any() else []


@styled
def effects_figure(drift: pl.DataFrame) -> Figure:
    """Level - control differences in safety, one line per model, dataset and level.

    A bar is the difference in the share of answers that stray; a marker is hollow where the sign of the
    difference in safety depends on what those count as.
    """
    effects = drift.filter((pl.col("contrast") == "level - control") & SAFETY)
    titles = panels(effects)
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
        max(1, len(titles)),
        figsize=(1.9 + 2.5 * len(titles), max(1.7, 0.9 + 0.22 * len(lines))),
        sharey=True,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for (key, title), axes in zip(titles.items(), grid[0], strict=False):
        axes.axvline(0, color=INK, linewidth=0.8)
        of_panel = effects.filter(**dict(zip(PANEL, key, strict=True)))
        for (group, _, y), pair in zip(lines, compared, strict=True):
            names = zip(("model", "dataset", "variant", "reference"), pair, strict=True)
            found = of_panel.filter(**dict(names))
            colour = list(groups).index(group) % len(COLOURS)
            for row in found.iter_rows(named=True):
                for strays in strays_beside(drift, row):
                    axes.barh(y, strays, height=0.62, color=STRAYING, zorder=0.6)
                hollow = HOLLOW if row["sign_depends"] else {}
                interval(axes, row, y, COLOURS[colour], marker=MARKERS[colour], **hollow)
        axes.set_title(title)
        axes.set_xlabel("difference in the share of answers")
    if lines:
        label_rows(grid[0][0], lines)
        handles = [*keys(groups), Patch(color=STRAYING, label="the same of answers that stray")]
        handles += open_sign_key(effects)
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure
