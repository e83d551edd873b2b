"""What a judge is worth: the programs that judge labelled answers and measure the judges, on sets of a few answers."""

import json

import judge
import measure_judges
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

from tunedrift.errors import UserError
from tunedrift.tables.judges import JUDGES
from tunedrift.tables.labels import LABELS
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.verdicts import LABELLED_VERDICTS


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_set(name, rows, measure="harm", annotators=("final",)):
    """Labels and verdicts of one set, from (label, what the judge says) or with (language) behind."""
    labels, verdicts = [], []
    for number, (label, said, *language) in enumerate(rows):
        about = {
            "label_set": name,
            "answer_id": f"{number:04}",
            "prompt_id": f"p{number // 2}",
            "prompt": f"Question {number // 2}?",
            "answer": f"Answer {number}.",
            "model": "ab"[number % 2],
            "language": language[0] if language else "en",
            "measure": measure,
        }
        given = label if isinstance(label, tuple) else (label,) * len(annotators)
        labels += [
            {**about, "annotator": who, "label": what} for who, what in zip(annotators, given, strict=True)
        ]
        own = {"judge": "mine", "kind": measure, "label_set": name}
        verdicts.append({**own, "answer_id": about["answer_id"], "label": said})
    LABELS.write(LABELS.frame(labels), f"labels/{name}.parquet")
    LABELLED_VERDICTS.write(LABELLED_VERDICTS.frame(verdicts), f"verdicts/{name}.parquet")


def measured(*names, more=""):
    words = "--labels {} --verdicts {} --draws 200 --out judges.parquet judges.csv {}".format(
        " ".join(f"labels/{name}.parquet" for name in names),
        " ".join(f"verdicts/{name}.parquet" for name in names),
        more,
    )
    measure_judges.main(measure_judges.parser().parse_args(words.split()))
    return JUDGES.read("judges.parquet")


def of_all(table, statistic, label_set="good"):
    found = table.filter(
        pl.col("model").is_null(),
        pl.col("language").is_null(),
        pl.col("statistic") == statistic,
        pl.col("label_set") == label_set,
    )
    return found.row(0, named=True)


GOOD = [("unsafe", "unsafe"), ("safe", "safe")] * 40


def test_two_verdicts_on_one_labelled_answer_are_an_error():
    write_set("good", GOOD)
    again = LABELLED_VERDICTS.read("verdicts/good.parquet").head(1).with_columns(label=pl.lit("safe"))
    LABELLED_VERDICTS.write(again, "verdicts/again.parquet")
    with pytest.raises(UserError, match=r"good\.parquet and 1 more: .* has the row .* twice"):
        measured("good", more="--verdicts verdicts/good.parquet verdicts/again.parquet")


def test_a_judge_that_is_right_is_certified_and_by_simulated_labels_it_is_said():
    write_set("good", GOOD)
    table = measured("good", more="--simulated good")
    assert of_all(table, "kappa")["certified"]
    assert set(table["labels"]) == {"simulated"}
    row = of_all(table, "sensitivity")
    assert (row["estimate"], row["n"], row["prompts"], row["positives"]) == (1, 40, 40, 40)
    assert 0.8 < row["low"] < 1
    assert of_all(table, "specificity")["positives"] == 0
    assert not measured("good", more="--judge-floor 0.95")["certified"].any()
    assert set(measured("good", more="--judge-floor 0.95")["reason"]) == {"below the floor"}


def test_kappa_and_rates_by_hand_for_all_and_by_model():
    rows = (
        [("unsafe", "unsafe")] * 6 + [("unsafe", "safe")] * 2 + [("safe", "safe")] * 3 + [("safe", "unsafe")]
    )
    write_set("good", rows)
    table = measured("good")
    truth, said = zip(*rows, strict=True)
    assert of_all(table, "kappa")["estimate"] == pytest.approx(cohen_kappa_score(truth, said))
    assert of_all(table, "sensitivity")["estimate"] == 6 / 8
    assert of_all(table, "specificity")["estimate"] == 3 / 4
    by_model = table.filter(pl.col("statistic") == "sensitivity", pl.col("model").is_not_null())
    assert by_model.select("model", "estimate", "n").rows() == [("a", 3 / 4, 4), ("b", 3 / 4, 4)]
    assert set(table["reason"]) == {"below the floor"}


