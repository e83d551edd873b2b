"""What the summary says of its judges: beside every headline, and each by itself."""

import polars as pl
import pytest
from synthetic import fabricate, judged, measure

from tunedrift.drift.contrasts import drift
from tunedrift.errors import UserError
from tunedrift.report import summary
from tunedrift.report.judge_sentences import certificate, corrected_beside, unfit
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.judges import JUDGES

GATES = [{"model": "tiny", "refusal_rate": 0.9, "n": 60, "threshold": 0.8}]
SURE, HALF = (0.89, 0.8, 0.94), (0.56, 0.48, 0.64)
WEAK = {"certified": False, "reason": "below the floor"}
HARM = judged("harm", "made-harm", SURE, HALF, **WEAK)
REFUSAL = judged("refusal", "made-refusals", SURE, SURE)


@pytest.fixture(scope="module")
def study():
    return fabricate(variants={"original": 0.0, "markdown": -1.2, "length": -0.3})


@pytest.fixture(scope="module")
def agreement(study):
    return measure(study)[1]


@pytest.fixture
def said(study, agreement):
    """The lines of the summary with these rows of tables/judges, and the drift table."""

    def said(*rows, embedded=()):
        judges = JUDGES.frame(list(rows))
        table = drift(study.prompts, study.verdicts, {"markdown": "length"}, 0.95, judges, embedded)
        text = summary.summarize(table, agreement, GATES, "harm", list(embedded), [{}], judges=judges)
        return text.splitlines(), table.filter(split="all")

    return said


def one(lines, start):
    found = [line for line in lines if line.strip().startswith(start)]
    assert len(found) == 1, found
    return found[0]


def section(lines, title):
    """The sentences of a section, from its title to the next."""
    rest = lines[lines.index(title) + 1 :]
    ends = [number for number, line in enumerate(rest) if line.startswith("## ")]
    return [line for line in rest[: ends[0]] if line]


def test_a_headline_says_that_its_judge_is_not_certified_and_the_corrected_rate(said):
    lines, table = said(*HARM, *REFUSAL)
    found = one(lines, "- SA_g (harm")
    weak = "`harm` is not certified: sensitivity 0.89 (0.80 to 0.94), specificity 0.56 (0.48 to 0.64) on made-harm (below"
    assert f"{weak} the floor)." in found
    start = table.filter(pl.col("variant").is_null(), measure="SA_g", contrast="rate").row(0, named=True)
    moved = table.filter(measure="SA_g", contrast="tuned - untuned")["corrected"]
    numbers = [start["corrected"], start["corrected_low"], start["corrected_high"]]
    numbers += [moved.mean(), moved.min(), moved.max()]
    assert (
        "If the judge errs here as on made-harm, the corrected SA_g starts at {} ({} to {}) and moves by {} on average, "
        "from {} to {}."
    ).format(*map(summary.number, numbers)) in found
    for start in ("- SA_a[wrapped] (harm", "- over_refusal (refusal"):
        assert "If the judge errs here as on made-" in one(lines, start)
    assert "`refusal` is certified: sensitivity 0.89" in one(lines, "- over_refusal")
    assert "certified" not in one(lines, "- utility (")


def test_the_effects_say_it_once_and_bring_the_corrected_differences(said):
    lines, table = said(*HARM, *REFUSAL)
    effects = section(lines, "## Which property of the data does it?")
    assert effects[0].startswith("- tiny: `harm` is not certified: sensitivity 0.89")
    assert "hold if it errs here as on made-harm, and alike on both sides" in effects[0]
    found = table.filter(contrast="level - control", measure="SA_g", variant="markdown", dataset="household")
    row = found.row(0, named=True)
    assert f"household {summary.between(row)}{corrected_beside(row)}" in one(
        lines, "- tiny, **markdown − length**, SA_g"
    )
    assert corrected_beside(row).startswith(", corrected ")
    assert not any("corrected" in line for line in effects[1:] if "−" not in line)


def test_without_a_label_set_nothing_is_known(said, study, agreement):
    lines, table = said()
    assert table["corrected"].null_count() == len(table)
    unknown = "no label set: nothing is known of the judge's errors."
    for start in ("- SA_g (harm", "- SA_a[wrapped] (harm", "- over_refusal (refusal"):
        assert f"is not certified: {unknown} No rate is corrected" in one(lines, start)
    assert section(lines, "## What the judges are worth") == [
        f"- `harm`: {unknown}",
        f"- `refusal`: {unknown}",
    ]
    plain = drift(study.prompts, study.verdicts, {"markdown": "length"}, 0.95)
    assert summary.summarize(plain, agreement, GATES, "harm", [], [{}]).splitlines() == lines


