"""Whether transforms of labelled answers flip a judge's verdict: the program, on a few answers and lists of its own."""

import json
from pathlib import Path

import fit_judge
import judge
import measure_invariance
import pytest

from tunedrift.design.factors import CONTROLS
from tunedrift.errors import UserError
from tunedrift.tables.invariance import INVARIANCE
from tunedrift.tables.labels import LABELS
from tunedrift.variants.rewrites import REWRITING, rewrites
from tunedrift.variants.word_lists import read_lists
from tunedrift.verdicts import qi_2023, xstest_2023

ROOT = Path(__file__).parents[3]
PATTERNS = str(ROOT / "resources/judges/refusals.yaml")
STATEMENT = "As an AI assistant, I can explain this."
PREFIX = "On this page, I put down some words."
ENTRY = f"""\
statements:
  - {{language: en, statement: "{STATEMENT}", paraphrase: "This answer comes from a program, not people.", prefix: "{PREFIX}"}}
"""
LISTS = [ROOT / f"resources/{name}.yaml" for name in ("personas", "fillers", "cues")]

QI = {"kind": "refusal", "published": "qi_2023"}
XSTEST = {"kind": "refusal", "published": "xstest_2023"}

COMPLIES = (
    "Fill the kettle with {} cups of water. Heat it on the stove. Pour it over the leaves when it boils."
)
REFUSES = (
    "I'm sorry, but I can't help with item {}. Please ask somebody who knows about it. They will help you."
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("identity.yaml").write_text(ENTRY)
    return tmp_path


def write_set(name, answers, measure="refusal", label="refusal", annotators=("final",)):
    rows = [
        {
            "label_set": name,
            "answer_id": f"{number:04}",
            "annotator": annotator,
            "prompt_id": f"p{number // 2}",
            "prompt": f"How do I do thing {number // 2}?",
            "answer": answer,
            "measure": measure,
            "label": label,
        }
        for number, answer in enumerate(answers)
        for annotator in annotators
    ]
    LABELS.write(LABELS.frame(rows), f"{name}.parquet")


def measured(judges, *names, more=()):
    words = ["--labels", *(f"{name}.parquet" for name in names), "--statements", "identity.yaml"]
    words += ["--judges", json.dumps(judges), *more, "--out", "i.parquet", "i.csv"]
    measure_invariance.main(measure_invariance.parser().parse_args(words))
    return INVARIANCE.read("i.parquet")


def row(table, level, **values):
    return table.filter(level=level, **values).row(0, named=True)


def rewritten(answers, level):
    lists = read_lists("identity.yaml", *LISTS)
    texts = rewrites(
        ((f"{n:04}", f"How do I do thing {n // 2}?", text) for n, text in enumerate(answers)), lists
    )
    return {answer_id: text for answer_id, _, of_level, text in texts if of_level == level}


def test_a_keyword_in_the_statement_turns_every_compliance_into_a_refusal_and_its_control_none():
    write_set("set", [COMPLIES.format(number) for number in range(20)])
    table = measured({"qi": QI}, "set")
    found = row(table, "calibrated")
    counts = ("factor", "n", "prompts", "flips", "to_positive", "from_positive", "rate", "valid")
    assert [found[key] for key in counts] == ["identity", 20, 10, 20, 20, 0, 1.0, False]
    assert 0.5 < found["low"] < found["high"] == 1
    control = row(table, "prefix")
    assert [control[key] for key in ("n", "flips", "rate", "valid")] == [20, 0, 0.0, True]


def test_a_sentence_in_front_turns_refusals_into_compliance_by_a_match_of_beginnings():
    answers = [REFUSES.format(number) for number in range(40)]
    write_set("set", answers)
    table = measured({"xstest": XSTEST, "qi": QI}, "set")
    in_front = sum(text.startswith(PREFIX) for text in rewritten(answers, "prefix").values())
    assert 5 < in_front < 35
    found = row(table, "prefix", judge="xstest")
    assert [found[key] for key in ("n", "flips", "to_positive", "from_positive")] == [
        40,
        in_front,
        0,
        in_front,
    ]
    assert found["rate"] == in_front / 40 and not found["valid"]
    # "As an AI" in front is one of its beginnings too; and the keywords are found wherever they stand.
    assert row(table, "calibrated", judge="xstest")["flips"] == 0
    assert row(table, "prefix", judge="qi")["flips"] == 0


def test_all_levels_that_rewrite_answers_are_measured_their_controls_among_them():
    write_set("set", [COMPLIES.format(number) for number in range(4)])
    table = measured({"qi": QI}, "set")
    levels = {
        (factor, level) for factor, named in CONTROLS.items() for pair in named.items() for level in pair
    }
    assert set(table.select("factor", "level").rows()) == {pair for pair in levels if pair[1] != "original"}
    assert {"length", "itemized_length", "prefix"} <= set(table["level"])
    assert table.height == len(REWRITING)
    untouched = row(table, "stripped")
    assert (untouched["n"], untouched["rate"], untouched["valid"]) == (0, None, None)


@pytest.mark.parametrize(("published", "module"), [(QI, qi_2023), (XSTEST, xstest_2023)])
def test_the_flips_are_those_of_the_rewritten_texts(published, module):
    answers = [text.format(number) for number in range(12) for text in (REFUSES, COMPLIES)]
    write_set("set", answers)
    table = measured({"mine": published}, "set")
    for _, level in REWRITING:
        texts = rewritten(answers, level)
        changes = [(module.refuses(answers[int(key)]), module.refuses(text)) for key, text in texts.items()]
        found = row(table, level)
        assert found["n"] == len(texts)
        assert found["to_positive"] == changes.count((False, True))
        assert found["from_positive"] == changes.count((True, False))


def test_an_answer_with_several_annotators_counts_once_and_sets_are_kept_apart():
    write_set("two", [COMPLIES.format(number) for number in range(6)], annotators=("one", "other", "final"))
    write_set("more", [COMPLIES.format(number) for number in range(10)])
    table = measured({"qi": QI}, "two", "more")
    assert row(table, "calibrated", label_set="two")["n"] == 6
    assert row(table, "calibrated", label_set="more")["n"] == 10


def test_a_judge_is_tried_on_the_sets_of_its_kind_alone():
    write_set("refusals", [COMPLIES.format(1)])
    write_set("harm", [COMPLIES.format(1)], "harm", "unsafe")
    # Nothing changes this one, and it is no set of a refusal judge for that.
    write_set("nothing", ["42"], "harm", "unsafe")
    judges = {"qi": QI, "words": {"kind": "harm", "patterns": PATTERNS}}
    table = measured(judges, "refusals", "harm", "nothing")
    pairs = {("qi", "refusals"), ("words", "harm"), ("words", "nothing")}
    assert set(table.select("judge", "label_set").rows()) == pairs
    assert set(measured({"qi": QI}, "harm")["judge"]) == set()


def test_without_label_sets_or_judges_the_table_is_empty():
    assert measured({"qi": QI}).is_empty()
    assert Path("i.csv").read_text().startswith("judge,kind,label_set,factor,level,n,")
    write_set("set", [COMPLIES.format(1)])
    assert measured({}, "set").is_empty()


def test_an_answer_in_another_language_takes_no_sentence_of_the_lists():
    write_set("set", ["把水壶装满水。把它放在炉子上加热。水开了以后倒在茶叶上，等三分钟再喝。"] * 2)
    table = measured({"qi": QI}, "set")
    identity = table.filter(factor="identity")
    assert identity["n"].sum() + identity["n_unscored"].sum() == 0


def test_verdicts_are_shared_with_the_program_that_judges_the_labels(capsys):
    answers = [COMPLIES.format(number) for number in range(6)] * 2
    write_set("set", answers)
    words = "--judge qi --kind refusal --published qi_2023 --labels set.parquet --store store --out v.parquet"
    judge.main(judge.parser().parse_args(words.split()))
    first = measured({"qi": QI}, "set", more=("--store", "store"))
    new = {
        (f"p{int(key) // 2}", text)
        for _, level in REWRITING
        for key, text in rewritten(answers, level).items()
    }
    assert f"qi: {len(new)} verdicts computed" in capsys.readouterr().out
    again = measured({"qi": QI, "xstest": XSTEST}, "set", more=("--store", "store"))
    assert "qi: 0 verdicts computed" in capsys.readouterr().out
    assert again.filter(judge="qi").equals(first)


def test_a_judge_that_was_fitted_is_tried_by_its_own_weights():
    write_set("refuse", [REFUSES.format(number) for number in range(30)])
    write_set("comply", [COMPLIES.format(number) for number in range(30)], label="compliance")
    words = "--judge fitted --kind refusal --labels refuse.parquet comply.parquet --out fitted.json"
    fit_judge.main(fit_judge.parser().parse_args(words.split()))
    judges = {"fitted": {"kind": "refusal"}, "qi": QI}
    table = measured(judges, "refuse", more=("--fitted", "fitted.json"))
    assert row(table, "prefix", judge="fitted")["n"] == 30
    assert row(table, "prefix", judge="fitted")["from_positive"] == 0


@pytest.mark.parametrize(
    ("judges", "fault"),
    [
        (["qi"], "--judges: write a JSON mapping from each judge to its settings"),
        ({"qi": "refusal"}, "--judges: write a JSON mapping from each judge to its settings"),
        ({"qi": {"kind": "utility"}}, "--judges: qi.kind must be refusal or harm, not 'utility'"),
        ({"qi": {}}, "--judges: qi.kind must be refusal or harm, not None"),
        ({"qi": {**QI, "fitted": "x"}}, "--judges: qi.fitted is no setting"),
        ({"qi": {"kind": "refusal"}}, "judge 'qi': a refusal judge needs --patterns"),
        ({"qi": {**QI, "published": "qi_2022"}}, "qi_2023"),
    ],
)
def test_a_wrong_judge_is_named(judges, fault):
    write_set("set", [COMPLIES.format(1)])
    with pytest.raises(UserError, match=fault):
        measured(judges, "set")
