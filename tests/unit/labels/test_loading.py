import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.labels.loading import load, numbered
from tunedrift.sources.rows import Row
from tunedrift.tables.labels import LABELS

ROOT = Path(__file__).parents[3]


def read(*values, measure="harm", file="f.csv", **settings):
    rows = [Row(file, number, row) for number, row in enumerate(values, 1)]
    found, rejects = load(rows, name="set", measure=measure, **settings)
    return LABELS.check(LABELS.frame(found), "x"), rejects


def row(prompt="How?", answer="So.", label="safe", **more):
    return {"prompt": prompt, "answer": answer, "label": label, **more}


def xstest(number, first, second, final, **more):
    labels = {"annotation_1": first, "annotation_2": second, "final_label": final}
    return {"id": f"v2-{number}", "prompt": f"Q{number}", "completion": "A", **labels, **more}


COMPLIES, REFUSES, PARTLY = "1_full_compliance", "2_full_refusal", "3_partial_refusal"


def test_one_label_per_row_fills_the_table():
    table, rejects = read(
        row(id="a1", model="m", language="de", annotator="Ann"),
        row(answer="No.", label="unsafe"),
        language="en",
    )
    assert not rejects
    named = table.filter(answer_id="a1").row(0, named=True)
    assert named["prompt_id"] == table["prompt_id"].unique().item()
    del named["prompt_id"]
    assert named == {
        **{"label_set": "set", "answer_id": "a1", "annotator": "Ann", "prompt": "How?", "answer": "So."},
        **{"model": "m", "language": "de", "measure": "harm", "label": "safe"},
        **{"study_prompt": None, "tuning": None, "sample": None},
    }
    [other] = table.filter(annotator="final").iter_rows(named=True)
    assert (other["model"], other["language"], other["label"]) == (None, "en", "unsafe")


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ((1, 0), {"1": "unsafe", "0": "safe"}),
        (("1", "0"), {1: "unsafe", 0: "safe"}),
        ((1.0, 0.0), {"1": "unsafe", "0": "safe"}),
        ((True, False), {"True": "unsafe", "False": "safe"}),
        (("true", "FALSE"), {"True": "unsafe", "False": "safe"}),
        (("yes", "No"), {"True": "unsafe", "False": "safe"}),  # YAML's reading of {yes: unsafe, no: safe}
        (("does harm", "does none"), {"Does harm": "unsafe", "does none": "safe"}),
        (("Unsafe", " safe "), {}),
    ],
)
def test_labels_are_mapped_however_a_file_writes_them(written, values):
    table, _ = read(row(label=written[0]), row(answer="No.", label=written[1]), values=values)
    assert dict(table.select("answer", "label").iter_rows()) == {"So.": "unsafe", "No.": "safe"}


def test_the_same_answer_of_two_tunings_is_labelled_for_each():
    rows = [
        row(model="m", tuning=tuning, sample=sample)
        for tuning, sample in (("untuned", 0), ("d/v/seed0", "1.0"))
    ]
    table, rejects = read(*rows, row(model="m", tuning="untuned", label="safe"), row(model="m", sample="7"))
    assert sorted(table.select("tuning", "sample").rows(), key=str) == [
        ("d/v/seed0", 1),
        ("untuned", 0),
        (None, None),  # a sample of no tuning says nothing
    ]
    assert [(reject.row, reject.reason) for reject in rejects] == [(3, "the same as an earlier row")]
    table, _ = read(row(tuning="untuned", asked="s/p/plain"), mapping={"study_prompt": "asked"})
    assert table.select("study_prompt", "tuning", "sample").rows() == [("s/p/plain", "untuned", 0)]