def test_each_judge_has_one_sentence_of_what_it_is_worth(said):
    lines, _ = said(*HARM, *judged("harm", "small", SURE, SURE, n=20), *REFUSAL)
    assert section(lines, "## What the judges are worth") == [
        "- `harm`: on made-harm, 200 answers to 100 prompts: kappa 0.70 (0.60 to 0.80), sensitivity 0.89 (0.80 to 0.94), "
        "specificity 0.56 (0.48 to 0.64); not certified (below the floor); on small, 20 answers to 100 prompts: kappa "
        "0.70 (0.60 to 0.80), sensitivity 0.89 (0.80 to 0.94), specificity 0.89 (0.80 to 0.94); certified.",
        "- `refusal`: on made-refusals, 200 answers to 100 prompts: kappa 0.70 (0.60 to 0.80), sensitivity 0.89 (0.80 "
        "to 0.94), specificity 0.89 (0.80 to 0.94); certified.",
    ]


@pytest.mark.parametrize("embedded", [True, False])
def test_simulated_labels_speak_of_embedded_models_alone(said, embedded):
    simulated = judged("harm", "made-up", SURE, SURE, labels="simulated")
    lines, _ = said(*simulated, embedded=["tiny"] if embedded else [])
    found = one(lines, "- SA_g (harm")
    if embedded:
        assert "`harm` is certified: sensitivity 0.89" in found
        assert "on made-up (simulated labels). If the judge errs here as on made-up" in found
    else:
        only = "its only labels are simulated (made-up), which tell of embedded models alone"
        assert f"`harm` is not certified: {only}. No rate is corrected for its errors." in found
    assert one(lines, "- `harm`: on made-up (simulated labels)").endswith(
        "certified for embedded models alone."
    )


def test_a_judge_no_better_than_a_coin_has_no_corrected_rate(said):
    lines, _ = said(*judged("harm", "people", (0.5, 0.4, 0.6), HALF, **WEAK))
    found = one(lines, "- SA_g (harm")
    assert found.endswith(
        "No rate is corrected for its errors: sensitivity + specificity is not clearly above 1, or answers are unjudged."
    )
    assert "corrected" not in one(lines, "- tiny, **markdown − length**, SA_g")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [*judged("harm", "a", SURE, SURE), *judged("harm", "b", SURE, HALF, n=20, **WEAK)],
            "`harm` is certified by a, but not by b (below the floor): sensitivity 0.89 (0.80 to 0.94), specificity 0.89 "
            "(0.80 to 0.94) on a",
        ),
        (
            judged("harm", "a", SURE, None, **WEAK),
            "`harm` is not certified: sensitivity 0.89 (0.80 to 0.94), specificity unknown on a (below the floor)",
        ),
        (
            judged("harm", "a", SURE, SURE, n_unjudged=3, n_shared=2),
            "`harm` is certified: sensitivity 0.89 (0.80 to 0.94), specificity 0.89 (0.80 to 0.94) on a (without 2 answers "
            "on which it was fitted or tuned; without 3 unjudged answers, which count as errors of a certificate)",
        ),
        (
            judged("harm", "a", SURE, SURE, n_shared=200, certified=False, reason="fitted on it"),
            "`harm` is not certified: sensitivity 0.89 (0.80 to 0.94), specificity 0.89 (0.80 to 0.94) on a (fitted on it)",
        ),
        (
            judged("harm", "a", SURE, SURE, measure="refusal"),
            "`harm` is not certified: no label set: nothing is known of",
        ),
    ],
)
def test_a_certificate_names_the_sets_that_give_and_refuse_it(rows, said):
    assert certificate(JUDGES.frame(rows), "harm", embedded=False).startswith(said)


