from itertools import pairwise

import draw_drift
import matplotlib.pyplot as plt
import polars as pl
import pytest
from synthetic import drifts, fabricate, measure

from tunedrift.drift.disagreement import CLASHES, MEANINGS, by_instrument, cells
from tunedrift.drift.measures import BY_COHERENCE
from tunedrift.figures import style
from tunedrift.figures.disagreement import CLASH, NOTHING, READINGS, disagreement_figure
from tunedrift.tables.drift import DRIFT

RISE, FALL, UP, DOWN = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.05, -0.1, 0.2), (-0.05, -0.2, 0.1)
NOWHERE = (None, None, None)

BOTH = drifts({("a", "refusal_rate"): RISE, ("b", "refusal_rate"): FALL}, variant="both")
ONE = drifts({("a", "refusal_rate"): RISE, ("b", "refusal_rate"): NOWHERE}, variant="one")
NONE = drifts({("a", "refusal_rate"): UP, ("b", "refusal_rate"): DOWN}, variant="none")
ALIKE = drifts({("a", "refusal_rate"): DOWN, ("b", "refusal_rate"): FALL}, variant="alike")
ORDER = ["alike", "both", "none", "one"]


@pytest.fixture
def draw():
    """The figure of a drift table, closed after the test."""
    made = []

    def draw(table, variants=ORDER):
        found = by_instrument(table)
        made.append(disagreement_figure(found, cells(found), variants))
        return made[-1]

    yield draw
    for figure in made:
        plt.close(figure)


def marks(axes):
    """Variant → fill style and colour of the mark above it."""
    lowest = axes.figure.axes[-2]  # the last is the colour bar's
    labels = (label.get_text() for label in lowest.get_xticklabels())
    names = dict(zip(lowest.get_xticks(), labels, strict=True))
    return {
        names[line.get_xdata()[0]]: (line.get_fillstyle(), line.get_markerfacecolor())
        for line in axes.lines
        if line.get_marker() == "o"
    }


def test_marks_stand_where_the_sign_hangs_on_the_instrument_and_the_title_counts_them(draw):
    figure = draw(pl.concat([BOTH, ONE, NONE, ALIKE]))
    assert marks(figure.axes[0]) == {
        "both": ("full", style.INK),
        "one": ("left", style.INK),
        "none": ("full", "white"),
    }
    assert figure.get_suptitle() == (
        "The sign hangs on the instrument in 3 of 4 cells\n"
        "(both signs resolved: 1, one resolved: 1, none resolved: 1)"
    )


def test_colours_are_signs_dots_are_resolved_and_grey_is_nothing(draw):
    axes = draw(pl.concat([BOTH, ONE, NONE, ALIKE])).axes[0]
    [squares] = axes.collections
    found = {
        (box.x0 + 0.5, box.y0 + 0.5): colour
        for box, colour in zip(
            (path.get_extents() for path in squares.get_paths()), squares.get_facecolor(), strict=True
        )
    }
    # Columns as ordered; below the block's name stands judge a, then b.
    a, b = ([found[x, y] for x in range(4)] for y in (-1, -2))
    signs = ["rise" if blue > red else "fall" for red, _, blue, _ in (*a, *b[:3])]
    assert signs == ["fall", "rise", "rise", "rise", "fall", "fall", "fall"]
    assert tuple(b[3]) == plt.matplotlib.colors.to_rgba(NOTHING)
    # A small drift is less coloured than a large one of the same sign.
    assert a[0][1] > b[0][1] and a[2][0] > a[1][0]
    dots = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "."}
    assert dots == {(0, -2), (1, -1), (1, -2), (3, -1)}