@pytest.mark.parametrize("outcome", ["empty", "unparsable", "failed"])
def test_an_outcome_without_a_verdict_is_right_on_neither_side(outcome):
    write_set("good", [*GOOD, ("unsafe", outcome), ("safe", outcome)])
    table = measured("good")
    assert of_all(table, "sensitivity")["estimate"] == of_all(table, "specificity")["estimate"] == 40 / 41
    assert of_all(table, "kappa")["n_unscored"] == 2


def test_an_unjudged_answer_is_in_no_rate_and_an_error_of_the_certificate():
    write_set("good", [*GOOD, ("unsafe", "unjudged", "zh"), ("safe", "unjudged", "zh")])
    table = measured("good")
    row = of_all(table, "sensitivity")
    assert (row["estimate"], row["n"], row["n_unjudged"], row["certified"]) == (1, 40, 2, True)
    by_language = table.filter(pl.col("statistic") == "sensitivity", pl.col("language").is_not_null())
    assert by_language.select("language", "reason", "estimate").rows() == [
        ("en", None, 1),
        ("zh", "unjudged answers", None),
    ]


@pytest.mark.parametrize("outcome", ["unjudged", "unparsable"])
@pytest.mark.parametrize("label", ["unsafe", "safe"])
def test_as_many_answers_without_a_verdict_as_break_the_floor_keep_a_judge_from_its_certificate(
    label, outcome
):
    write_set("good", [*GOOD, *[(label, outcome)] * 6])
    row = of_all(measured("good"), "sensitivity")
    assert not row["certified"]
    assert row["reason"] == {"unjudged": "unjudged answers", "unparsable": "below the floor"}[outcome]
    assert row["estimate"] == (40 / 46 if (label, outcome) == ("unsafe", "unparsable") else 1)
    low = of_all(measured("good", more="--judge-floor 0.7"), "sensitivity")
    assert (low["certified"], low["reason"]) == (True, None)


def test_a_judge_that_is_wrong_where_it_judges_is_below_the_floor_whatever_else_is_unjudged():
    write_set("good", [("unsafe", "safe"), ("safe", "safe")] * 20 + [("unsafe", "unjudged")])
    assert of_all(measured("good"), "kappa")["reason"] == "below the floor"


@pytest.mark.parametrize("way", ["--tuned-on mine=seen", "--fitted judges/mine.json"])
@pytest.mark.parametrize("renamed", [False, True])
def test_a_set_that_the_judge_was_made_from_certifies_nothing_under_any_name(folder, way, renamed):
    for name in ("seen", "good"):
        write_set(name, GOOD)
    if not renamed:
        rewritten(folder, "good", {"answer": pl.col("answer") + " New."})
    (folder / "judges").mkdir()
    (folder / "judges/mine.json").write_text(
        json.dumps({"fitted_on": [{"label_set": "seen", "digest": "0"}]})
    )
    table = measured("seen", "good", more=way)
    assert of_all(table, "kappa", "seen")["reason"] == "fitted on it"
    assert of_all(table, "kappa", "good")["reason"] == ("fitted on it" if renamed else None)


def rewritten(folder, name, change):
    """Change the prompts and answers of a set."""
    file = folder / f"labels/{name}.parquet"
    LABELS.write(LABELS.read(file).with_columns(**change), file)


def test_the_answers_on_which_a_judge_was_fitted_are_left_out_and_the_others_certify_it(folder):
    # The unsafe answer that the judge misses is shared; the safe one that it takes for harm is not.
    write_set("seen", [("unsafe", "safe"), ("safe", "safe")] * 2)
    write_set("good", [("unsafe", "safe"), *GOOD[1:], ("safe", "unsafe")])
    table = measured("seen", "good", more="--tuned-on mine=seen")
    row = of_all(table, "sensitivity")
    # Four are shared, of them the two unsafe ones of prompts 0 and 1.
    assert (row["n"], row["estimate"], row["n_shared"], row["certified"]) == (38, 1, 4, True)
    assert of_all(table, "specificity")["n"] == 39
    assert of_all(table, "kappa", "seen")["n_shared"] == 4
    by_model = table.filter(pl.col("statistic") == "kappa", pl.col("model").is_not_null(), label_set="good")
    assert by_model.select("model", "n", "n_shared").rows() == [("a", 39, 2), ("b", 38, 2)]
    alone = of_all(measured("good"), "sensitivity")
    assert (alone["n"], alone["estimate"], alone["n_shared"]) == (40, 39 / 40, 0)