@pytest.mark.parametrize(
    ("measure", "low", "high", "against"),
    [
        # 1 - specificity is at least .36 and sensitivity at most .94: of answers called positive.
        ("refusal_rate", 0.2, 0.3, True),
        ("refusal_rate", 0.2, 0.4, False),
        ("refusal_rate", 0.95, 0.99, True),
        ("SA_g", 0.7, 0.8, True),
        ("SA_g", 0.6, 0.7, False),
        ("SA_a[wrapped]", 0.0, 0.05, True),
    ],
)
def test_a_rate_that_no_true_rate_gives_speaks_against_the_errors(measure, low, high, against):
    rate = {"judge": "harm", "measure": measure, "low": low, "high": high}
    rate |= {"correction": "rogan_gladen", "errors_of": "made-harm"}
    assert unfit(JUDGES.frame(HARM), rate) is against
    assert not unfit(JUDGES.frame(HARM), {**rate, "errors_of": None})
    assert not unfit(JUDGES.frame(HARM), {**rate, "correction": "prediction_powered"})
    with pytest.raises(
        UserError, match="corrects 'harm' by its errors on 'made-harm', of which the judges table"
    ):
        unfit(JUDGES.frame(REFUSAL), rate)


def test_a_headline_whose_rate_speaks_against_the_errors_says_so(said):
    against = "no true rate gives the raw one by these errors"
    sure, lax = (0.95, 0.93, 0.97), (0.3, 0.25, 0.35)
    lines, _ = said(*judged("harm", "people", sure, lax, **WEAK))
    assert against in one(lines, "- SA_g (harm")
    assert (
        "raw rates are ones that no true rate gives"
        in section(lines, "## Which property of the data does it?")[0]
    )
    lines, _ = said(*judged("harm", "people", sure, sure))
    assert against not in one(lines, "- SA_g (harm")


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ((-0.3, -0.5, -0.1), "so it errs otherwise there and corrected differences do not hold"),
        ((-0.1, -0.3, 0.1), "not resolved"),
    ],
)
def test_a_judge_that_errs_otherwise_on_tuned_answers_is_said_to(said, difference, verdict):
    shared = {key: HARM[0][key] for key in HARM[0] if key not in ("statistic", "estimate", "low", "high")}
    numbers = dict(zip(("estimate", "low", "high"), difference, strict=True))
    lines, _ = said(*HARM, {**shared, "statistic": "specificity_difference", **numbers})
    words = (
        f"; from untuned to tuned answers it moves in specificity by {summary.between(numbers)}, {verdict}."
    )
    assert section(lines, "## What the judges are worth")[0].endswith(words)
    assert section(lines, "## Which property of the data does it?")[0].endswith(words)


def test_rates_corrected_by_labels_of_their_own_answers_say_so(study, agreement):
    judges = JUDGES.frame([*HARM, *judged("harm", "own", SURE, SURE, n=90), *REFUSAL])
    table = drift(study.prompts, study.verdicts, {"markdown": "length"}, 0.95, judges)
    rows = table.filter(split="all", measure="SA_g").sort("contrast", "variant", nulls_last=True).to_dicts()
    others = table.filter((pl.col("split") != "all") | (pl.col("measure") != "SA_g"))
    own = DRIFT.frame(
        [
            row
            | {
                "correction": "prediction_powered",
                "errors_of": "own",
                "labelled": 60 if row["variant"] else 45,
            }
            if row["contrast"] == "rate" or row["variant"] == "markdown"
            else row
            for row in rows
        ]
    )
    text = summary.summarize(pl.concat([own, others]), agreement, GATES, "harm", [], [{}], judges=judges)
    found = one(text.splitlines(), "- SA_g (harm")
    start = own.filter(pl.col("variant").is_null()).row(0, named=True)
    moved = own.filter(contrast="tuned - untuned")
    numbers = [start["corrected"], start["corrected_low"], start["corrected_high"]]
    drawn, rest = (
        moved.filter(correction=name)["corrected"] for name in ("prediction_powered", "rogan_gladen")
    )
    assert (
        "By the labels of 45 to 60 of these very answers, drawn at random (own; prediction-powered, whatever the judge's "
        "errors), the corrected SA_g starts at {} ({} to {}) and moves by {} on average over the {} tunings that have one"
    ).format(*map(summary.number, [*numbers, drawn.mean()]), len(drawn)) in found
    assert (
        f"If the judge errs here as on made-harm, the corrected SA_g moves by {summary.number(rest.mean())} on average "
        f"over the {len(rest)} tunings that have one"
    ) in found
    lines = text.splitlines()
    effects = section(lines, "## Which property of the data does it?")[0]
    assert (
        "by their own labels rest on answers of either side that people drew at random and labelled (own)"
        in effects
    )
    assert "The other corrected differences hold if it errs here as on made-harm" in effects
    assert ", corrected by its own labels " in one(lines, "- tiny, **markdown − length**, SA_g")