def test_columns_can_be_mapped_and_labels_left_out():
    values = {"2": "refusal", "1": "partial_refusal", "9": "left_out"}
    rows = [{"ask": "Q", "said": f"A{code}", "code": code, "who": "m"} for code in (2, 1, 9)]
    mapping = {"prompt": "ask", "answer": "said", "label": "code", "model": "who"}
    table, rejects = read(*rows, measure="refusal", mapping=mapping, values=values, max_rejected=0)
    assert dict(table.select("answer", "label").iter_rows()) == {"A2": "refusal", "A1": "partial_refusal"}
    assert set(table["model"]) == {"m"}
    assert [(reject.row, reject.reason) for reject in rejects] == [(3, "the label '9' is left out")]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (row(prompt=None), "'prompt' is null"),
        (row(answer=None), "'answer' is null"),
        (row(answer=float("nan")), "'answer' is null"),
        (row(answer=" \u200b"), "'answer' is blank"),
        (row(answer=["So."]), "'answer' is not text"),
        (row(label=None), "'label' is null"),
        (row(label=""), "'label' is blank"),
        (row(label={"harm": 1}), "'label' is not text"),
        (row(id="\ud800"), "'id' holds half a character"),
        (row(model=["m"]), "'model' is not text"),
        (row(tuning=["untuned"]), "'tuning' is not text"),
        (row(tuning="untuned", sample="first"), "'sample' is 'first', not the number of a sample"),
        (row(tuning="untuned", sample=-1), "'sample' is '-1', not the number of a sample"),
        (row(tuning="untuned", sample=0.5), "'sample' is '0.5', not the number of a sample"),
        ({"prompt": "How?", "answer": "So."}, "no field 'label'"),
        ({}, "the row is empty"),
    ],
)
def test_unusable_rows_are_counted_with_their_reason(odd, reason):
    table, rejects = read(row(answer="No."), odd, max_rejected=0.5)
    assert (table.height, [(reject.row, reject.reason) for reject in rejects]) == (1, [(2, reason)])
    with pytest.raises(UserError, match=r"1 of 2 labels are unusable, .* row 2 of f.csv"):
        read(row(answer="No."), odd)


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([], {}, "set holds no rows"),
        ([row(label="odd")], {}, r"row 1 of f.csv has the label 'odd', .* safe, unsafe, or as left_out"),
        ([row(label="refusal")], {}, "'refusal', whose meaning is not known"),
        ([row(label=2)], {"values": {"1": "unsafe"}}, "the label '2', whose meaning is not known"),
        ([row()], {"values": {"1": "refusal"}}, "there is no label of harm 'refusal'"),
        ([row()], {"values": {"safe": "left_out"}}, "no label is left; the first is that of row 1 of f.csv"),
        ([row()], {"layout": "xtest"}, "did you mean 'xstest'"),
        ([row()], {"measure": "harms"}, "did you mean 'harm'"),
        ([row()], {"layout": "gptfuzz", "measure": "refusal"}, "gptfuzz has labels of harm, none of refusal"),
        (
            [xstest(1, COMPLIES, COMPLIES, COMPLIES)],
            {"layout": "xstest"},
            "set: f.csv has no column 'type'",
        ),
        (
            [xstest(1, COMPLIES, COMPLIES, COMPLIES, type="homonyms")],
            {"layout": "xstest"},
            "no label is left; .*: the prompt asks for no harm",
        ),
        ([row()], {"layout": "gptfuzz"}, "name the file of its questions"),
        ([row()], {"layout": "do_not_answer"}, "has no column of labels such as layout do_not_answer"),
        (
            [row()],
            {"layout": "do_not_answer", "mapping": {"answer": "answer"}},
            "knows its columns of 'answer' itself",
        ),
        ([row()], {"mapping": {"labels": "label"}}, "did you mean 'label'"),
        ([row()], {"mapping": {"label": "verdict"}}, "no column 'verdict'"),
        ([{"prompt": "Q", "label": "safe"}], {}, "no column 'answer'"),
    ],
)
def test_wrong_sets_are_explained(rows, settings, message):
    with pytest.raises(UserError, match=message):
        read(*rows, **settings)


def test_repeats_are_left_out_and_contradictions_count_for_neither():
    rows = [row(), row(), row(answer="B"), row(answer="B", label="unsafe"), row(answer="C")]
    table, rejects = read(*rows, max_rejected=0)
    assert dict(table.select("answer", "label").iter_rows()) == {"So.": "safe", "C": "safe"}
    assert [(reject.row, reject.reason) for reject in rejects] == [
        (2, "the same as an earlier row"),
        (3, "the same answer has another label elsewhere"),
        (4, "the same answer has another label elsewhere"),
    ]


def test_an_id_that_repeats_is_told_apart_by_content_whatever_the_order():
    rows = [row(id=1), row(id=1, answer="B"), row(id=1), row(id=2, answer="B")]
    table, rejects = read(*rows)
    assert sorted(answer_id[:2] for answer_id in table["answer_id"]) == ["1#", "1#", "2"]
    assert [reject.row for reject in rejects] == [3]
    assert set(read(*rows[::-1])[0]["answer_id"]) == set(table["answer_id"])


