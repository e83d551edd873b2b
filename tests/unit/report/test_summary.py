import polars as pl
import pytest
from synthetic import fabricate, judged, measure

from tunedrift.errors import UserError
from tunedrift.report import summary
from tunedrift.tables.agreement import AGREEMENT
from tunedrift.tables.judges import JUDGES

VERSIONS = {"torch": "2.13.0"}
GATES = [{"model": "tiny", "refusal_rate": 0.9, "n": 60, "threshold": 0.8}]


@pytest.fixture(scope="module")
def tables():
    return measure(fabricate())[:2]


def sentence(text, start):
    found = [line for line in text.splitlines() if line.strip().startswith(start)]
    assert found, f"no sentence starts with {start!r}"
    return found[0]


def test_the_numbers_are_the_tables(tables):
    table, agreement = tables
    text = summary.summarize(table, agreement, GATES, "harm", ["tiny"], [VERSIONS])
    rate = table.filter(
        pl.col("variant").is_null(), contrast="rate", measure="SA_g", judge="harm", split="all"
    ).row(0, named=True)
    assert summary.between(rate) in sentence(text, "- SA_g")
    effect = table.filter(
        contrast="level - control", measure="SA_g", variant="markdown", dataset="household", split="all"
    ).row(0, named=True)
    assert f"household {summary.between(effect)}" in sentence(text, "- tiny, **markdown − length**, SA_g")
    error = agreement.filter(measure="error_rate", rm="safe").row(0, named=True)
    assert f"safe {summary.between(error)}" in sentence(text, "- **RM × people**")
    assert "refused 90% of 60 gate prompts" in text


def test_an_effect_that_was_not_declared_is_an_interval_and_no_word(tables):
    table = tables[0].filter(contrast="level - control", measure="SA_g", variant="markdown", split="all")
    table = table.with_columns(estimate=-0.3, low=-0.4, high=-0.2)
    said = next(iter(summary.effect_sentences(table)))
    assert said == (
        "- tiny, **markdown − length**, SA_g, harmful: household −0.30 (−0.40 to −0.20), learning −0.30 (−0.40 to −0.20)."
    )


def test_the_small_world_opens_the_summary_and_a_real_model_does_not(tables):
    assert "made-up world" in summary.summarize(*tables, GATES, "harm", ["tiny"], [VERSIONS])
    assert "made-up world" not in summary.summarize(*tables, GATES, "harm", [], [VERSIONS])


def test_one_seed_speaks_of_its_adapter_and_several_of_the_variant(tables):
    assert "conditional on its one adapter" in summary.seeds_sentence(tables[0])
    several = tables[0].with_columns(
        pl.when(pl.col("seeds") > 0).then(3).otherwise(0).cast(pl.Int64).alias("seeds")
    )
    said = summary.seeds_sentence(several)
    assert said.startswith("3 seeds per variant")
    assert (
        "Those of reward models (against one another, against people, detection) are over prompts alone"
        in said
    )


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert summary.number(-0.004) == "0.00"
    assert summary.number(-0.126) == "−0.13"


def test_rows_from_different_library_versions_are_said_to_be_so(tables):
    one = summary.summarize(*tables, GATES, "harm", [], [VERSIONS])
    two = summary.summarize(*tables, GATES, "harm", [], [VERSIONS, {"torch": "2.14.0"}])
    half = summary.summarize(*tables, GATES, "harm", [], [VERSIONS], ["bfloat16"])
    assert "computed in bfloat16" in half
    assert "computed in" not in one
    assert "different library versions" not in one
    assert "different library versions** (torch 2.13.0; torch 2.14.0)" in two


@pytest.mark.parametrize(("p", "shown"), [(0.0004, "p < 0.001"), (0.0126, "p = 0.013")])
def test_a_small_p_is_not_written_as_zero(p, shown):
    row = {"safety": "SA_g", "rm": "safe", "n": 6, "estimate": 0.8, "low": None, "high": None}
    chance = pl.DataFrame({"measure": ["forecast_p"], "estimate": [p], "n": [8]})
    assert f"(permutation {shown}, 8 tuned variants)" in summary.forecast_sentence(row, chance)