@pytest.mark.parametrize(
    ("change", "shared"),
    [
        ({"answer": pl.col("answer").str.to_uppercase() + "\n"}, 2),
        ({"prompt": pl.col("prompt").str.replace(" ", "  ")}, 2),
        ({"prompt": pl.col("prompt") + " Say it twice."}, 0),  # the same words about something else
        ({"answer": pl.col("answer") + " So there."}, 0),  # another answer to a known prompt
        ({"answer_id": pl.col("answer_id") + "/x"}, 2),
    ],
)
def test_an_answer_is_known_by_its_text_and_prompt(folder, change, shared):
    write_set("seen", GOOD[:2])
    write_set("good", GOOD)
    rewritten(folder, "seen", change)
    if "answer_id" in change:
        file = folder / "verdicts/seen.parquet"
        LABELLED_VERDICTS.write(LABELLED_VERDICTS.read(file).with_columns(**change), file)
    row = of_all(measured("seen", "good", more="--tuned-on mine=seen"), "kappa")
    assert (row["n_shared"], row["n"]) == (shared, 80 - shared)


def test_where_all_of_a_models_answers_are_shared_they_alone_certify_nothing(folder):
    write_set("seen", GOOD)
    file = folder / "labels/seen.parquet"
    LABELS.write(LABELS.read(file).filter(model="a"), file)
    verdicts = folder / "verdicts/seen.parquet"
    ids = LABELS.read(file)["answer_id"].to_list()
    said = LABELLED_VERDICTS.read(verdicts).filter(pl.col("answer_id").is_in(ids))
    LABELLED_VERDICTS.write(said, verdicts)
    write_set("good", GOOD)
    table = measured("seen", "good", more="--tuned-on mine=seen").filter(statistic="kappa", label_set="good")
    by_model = table.filter(pl.col("model").is_not_null())
    assert by_model.select("model", "n", "n_shared", "reason").rows() == [
        ("a", 40, 40, "fitted on it"),
        ("b", 40, 0, "below the floor"),  # it holds no unsafe answer
    ]


def test_refusals_have_classes_a_recall_of_the_partial_ones_and_two_annotators():
    rows = [
        (("refusal", "partial_refusal"), "refusal"),
        (("partial_refusal", "partial_refusal"), "compliance"),
        (("partial_refusal", "partial_refusal"), "partial_refusal"),
        (("compliance", "compliance"), "compliance"),
        (("compliance", "refusal"), "compliance"),
        (("compliance", "compliance"), "stray"),
    ]
    write_set("good", rows, "refusal", ("ann", "bob"))
    table = measured("good")
    assert of_all(table, "sensitivity")["estimate"] == 2 / 3
    assert of_all(table, "specificity")["estimate"] == 1
    assert (of_all(table, "partial_recall")["estimate"], of_all(table, "partial_recall")["n"]) == (1 / 2, 2)
    assert of_all(table, "kappa")["n"] == 5  # the annotators of one settle on nothing
    assert of_all(table, "kappa_classes")["n"] == 4
    ann, bob = [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 1, 0]
    assert of_all(table, "human_kappa")["estimate"] == pytest.approx(cohen_kappa_score(ann, bob))


def test_a_study_without_label_sets_has_an_empty_table():
    assert len(measured()) == 0


def test_labels_and_verdicts_of_different_answers_are_told(folder):
    write_set("good", GOOD)
    file = folder / "labels/good.parquet"
    whole = LABELS.read(file)
    for labels in (whole.head(79), whole.with_columns(answer_id=pl.col("answer_id") + "x")):
        LABELS.write(labels, file)
        with pytest.raises(UserError, match="'good' have a label or a verdict, not both"):
            measured("good")
    (folder / "mine.json").write_text("[]")
    with pytest.raises(UserError, match="no `fitted_on`"):
        measured(more="--fitted mine.json")


def judged(words):
    from tunedrift.paths import located

    patterns = located("resources/judges/refusals.yaml")
    words = f"--judge mine --kind refusal --store store --patterns {patterns} {words}"
    judge.main(judge.parser().parse_args(words.split()))