def test_blocks_name_meaning_suite_and_attack_and_say_where_one_instrument_is_alone(draw):
    harm = drifts(
        {("harm", f"{name}_a[wrapped]"): RISE for name in BY_COHERENCE}, attack="wrapped", variant="both"
    )
    over = drifts({("a", "over_refusal"): RISE}, suite="lookalikes", variant="both")
    axes = draw(pl.concat([over, BOTH, harm])).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Safety · harmful, wrapped",
        *("harm: SA", "harm: SA among coherent", "harm: safe and coherent"),
        *("Refusal · harmful, plain", "a", "b"),
        *("Over-refusal · lookalikes, plain", "a"),
    ]
    [alone] = [text for text in axes.texts if text.get_text() == "one instrument alone"]
    assert alone.get_position()[1] == axes.get_yticks()[-2]
    assert "nothing is counted" not in [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_every_clash_and_reading_has_its_look():
    assert set(CLASH) == set(CLASHES)
    assert set(READINGS) == set(BY_COHERENCE) and set(READINGS) <= {
        name for names in MEANINGS.values() for name in names
    }


def test_models_have_their_panels_and_datasets_their_columns(draw):
    other = BOTH.with_columns(model=pl.lit("zeta"), dataset=pl.lit("learning"))
    figure = draw(pl.concat([BOTH, ALIKE, other]))
    one, two = figure.axes[:2]
    assert (one.get_ylabel(), two.get_ylabel()) == ("tiny", "zeta")
    assert [label.get_text() for label in two.get_xticklabels()] == ["alike", "both", "both"]
    assert (len(marks(one)), len(marks(two))) == (1, 1)
    assert {"household", "learning"} <= {text.get_text() for text in one.texts}


def many(harm, refusal, suites, variants):
    plain = {(judge, f"{name}_g"): RISE for judge in harm for name in BY_COHERENCE}
    wrapped = {(judge, f"{name}_a[wrapped]"): RISE for judge in harm for name in BY_COHERENCE}
    refused = {(judge, "refusal_rate"): FALL for judge in refusal}
    return pl.concat(
        drifts({**numbers, **refused}, suite=suite, attack=attack, variant=variant)
        for suite in suites
        for attack, numbers in (("plain", plain), ("wrapped", wrapped))
        for variant in variants
    )


@pytest.mark.parametrize(
    ("judges", "suites", "variants", "largest"),
    [(1, 1, 1, (4, 5)), (1, 1, 8, (5.5, 5)), (3, 3, 24, (8.5, 17))],
)
def test_names_stand_clear_of_one_another_with_few_judges_and_with_many(
    draw, judges, suites, variants, largest
):
    names = [f"variant_{number:02}" for number in range(variants)]
    table = many(
        [f"harm_judge_{number}" for number in range(judges)],
        [f"refusal_judge_{number}" for number in range(judges)],
        [f"suite_{number}" for number in range(suites)],
        names,
    )
    figure = draw(table, names)
    assert (figure.get_size_inches() <= largest).all()
    figure.canvas.draw()
    axes = figure.axes[0]
    for labels, ends in (
        (axes.get_yticklabels(), lambda box: (-box.y1, -box.y0)),
        (axes.get_xticklabels(), lambda box: (box.x0, box.x1)),
    ):
        spans = [ends(label.get_window_extent()) for label in labels]
        assert all(end <= start + 1 for (_, end), (start, _) in pairwise(spans))


def test_a_table_without_drifts_gives_a_figure_that_says_so(draw):
    assert [text.get_text() for text in draw(drifts({})).axes[0].texts] == ["no drift to compare"]
    alone = draw(drifts({("a", "refusal_rate"): RISE}, variant="both"))
    assert alone.get_suptitle() == "No drift is measured by more than one instrument"
    nothing = draw(drifts({("a", "refusal_rate"): NOWHERE, ("b", "refusal_rate"): NOWHERE}, variant="both"))
    assert nothing.get_suptitle().startswith("The sign hangs on the instrument in 0 of 1 cells")


def test_the_program_draws_it_beside_the_others_in_equal_bytes(tmp_path):
    DRIFT.write(
        measure(fabricate(harmful=6, safe=4, utility=2, rows=3, pairs=4))[0], tmp_path / "drift.parquet"
    )
    for out in ("one", "two"):
        words = f"--drift {tmp_path}/drift.parquet --primary-judge harm --out {tmp_path / out}"
        draw_drift.main(draw_drift.parser().parse_args(words.split()))
    for name in ("drift", "effects", "disagreement"):
        for suffix in ("svg", "png"):
            one, two = ((tmp_path / out / f"{name}.{suffix}").read_bytes() for out in ("one", "two"))
            assert one == two and len(one) > 5000