def test_a_gate_belongs_to_the_model_that_it_names(tables):
    drift, agreement = tables
    other = drift.with_columns(model=pl.lit("another"))
    gates = [{**GATES[0], "model": "tiny"}, {**GATES[0], "model": "another", "refusal_rate": 0.5}]
    for order in (gates, gates[::-1]):
        text = summary.summarize(pl.concat([drift, other]), agreement, order, "harm", [], [VERSIONS])
        assert "untuned, refused 90% of 60" in sentence(text, "- **tiny**")
        assert "untuned, refused 50% of 60" in sentence(text, "- **another**")
    with pytest.raises(
        UserError, match="the model 'another' is in the drift table, but none of the gates is its"
    ):
        summary.summarize(pl.concat([drift, other]), agreement, GATES, "harm", [], [VERSIONS])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.6, 0.7, "(0.60 to 0.70) of"),
        (0.2, 0.3, "(0.20 to 0.30) of"),
        (None, None, "prompts, too few for an interval; a coin"),
    ],
)
def test_detection_is_an_interval_and_no_word(tables, low, high, said):
    detection = pl.col("measure") == "detection_accuracy"
    intervals = {"low": low, "high": high}
    agreement = tables[1].with_columns(
        pl.when(detection).then(pl.lit(edge)).otherwise(name).alias(name) for name, edge in intervals.items()
    )
    sentences = summary.agreement_sentences(agreement, JUDGES.frame([]), [])
    found = [line for line in sentences if line.startswith("- **Detection**")]
    assert found and all(said in line for line in found)
    assert not any("than chance" in line or "from chance" in line for line in found)


def test_labels_that_no_person_gave_are_not_said_to_be_peoples(tables):
    simulated = tables[1].with_columns(
        labels=pl.when(question="rm_people").then(pl.lit("simulated")).otherwise("labels")
    )
    lines = list(summary.agreement_sentences(simulated, JUDGES.frame([]), []))
    assert any(line.startswith("- **RM × simulated labels**, preferences/") for line in lines)
    assert not any("× people" in line for line in lines)


@pytest.mark.parametrize(
    ("rows", "embedded", "said"),
    [
        ([], [], "is not certified: no label set: nothing is known of the judge's errors."),
        (judged("harm", "a", (0.9, 0.85, 0.95), (0.9, 0.85, 0.95)), [], "is certified: sensitivity 0.90"),
        (
            judged("harm", "a", (0.9, 0.85, 0.95), (0.9, 0.85, 0.95), labels="simulated"),
            [],
            "is not certified: its only labels are simulated (a)",
        ),
        (
            judged("harm", "a", (0.9, 0.85, 0.95), (0.9, 0.85, 0.95), labels="simulated"),
            ["tiny"],
            "is certified: sensitivity 0.90",
        ),
    ],
)
def test_detection_and_forecasts_bring_the_certificate_of_their_judge(tables, rows, embedded, said):
    lines = list(summary.agreement_sentences(tables[1], JUDGES.frame(rows), embedded))
    rest = [number for number, line in enumerate(lines) if "rest on its judge of safety" in line]
    assert len(rest) == 1
    start = "- **Detection and forecasts** on tiny rest on its judge of safety: `harm` "
    assert lines[rest[0]].startswith(start + said)
    assert {line.split("**")[1].split()[0] for line in lines[rest[0] + 1 :]} == {"Detection", "Forecast"}
    alone = tables[1].filter(pl.col("question").is_in(["rm_rm", "rm_people"]))
    assert not any("judge" in line for line in summary.agreement_sentences(alone, JUDGES.frame(rows), []))


def test_a_study_without_reward_models_says_so(tables):
    text = summary.summarize(tables[0], AGREEMENT.frame([]), GATES, "harm", ["tiny"], [VERSIONS])
    heading = text.index("## Would a reward model have told us?")
    assert text[heading:].splitlines()[2] == "No reward model is in this study."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"one": "better"}, "Better than chance: one. By Holm's method over 1 reward model."),
        ({"one": None, "two": "better"}, "Better than chance: two. Not told from chance: one."),
        ({"one": "worse"}, "Worse than chance: one; check `sign`"),
        ({"one": "few"}, "Too few prompts to tell from chance: one."),
    ],
)
def test_an_error_rate_is_better_or_worse_than_chance_by_its_adjusted_p(words, said):
    rows = [
        {
            **{"rm": rm, "p_holm": None if word == "few" else 0.01 if word else 0.2},
            "word": None if word == "few" else word,
        }
        for rm, word in words.items()
    ]
    assert summary.chance_sentences(rows).startswith(said)


def test_suites_are_told_apart_in_the_effects(tables):
    table = tables[0].filter(contrast="level - control", measure="SA_g", variant="markdown", split="all")
    other = table.with_columns(suite=pl.lit("other"))
    lines = list(summary.effect_sentences(pl.concat([table, other])))
    assert [line.split(":")[0].split(", ")[-1] for line in lines] == ["harmful", "other"]


def test_where_refusal_judges_are_several_one_tells_the_refusals(tables):
    drift, agreement = tables
    other = drift.filter(judge="refusal").with_columns(judge=pl.lit("second-judge"))
    both = pl.concat([drift, other])
    whole = summary.summarize(both, agreement, GATES, "harm", ["tiny"], [VERSIONS])
    assert "over_refusal (second-judge" in whole and "over_refusal (refusal" in whole
    one = summary.summarize(both, agreement, GATES, "harm", ["tiny"], [VERSIONS], refusal_judge="refusal")
    assert "second-judge" not in one
    assert one == summary.summarize(drift, agreement, GATES, "harm", ["tiny"], [VERSIONS])
