import warnings

import matplotlib.pyplot as plt
import polars as pl
import pytest
from synthetic import fabricate, measure

from tunedrift.figures import agreement, drift, style


@pytest.fixture(scope="module")
def tables():
    drift_table, agreement_table, points = measure(fabricate())
    return drift.headline(drift_table, "harm"), agreement_table, points


def drawn(figure, tables):
    module = drift if figure in ("drift", "effects") else agreement
    draw = getattr(module, f"{figure}_figure")
    drift_table, agreement_table, points = tables
    shown = {"drift": drift_table, "effects": drift_table, "forecast": points}.get(figure, agreement_table)
    return draw(shown)


@pytest.mark.parametrize("figure", ["drift", "effects", "rm_agreement", "rm_errors", "forecast"])
def test_equal_tables_give_equal_bytes(figure, tables, tmp_path):
    for name in ("one", "two"):
        style.save(drawn(figure, tables), tmp_path / name, figure)
    for suffix in ("svg", "png"):
        one, two = ((tmp_path / name / f"{figure}.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two
        assert len(one) > 5000


def test_the_drift_figure_shows_every_rate_where_the_table_has_it(tables):
    table = tables[0]
    figure = drawn("drift", tables)
    rates = table.filter(
        pl.col("contrast") == "rate", pl.col("measure") == "SA_g", pl.col("variant").is_not_null()
    )
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith("SA_g"))
    shown = sorted(line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1)
    assert shown == pytest.approx(sorted(rates["estimate"]))
    plt.close(figure)


def test_variants_stand_beside_their_controls_behind_the_untouched_data(tables):
    assert drift.in_pairs(tables[0]) == [
        "original",
        "calibrated",
        "prefix",
        "markdown",
        "length",
        "persona",
        "persona_inert",
    ]


def test_the_heat_map_writes_the_tables_numbers(tables):
    figure = drawn("rm_agreement", tables)
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    taus = tables[1].filter(measure="kendall_tau_b")["estimate"].drop_nulls()
    assert {f"{tau:.2f}".replace("-", "−") for tau in taus} <= written
    plt.close(figure)


def test_headline_rows_are_whole_suites_by_the_primary_judge(tables):
    assert set(tables[0]["split"]) == {"all"}
    assert set(tables[0].filter(pl.col("measure").str.starts_with("SA"))["judge"]) == {"harm"}
    assert set(tables[0]["attack"]) == {"plain", "wrapped"}


def markers(figure, title):
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))
    points = [line for line in axes.lines if len(line.get_xdata()) == 1]
    bars = sorted(round(bar.get_width(), 9) for bar in axes.patches if abs(bar.get_height() - 0.62) < 1e-6)
    return [line.get_markerfacecolor() == "white" for line in points], bars


def test_a_drift_whose_sign_is_open_is_hollow_and_stray_rates_are_bars(tables):
    table = tables[0].with_columns(
        sign_depends=pl.col("variant").is_in(["markdown", "persona"]) & pl.col("measure").eq("SA_g"),
        estimate=pl.when(measure="stray_rate").then(pl.col("prompts") / 200).otherwise(pl.col("estimate")),
    )
    for draw, contrast, shown in (
        (drift.drift_figure, "rate", 14),
        (drift.effects_figure, "level - control", 6),
    ):
        figure = draw(table)
        hollow, bars = markers(figure, "SA_g")
        assert (sum(hollow), len(hollow)) == (4, shown)
        rows = table.filter(pl.col("variant").is_not_null(), contrast=contrast, attack="plain")
        strays = rows.filter(measure="stray_rate", judge="harm", suite="harmful")["estimate"]
        assert bars == sorted(strays.round(9)) and len(bars) == shown
        assert not any(markers(figure, "SA_a")[0])
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert drift.OPEN_SIGN in labels
        plt.close(figure)
    figure = drift.drift_figure(table.with_columns(sign_depends=pl.lit(False)))
    assert drift.OPEN_SIGN not in [text.get_text() for text in figure.legends[0].get_texts()]
    assert markers(figure, "Over-refusal")[1] and not markers(figure, "Utility")[1]
    plt.close(figure)


def test_one_reward_model_has_none_to_agree_with(tables, tmp_path):
    _, agreement_table, points = tables
    alone = agreement_table.filter(pl.col("question") != "rm_rm")
    figure = agreement.rm_agreement_figure(alone)
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == [
        "one reward model: there is none to agree with"
    ]
    for drawn in (figure, agreement.rm_errors_figure(alone), agreement.forecast_figure(points.head(0))):
        style.save(drawn, tmp_path, "figure")


@pytest.mark.parametrize("labels", ["people", "simulated"])
def test_errors_say_against_whose_labels(tables, labels):
    whose = pl.when(question="rm_people").then(pl.lit(labels)).otherwise("labels")
    figure = agreement.rm_errors_figure(tables[1].with_columns(labels=whose))
    titles = [axes.get_title(loc=place) for axes in figure.axes for place in ("left", "center")]
    assert any(title.endswith(f"ordered against {agreement.WHOSE[labels]}") for title in titles)
    assert not any("against the labels" in title for title in titles)
    plt.close(figure)


def test_without_reward_models_the_figures_say_so(tables, tmp_path):
    for draw, table, said in (
        (agreement.rm_agreement_figure, tables[1], "no reward model: there is none to agree with"),
        (agreement.rm_errors_figure, tables[1], "no reward model has scored pairs or answers"),
        (agreement.forecast_figure, tables[2], "no reward model was asked to forecast"),
    ):
        figure = draw(table.head(0))
        assert [text.get_text() for axes in figure.axes for text in axes.texts] == [said]
        style.save(figure, tmp_path, "figure")


def test_a_single_effect_has_room(tables, tmp_path):
    one = (
        tables[0]
        .filter(pl.col("dataset") == "household")
        .filter((pl.col("contrast") != "level - control") | (pl.col("variant") == "markdown"))
    )
    figure = drift.effects_figure(one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.save(figure, tmp_path, "effects")
    assert all(axes.get_position().height > 0.1 for axes in figure.axes)