def test_annotators_of_one_answer_share_its_id():
    rows = [row(id=1, annotator=who, label=label) for who, label in (("a", "safe"), ("b", "unsafe"))]
    table, rejects = read(*rows)
    assert table.select("answer_id", "annotator", "label").rows() == [
        ("1", "a", "safe"),
        ("1", "b", "unsafe"),
    ]
    assert not rejects


@pytest.mark.parametrize(
    ("file", "given", "model"),
    [
        ("xstest_v2_completions_gpt4_gpteval.csv", None, "gpt4"),
        ("old/xstest_v2_completions_llama2new_gpteval.csv", None, "llama2new"),
        ("xstest_v2_completions_mistral-7b_strmatch.csv", None, "mistral-7b"),
        ("xstest_v2_completions_my_model.csv", None, "my_model"),
        ("data/llama2new-00000-of-00001.parquet", None, "llama2new"),
        ("data/my-model-00001-of-00002.parquet", None, "my-model"),
        ("data/train-00000-of-00001.parquet", None, None),
        ("xstest_v2_completions_gpt4_gpteval.csv", "gpt-4-0613", "gpt-4-0613"),
        ("labels.csv", "m", "m"),
        ("labels.csv", None, None),
    ],
)
def test_xstest_has_two_annotators_a_final_label_and_a_model_in_its_name(file, given, model):
    rows = [xstest(1, COMPLIES, PARTLY, PARTLY, gpt4_label=COMPLIES), xstest(2, REFUSES, REFUSES, REFUSES)]
    table, rejects = read(*rows, measure="refusal", layout="xstest", file=file, model=given)
    assert not rejects
    ids = ["v2-1", "v2-2"] if model is None else [f"v2-1/{model}", f"v2-2/{model}"]
    assert table.select("answer_id", "annotator", "label").rows() == [
        (ids[0], "annotation_1", "compliance"),
        (ids[0], "annotation_2", "partial_refusal"),
        (ids[0], "final", "partial_refusal"),
        *((ids[1], annotator, "refusal") for annotator in ("annotation_1", "annotation_2", "final")),
    ]
    assert table["model"].unique().to_list() == [model]


def test_xstest_keeps_the_labels_of_an_annotator_whose_fellow_gave_none():
    row = xstest(1, COMPLIES, None, COMPLIES)
    del row["final_label"]
    table, rejects = read(row, measure="refusal", layout="xstest", max_rejected=0.5)
    assert table["annotator"].to_list() == ["annotation_1"]
    assert [reject.reason for reject in rejects] == ["'annotation_2' is null"]


def test_xstest_tells_harm_of_the_prompts_that_ask_for_it():
    rows = [
        xstest(1, COMPLIES, COMPLIES, COMPLIES, type="contrast_homonyms"),
        xstest(2, REFUSES, REFUSES, REFUSES, type="contrast_homonyms"),
        xstest(3, COMPLIES, COMPLIES, COMPLIES, type="homonyms"),
        xstest(4, REFUSES, REFUSES, REFUSES, type="definitions"),
    ]
    table, rejects = read(*rows, layout="xstest", max_rejected=0)
    assert table.filter(annotator="final").select("answer_id", "label").rows() == [
        ("v2-1", "unsafe"),
        ("v2-2", "safe"),
    ]
    assert table.height == 6
    assert {(reject.row, reject.reason) for reject in rejects} == {
        (3, "the prompt asks for no harm"),
        (4, "the prompt asks for no harm"),
    }
    with pytest.raises(UserError, match=r"row 1 of f.csv: 'type' is null"):
        read(xstest(1, COMPLIES, COMPLIES, COMPLIES, type=None), layout="xstest")


def test_an_answer_whose_final_label_is_left_out_has_no_label_by_its_annotators():
    rows = [
        xstest(1, REFUSES, PARTLY, PARTLY, type="contrast_homonyms"),
        xstest(2, COMPLIES, PARTLY, COMPLIES, type="contrast_homonyms"),
    ]
    table, rejects = read(*rows, layout="xstest", values={PARTLY: "left_out"})
    assert table.select("answer_id", "annotator", "label").rows() == [
        ("v2-2", "annotation_1", "unsafe"),
        ("v2-2", "final", "unsafe"),
    ]
    assert [(reject.row, reject.reason) for reject in rejects] == [
        *((1, f"the label '{PARTLY}' is left out"),) * 2,
        (2, f"the label '{PARTLY}' is left out"),
        (1, "the final label is left out"),
    ]
    whole, _ = read(*rows, layout="xstest")
    assert whole.filter(annotator="final")["label"].to_list() == ["safe", "unsafe"]


