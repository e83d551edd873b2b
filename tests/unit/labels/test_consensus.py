from tunedrift.labels.consensus import consensus
from tunedrift.tables.labels import LABELS


def labels(*given, measure="refusal"):
    """A labels table from (answer, annotator, label)."""
    shared = {"label_set": "set", "prompt_id": "p", "prompt": "Q", "measure": measure, "model": "m"}
    rows = [
        {**shared, "answer_id": answer, "answer": f"A {answer}", "annotator": annotator, "label": label}
        for answer, annotator, label in given
    ]
    return LABELS.check(LABELS.frame(rows), "x")


def test_the_files_own_consensus_goes_before_the_majority():
    table = labels(
        *(("1", name, "refusal") for name in "ab"),
        *(("1", "final", "partial_refusal"), ("2", "a", "compliance"), ("2", "b", "compliance")),
        ("2", "c", "refusal"),
    )
    found, ties = consensus(table)
    assert dict(found.select("answer_id", "label").iter_rows()) == {"1": "partial_refusal", "2": "compliance"}
    assert ties == 0
    assert found.columns == [column for column in LABELS.columns if column != "annotator"]
    assert found["answer"].to_list() == ["A 1", "A 2"]


def test_ties_are_left_out_and_counted():
    table = labels(
        *(("1", "a", "refusal"), ("1", "b", "compliance"), ("2", "a", "refusal")),
        *(("3", "a", "refusal"), ("3", "b", "compliance"), ("3", "c", "partial_refusal")),
        *(("4", name, "refusal") for name in "abc"),
        *(("4", name, "compliance") for name in "de"),
    )
    found, ties = consensus(table)
    assert dict(found.select("answer_id", "label").iter_rows()) == {"2": "refusal", "4": "refusal"}
    assert ties == 2


def test_answers_of_two_sets_may_share_their_ids():
    import polars as pl

    one = labels(("1", "a", "refusal"))
    other = labels(("1", "a", "compliance"), ("1", "b", "compliance")).with_columns(label_set=pl.lit("other"))
    found, ties = consensus(pl.concat([one, other]))
    assert (found["label"].to_list(), ties) == (["compliance", "refusal"], 0)


def test_no_labels_have_no_consensus():
    found, ties = consensus(LABELS.frame([]))
    assert (found.height, ties) == (0, 0)
