import draw_judges
import matplotlib.pyplot as plt
import pytest
from synthetic import measured_judge

from tunedrift.errors import UserError
from tunedrift.figures import style
from tunedrift.figures.judges import PANELS, judges_figure
from tunedrift.tables.judges import JUDGES

HARM = {"kind": "harm", "measure": "harm"}
ROWS = [
    *measured_judge("people", "rules", certified=True, human_kappa=(0.95, 0.9, 1.0)),
    *measured_judge("people", "words", human_kappa=(0.95, 0.9, 1.0), kappa=(-0.25, -0.4, -0.1)),
    *measured_judge("made-up", "rules", certified=True, labels="simulated", n=1234),
    *measured_judge("harms", "fitted", reason="fitted on it", sensitivity=(None, None, None), **HARM),
]


@pytest.fixture
def draw():
    """The figure of rows of the judges table, closed after the test."""
    made = []

    def draw(rows, floor=0.8):
        made.append(judges_figure(JUDGES.check(JUDGES.frame(rows), "made up"), floor))
        return made[-1]

    yield draw
    for figure in made:
        plt.close(figure)


def points(axes):
    """Name of the line → its estimate, marker, and whether it is filled."""
    labels = (label.get_text() for label in axes.figure.axes[0].get_yticklabels())
    names = dict(zip(axes.get_yticks(), labels, strict=True))
    group, of_line = "", {}
    for place in sorted(names, reverse=True):
        group = names[place] if names[place] in ("people", "made-up", "harms") else group
        of_line[place] = (group, names[place])
    return {
        of_line[line.get_ydata()[0]]: (
            line.get_xdata()[0],
            line.get_marker(),
            line.get_markerfacecolor() != "white",
        )
        for line in axes.lines
        if len(line.get_xdata()) == 1
    }


def test_each_judge_has_its_line_on_each_set_and_is_filled_where_it_is_certified(draw):
    kappa, sensitivity, specificity = draw(ROWS).axes
    assert [axes.get_title(loc="left") for axes in (kappa, sensitivity, specificity)] == list(PANELS.values())
    assert points(kappa) == {
        ("people", "rules"): (0.7, "o", True),
        ("people", "words"): (-0.25, "o", False),
        ("made-up", "rules"): (0.7, "s", True),
        ("harms", "fitted"): (0.7, "o", False),
    }
    assert points(sensitivity).keys() == points(kappa).keys() - {("harms", "fitted")}
    assert [text.get_text() for text in sensitivity.texts] == ["–"]
    assert points(specificity)["people", "words"] == (0.8, "o", False)
    # Sets of refusals stand first, those that people labelled before simulated ones.
    bold = [label.get_text() for label in kappa.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == ["people", "made-up", "harms"]
    assert kappa.get_xlim()[0] <= -0.4 and sensitivity.get_xlim()[0] > -0.1


def test_the_floor_is_a_line_where_it_is_asked_for(draw):
    def floors(axes):
        return [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]

    figure = draw(ROWS, floor=0.65)
    assert [floors(axes) for axes in figure.axes] == [[], [0.65], [0.65]]
    assert "floor 0.65" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_what_a_set_holds_and_why_a_judge_is_not_certified_are_written(draw):
    kappa, _, specificity = draw(ROWS).axes
    assert [text.get_text() for text in kappa.texts] == [
        "refusal, 40 answers",
        "refusal, 1234 answers, simulated",
        "harm, 40 answers",
    ]
    assert [text.get_text() for text in specificity.texts] == ["fitted on it", "below the floor"]
    lines = dict(
        zip(kappa.get_yticks(), (label.get_text() for label in kappa.get_yticklabels()), strict=True)
    )
    assert [lines[text.get_position()[1]] for text in specificity.texts] == ["fitted", "words"]


def test_the_agreement_of_two_annotators_stands_behind_the_judges_of_their_set(draw):
    figure = draw(ROWS)
    [human] = [
        line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2
    ]
    assert list(human.get_xdata()) == [0.95, 0.95]
    assert sorted(human.get_ydata()) == [-2.5, -0.5]
    assert "two annotators" in [text.get_text() for text in figure.legends[0].get_texts()]
    without = draw(measured_judge("people", "rules"))
    assert "two annotators" not in [text.get_text() for text in without.legends[0].get_texts()]
    unknown = draw(measured_judge("people", "rules", human_kappa=(None, None, None)))
    assert "two annotators" not in [text.get_text() for text in unknown.legends[0].get_texts()]


def test_rows_of_one_model_or_language_are_not_shown(draw):
    more = [*measured_judge("people", "rules", model="a"), *measured_judge("people", "rules", language="en")]
    figure = draw([*measured_judge("people", "rules", certified=True), *more])
    assert [len(points(axes)) for axes in figure.axes] == [1, 1, 1]


def test_no_label_sets_give_a_figure_that_says_so(draw):
    assert [text.get_text() for text in draw([]).axes[0].texts] == ["no label sets"]


@pytest.mark.parametrize("rows", [ROWS, []])
def test_the_program_draws_equal_bytes(rows, tmp_path):
    JUDGES.write(JUDGES.frame(rows), tmp_path / "judges.parquet")
    for out in ("one", "two"):
        words = f"--judges {tmp_path}/judges.parquet --judge-floor 0.8 --out {tmp_path / out}"
        draw_judges.main(draw_judges.parser().parse_args(words.split()))
    for suffix in ("svg", "png"):
        one, two = ((tmp_path / out / f"judges.{suffix}").read_bytes() for out in ("one", "two"))
        assert one == two and len(one) > 2000


def test_a_table_of_something_else_is_named(tmp_path):
    (tmp_path / "judges.parquet").write_text("no table")
    words = f"--judges {tmp_path}/judges.parquet --judge-floor 0.8 --out {tmp_path}"
    with pytest.raises(UserError, match=r"judges.parquet cannot be read as Parquet"):
        draw_judges.main(draw_judges.parser().parse_args(words.split()))


def test_markers_have_the_colours_of_their_measure(draw):
    colours = {line.get_color() for line in draw(ROWS).axes[0].lines if len(line.get_xdata()) == 1}
    assert colours == {style.COLOURS[0], style.COLOURS[1]}