def wide(**more):
    row = {
        "id": 0,
        "question": "Q",
        "risk_area": "r",
        "A-7b_response": "No.",
        "A-7b_harmful": 0,
        "A-7b_action": 0,
    }
    return {**row, "B_response": "Yes.", "B_harmful": 1, "B_action": 5, **more}


def test_a_wide_file_has_an_answer_per_model():
    table, rejects = read(wide(), layout="do_not_answer")
    assert table.select("answer_id", "model", "prompt", "answer", "label").rows() == [
        ("0/A-7b", "A-7b", "Q", "No.", "safe"),
        ("0/B", "B", "Q", "Yes.", "unsafe"),
    ]
    assert (not rejects, table["prompt_id"].n_unique()) == (True, 1)


def test_a_wide_file_says_of_two_actions_whether_they_refuse():
    rows = [
        wide(),
        *(wide(id=action, **{"A-7b_action": str(action), "B_action": 0}) for action in range(1, 5)),
    ]
    table, rejects = read(*rows, layout="do_not_answer", measure="refusal")
    assert sorted(table.select("answer_id", "label").rows()) == [
        ("0/A-7b", "refusal"),
        ("0/B", "compliance"),
        *((f"{number}/B", "refusal") for number in range(1, 5)),
    ]
    assert [reject.reason for reject in rejects] == [
        f"the label '{action}' is left out" for action in range(1, 5)
    ]
    table, _ = read(*rows, layout="do_not_answer", measure="refusal", values={3: "compliance"})
    assert "3/A-7b" in table["answer_id"].to_list()


def test_a_missing_answer_of_one_model_costs_the_others_nothing():
    table, rejects = read(wide(), wide(id=1, B_response=None), layout="do_not_answer", max_rejected=0.25)
    assert table.height == 3
    assert [(reject.row, reject.reason) for reject in rejects] == [(2, "'B_response' is null")]


def test_numbers_of_questions_are_looked_up():
    questions = numbered([Row("q.csv", 1, {"index": "7", "text": " How? "})], "set")
    rows = [{"question": 7, "Response": "A", "label": 1}, {"question": "7.0", "Response": "B", "label": "0"}]
    rows.append({"question": 8, "Response": "A", "label": 1})
    table, rejects = read(*rows, layout="gptfuzz", questions=questions, max_rejected=0.5)
    assert table.select("prompt", "answer", "label").sort("answer").rows() == [
        ("How?", "A", "unsafe"),
        ("How?", "B", "safe"),
    ]
    assert [reject.reason for reject in rejects] == ["the file of questions has no number 8"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"number": 1, "text": "Q"}], "no column 'index'"),
        ([{"index": 1, "text": None}], "set: row 1 of q.csv: 'text' is null"),
        (
            [{"index": 1, "text": "Q"}, {"index": 1.0, "text": "R"}],
            "row 2 of q.csv gives the number 1.0 another text",
        ),
    ],
)
def test_a_wrong_file_of_questions_is_explained(values, message):
    with pytest.raises(UserError, match=message):
        numbered([Row("q.csv", number, row) for number, row in enumerate(values, 1)], "set")


def run(folder, *words):
    command = [sys.executable, ROOT / "scripts/load_labels.py", "--label-set", "set", *words]
    command += ["--out", "out.parquet", "--rejects", "out.rejects.csv"]
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)


def test_the_program_draws_answers_with_all_their_labels(tmp_path):
    rows = [row(f"Q{n}", annotator=who) for n in range(9) for who in ("a", "b")] + [row(None)]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["--path", "f.jsonl", "--measure", "harm", "--max-rejected", 0.1, "--n", 3]
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (0, "set: 3 answers, 6 labels, 1 left out\n"), done.stderr
    table = LABELS.read(tmp_path / "out.parquet")
    assert table["answer_id"].n_unique() == 3
    assert table.height == 6
    assert (tmp_path / "out.rejects.csv").read_text() == "file,row,reason\nf.jsonl,19,'prompt' is null\n"
    before = (tmp_path / "out.parquet").read_bytes()
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]))
    assert run(tmp_path, *words).returncode == 0
    assert (tmp_path / "out.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "f.jsonl is empty"), ("{}\n", "error: set"), ('{"prompt": "Q"}\n', "has no column 'answer'")],
)
def test_the_program_says_in_a_line_what_is_wrong(tmp_path, text, message):
    (tmp_path / "f.jsonl").write_text(text)
    done = run(tmp_path, "--path", "f.jsonl", "--measure", "harm")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
