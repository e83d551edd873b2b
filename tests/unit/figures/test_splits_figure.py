import matplotlib.pyplot as plt
import polars as pl
import pytest
from synthetic import CONTROLS, fabricate

from tunedrift.drift.contrasts import drift
from tunedrift.figures import splits, style
from tunedrift.figures.drift import drift_figure, effects_figure, headline, panels

SPLITS = ("stratum", "category", "language", "dimension")


def measured(categories=5):
    """The drift table of a fabricated study with so many categories, and a suite that is attacked already."""
    study = fabricate(
        datasets=("household",), variants={"original": 0.0, "markdown": -1.0, "length": 0.0}, utility=2
    )
    number = pl.col("plain_id").str.slice(1).cast(pl.Int64)
    prompts = study.prompts.with_columns(category=pl.format("topic {}", number % categories))
    role = pl.col("prompt_id").str.contains("^harmful/.*/role$")
    renamed = pl.col("prompt_id").str.replace("harmful", "brought").str.replace("role", "own")
    attacked = prompts.filter(role).with_columns(
        prompt_id=renamed, suite=pl.lit("brought"), attack=pl.lit("own"), dimension=pl.lit("own")
    )
    verdicts = pl.concat([study.verdicts, study.verdicts.filter(role).with_columns(prompt_id=renamed)])
    return drift(pl.concat([prompts, attacked]), verdicts, CONTROLS, 0.95, split_by=SPLITS)


@pytest.fixture(scope="module")
def table():
    return measured()


def drawn(table):
    """Title → tick labels, and the diamonds' places from top to bottom, of each panel."""
    figure = splits.splits_figure(splits.by_part(table, "harm"))
    shown = {}
    for axes in figure.axes:
        means = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
        labels = [tick.get_text() for tick in axes.get_yticklabels()]
        if means:
            shown[axes.get_title(loc="left")] = (labels, means)
    plt.close(figure)
    return shown


def test_parts_stand_by_their_mean_drift_with_their_prompts(table):
    labels, means = drawn(table)["harmful by category (prompts)\nSA_g: safe answers to harmful prompts"]
    found = table.filter(
        contrast="tuned - untuned", measure="SA_g", judge="harm", suite="harmful", split="category"
    )
    expected = found.group_by("part").agg(pl.col("estimate").mean(), pl.col("prompts").min())
    rows = expected.sort("estimate", "part").to_dicts()
    assert labels == [f"{row['part']} ({row['prompts']})" for row in rows]
    assert means == pytest.approx([row["estimate"] for row in rows])
    assert labels != sorted(labels)


def test_every_suite_that_has_parts_is_drawn(table):
    assert [title.partition(" (prompts)")[0] for title in drawn(table) if "prompts)" in title] == [
        *("harmful by category", "harmful by dimension", "harmful by stratum"),
        *("brought by category", "brought by stratum"),
        *("lookalikes by category", "lookalikes by stratum"),
        "utility by category",
    ]
    assert "SA_a[wrapped]: safe answers under attack" in drawn(table)
    assert "brought by category (prompts)\nSA_a[brought]: safe answers, own attacks" in drawn(table)


def test_of_many_parts_the_ends_are_drawn_and_the_others_told():
    many = measured(categories=20)
    figure = splits.splits_figure(splits.by_part(many, "harm"))
    assert not [text for axes in figure.axes for text in axes.texts]
    plt.close(figure)
    wide = pl.concat(
        [many, many.filter(split="category").with_columns(part=pl.format("other {}", pl.col("part")))]
    )
    title = "harmful by category (prompts)\nSA_g: safe answers to harmful prompts"
    labels, means = drawn(wide)[title]
    assert (len(labels), labels[10], len(means)) == (21, "20 more", 20)
    figure = splits.splits_figure(splits.by_part(wide, "harm"))
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == title)
    assert [text.get_text()[:11] for text in axes.texts] == ["means from "]
    plt.close(figure)


def test_a_study_without_parts_says_so(table, tmp_path):
    whole = splits.splits_figure(splits.by_part(table.filter(split="all"), "harm"))
    one = table.filter((pl.col("split") == "all") | (pl.col("part") == "direct"))
    alone = splits.splits_figure(splits.by_part(one, "harm"))
    for figure in (whole, alone):
        assert [text.get_text() for text in figure.axes[0].texts] == ["no suite has parts to tell apart"]
        style.save(figure, tmp_path, "splits")
        assert (tmp_path / "splits.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("part", "label"),
    [
        ("theft", "theft (7)"),
        ("costs $5\nor $6", r"costs \$5 or \$6 (7)"),
        ("a" * 40 + "b" * 40, "a" * 20 + "…" + "b" * 19 + " (7)"),
    ],
)
def test_any_name_of_a_part_is_one_short_line(part, label, table, tmp_path):
    assert splits.labels(pl.DataFrame({"part": [part], "prompts": [7]}), [part]) == [label]
    named = table.with_columns(pl.col("part").replace("topic 0", part))
    style.save(splits.splits_figure(splits.by_part(named, "harm")), tmp_path, "splits")


def test_equal_tables_give_equal_bytes(table, tmp_path):
    for name in ("one", "two"):
        style.save(splits.splits_figure(splits.by_part(table, "harm")), tmp_path / name, "splits")
    for suffix in ("svg", "png"):
        one, two = ((tmp_path / name / f"splits.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two and len(one) > 5000


def titles(figure):
    found = [axes.get_title(loc="left") for axes in figure.axes]
    plt.close(figure)
    return found


def test_a_suite_that_brings_its_attacks_has_its_panel(table):
    shown = headline(table, "harm")
    own = "SA_a[brought]: safe\nanswers, own attacks"
    assert titles(drift_figure(shown))[:3] == [
        "SA_g: safe answers\nto harmful prompts",
        "SA_a[wrapped]: safe\nanswers under attack",
        own,
    ]
    assert own in titles(effects_figure(shown))
    figure = drift_figure(shown)
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == own)
    points = sorted(line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1)
    rates = table.filter(
        pl.col("variant").is_not_null(), contrast="rate", measure="SA_a[brought]", judge="harm", split="all"
    )
    assert points == pytest.approx(sorted(rates["estimate"]))
    plt.close(figure)


@pytest.mark.parametrize(
    ("column", "value", "measure"),
    [("suite", "second", "SA_g"), ("judge", "second", "over_refusal"), ("attack", "wrapped", "over_refusal")],
)
def test_each_suite_judge_and_attack_of_a_measure_has_a_panel(table, column, value, measure):
    shown = headline(table, "harm")
    more = shown.filter(measure=measure).with_columns(pl.lit(value).alias(column))
    found = panels(pl.concat([shown, more]))
    assert len(found) == len(panels(shown)) + 1
    assert len(set(found.values())) == len(found)
    assert sum(f"({value})" in title for title in found.values()) == 1


def test_a_very_high_figure_is_drawn_coarser(tmp_path):
    figure, _ = plt.subplots(figsize=(1, 400))
    style.save(figure, tmp_path, "high")
    width_and_height = (tmp_path / "high.png").read_bytes()[16:24]
    assert int.from_bytes(width_and_height[4:], "big") <= 1.1 * style.MOST_DOTS