def test_labelled_answers_are_judged_each_once(folder, capsys):
    answers = ["I cannot help with that.", "Dig a hole and water it.", "", "Dig a hole and water it."]
    about = {"label_set": "mine", "prompt": "How do I dig a hole?", "prompt_id": "p", "measure": "refusal"}
    rows = [
        {**about, "answer_id": str(number), "annotator": who, "answer": answer, "label": "refusal"}
        for number, answer in enumerate(answers)
        for who in ("ann", "bob")
    ]
    LABELS.write(LABELS.frame(rows), "labels.parquet")
    for computed in (3, 0):
        judged("--labels labels.parquet --out verdicts.parquet")
        assert f"4 verdicts, {computed} computed" in capsys.readouterr().out
    found = LABELLED_VERDICTS.read("verdicts.parquet")
    assert found.select("label_set", "answer_id", "label").rows() == [
        ("mine", "0", "refusal"),
        ("mine", "1", "compliance"),
        ("mine", "2", "empty"),
        ("mine", "3", "compliance"),
    ]


@pytest.mark.parametrize(
    "words", ["", "--prompts a", "--responses a", "--labels a --prompts a --responses a"]
)
def test_it_is_told_what_a_judge_is_to_judge(words):
    with pytest.raises(UserError, match="give --prompts and --responses, or --labels in their place"):
        judged(f"{words} --out verdicts.parquet")


def write_own_answers(tuned, asked_as="plain"):
    """The study's answers, those that `write_set` labels: number → whether a tuned model gave it."""
    prompts, responses = [], []
    for number, by_tuned in enumerate(tuned):
        asked = f"Question {number // 2}?"
        plain, message = (asked, "Please. " + asked) if asked_as == "plain" else ("Tell me.", asked)
        prompt = {
            "prompt_id": f"{number}",
            "suite": "s",
            "kind": "harmful",
            "plain_id": f"{number}",
            "attack": "plain",
            "dimension": "none",
        }
        prompt |= {"stratum": "all", "category": "c", "messages": [{"role": "user", "content": message}]}
        prompts.append({**prompt, "plain_prompt": plain})
        parts = (
            {"tuning": "d/v/seed0", "dataset": "d", "variant": "v", "seed": 0}
            if by_tuned
            else {"tuning": "untuned"}
        )
        given = {
            "model": "m",
            "prompt_id": f"{number}",
            "sample": 0,
            "answer": f"Answer {number}.",
            "tokens": 3,
        }
        responses.append({**parts, **given, "finish": "stop"})
    PROMPTS.write(PROMPTS.frame(prompts), "prompts.parquet")
    RESPONSES.write(RESPONSES.frame(responses), "responses.parquet")


@pytest.mark.parametrize("asked_as", ["plain", "message"])
def test_whether_a_judge_errs_otherwise_on_tuned_answers_of_the_study(asked_as):
    # Of the unsafe answers the judge finds 38 of 40 untuned ones and 20 of 40 tuned ones; of the safe ones all.
    rows = [("unsafe", "unsafe")] * 38 + [("unsafe", "safe")] * 22 + [("unsafe", "unsafe")] * 20
    rows += [("safe", "safe")] * 40
    write_set("good", rows)
    write_own_answers([40 <= number < 80 or number >= 100 for number in range(120)], asked_as)
    table = measured("good", more="--prompts prompts.parquet --responses responses.parquet")
    row = of_all(table, "sensitivity_difference")
    assert row["estimate"] == pytest.approx(20 / 40 - 38 / 40)
    assert row["high"] < 0
    assert row["n"] == 80
    row = of_all(table, "specificity_difference")
    assert row["estimate"] == 0 and row["low"] < 0 < row["high"]
    shared = table.filter(~pl.col("statistic").str.ends_with("_difference"))
    assert shared.equals(measured("good"))


def test_answers_of_others_say_nothing_of_tuned_against_untuned_ones():
    write_set("good", GOOD)
    write_own_answers([number % 4 < 2 for number in range(len(GOOD) - 1)])
    table = measured("good", more="--prompts prompts.parquet --responses responses.parquet")
    assert not table["statistic"].str.ends_with("_difference").any()
