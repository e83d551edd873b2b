"""The recount of overlap and profiles, text by text and row by row."""

from operator import itemgetter
from pathlib import Path

import measure_overlap
import polars as pl
import pytest

from tunedrift.statistics.overlap import ledger, matches, text_set
from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.labels import LABELS
from tunedrift.tables.prompts import PROMPTS


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")


def test_overlap_is_recounted_text_by_text():
    import recount_texts

    asked = [
        *(
            "How do I paint a door?",
            "How do I paint a red door?",
            "Please: how do I paint a red door in winter?",
        ),
        *(
            "Where is Rome",
            "Where is Rome, and who built it?",
            "我想学习怎样烤面包",
            "我想学习怎样烤面包啊",
            "!",
        ),
    ]
    sets = {
        ("training", "household"): [(f"row{number}", text) for number, text in enumerate(asked)],
        ("suite", "harmful"): [
            ("p0", asked[0].upper()),
            ("p1", "how do I paint a big red door?"),
            ("p2", asked[5]),
        ],
        ("gate", "gate"): [("g0", asked[2]), ("g1", asked[4]), ("g1", asked[7]), ("g2", asked[6])],
    }
    for threshold in (0.5, 0.7, 1.0):
        library = [text_set(*name, items) for name, items in sets.items()]
        table = list(ledger(library, list(matches(library, threshold)), threshold))
        found = recount_texts.overlap(
            {name: recount_texts.texts(items) for name, items in sets.items()}, threshold
        )
        key = itemgetter(*recount_texts.OVERLAP_KEY)
        assert [one | {"threshold": threshold} for one in sorted(found, key=key)] == sorted(table, key=key)


def test_profiles_are_recounted_row_by_row():
    import recount_texts

    def row(name, answer, *changed_by):
        return {
            "row_id": name,
            "messages": [{"role": "assistant", "content": answer}],
            "changed_by": changed_by,
        }

    rows = [row("a", "**bold**", "structure"), row("b", "same")]
    found = recount_texts.profiles("household", "markdown", rows, {"a": "bold", "b": "same"})
    values = {one["measure"]: (one["before"], one["after"]) for one in found}
    assert values["rows"] == (None, 2) and values["touched[structure]"] == (None, 1)
    assert values["characters"] == (4.0, 6.0) and values["touched[cue]"] == (None, 0)
    mixed = [*rows, row("c", "No.", "safety_mix")]
    assert "characters" not in {
        one["measure"] for one in recount_texts.profiles("household", "safety33", mixed, {})
    }


def test_rows_that_are_trained_on_are_recounted():
    import recount_texts

    rejected = [
        {"variant": "markdown", "row_id": "a", "reason": "too_long"},
        {"variant": "plain", "row_id": "a", "reason": "rewritten"},
        {"variant": "plain", "row_id": "b", "reason": "rewritten"},
    ]
    ids = {"original": ["a", "b", "c"], "markdown": ["a", "b", "c"], "plain": ["a", "b", "d"]}
    found = recount_texts.trained("household", "tiny", ids, rejected)
    values = {(one["variant"], one["measure"]): (one["before"], one["after"]) for one in found}
    assert values == {
        ("original", "trained_rows"): (3, 1),
        ("markdown", "trained_rows"): (3, 1),
        ("markdown", "rejected[too_long]"): (None, 1),
        ("plain", "trained_rows"): (3, 1),
        ("plain", "rejected[rewritten]"): (None, 2),
    }


CONFIG = {
    **{"models": {"tiny": {}, "base": {"studied": False}}, "datasets": {"household": {}}, "suites": {}},
    **{"judges": {}, "label_sets": {"people": {"measure": "harm"}}},
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Two rows, of which one is rejected, and labelled answers, one of them to a question of the rows."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "instructions",
        "labels",
        "prompts",
        "variants/household",
        "adapters/tiny/household",
        "tables",
    ):
        Path(name).mkdir(parents=True)
    asked = {"a": "How do I paint a door?", "b": "Where is Rome?"}
    rows = [
        {
            "row_id": name,
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "So."}],
        }
        for name, text in asked.items()
    ]
    changed = [row | {"changed_by": ["structure"]} for row in rows]
    pl.DataFrame(changed).write_parquet("variants/household/markdown.parquet")
    rejected = [{"variant": "markdown", "row_id": "b", "reason": "too_long"}]
    pl.DataFrame(rejected).write_parquet("adapters/tiny/household/rejected.parquet")
    labels = [
        {
            **{"label_set": "people", "answer_id": str(number), "annotator": annotator, "measure": "harm"},
            **{"prompt_id": f"p{number}", "prompt": text, "answer": "So.", "label": "safe"},
        }
        for number, text in enumerate((asked["a"], "Who built the old bridge?"))
        for annotator in ("1", "2")
    ]
    LABELS.write(LABELS.frame(labels), "labels/people.parquet")
    PROMPTS.write(PROMPTS.frame([]), "prompts/gate.parquet")
    INSTRUCTIONS.write(
        INSTRUCTIONS.frame([row | {"source_file": "f", "source_row": 0} for row in rows]),
        "instructions/household.parquet",
    )
    options = "--training instructions/household.parquet --gate prompts/gate.parquet"
    options += " --labels labels/people.parquet"
    options += " --out tables/overlap.parquet overlap.csv --matches matches.parquet matches.csv"
    measure_overlap.main(measure_overlap.parser().parse_args(options.split()))
    touched = {f"touched[{factor}]": 0.0 for factor in ("identity", "role_play", "cue", "safety_mix")}
    measured = {"rows": (None, 2.0), "touched[structure]": (None, 2.0), "characters": (3.0, 3.0)}
    measured |= {name: (None, number) for name, number in touched.items()}
    by_model = {"trained_rows": (2.0, 1.0), "rejected[too_long]": (None, 1.0)}
    profiles = [
        {"dataset": "household", "variant": "markdown", "model": model, "measure": name, "before": before}
        | {"after": after}
        for model, found in ((None, measured), ("tiny", by_model))
        for name, (before, after) in found.items()
    ]
    pl.DataFrame(profiles).write_parquet("tables/profiles.parquet")
    return tmp_path


def recounted(folder):
    import recount

    return {found.table: found for found in recount.texts(recount.Results(folder, CONFIG))}


def test_label_sets_and_rejected_rows_are_recounted(study):
    found = recounted(study)
    assert not found["overlap"].differing and found["overlap"].equal["exact"] == 4
    assert not found["profiles"].differing and found["profiles"].equal["after"] == 9


def change(path, how):
    how(pl.read_parquet(path)).write_parquet(path)


@pytest.mark.parametrize(
    ("path", "how", "table", "said"),
    [
        (
            "labels/people",
            lambda table: table.with_columns(prompt=pl.lit("Who built it?")),
            "overlap",
            "texts is 2, recounted 1",
        ),
        (
            "tables/overlap",
            lambda table: table.filter(pl.col("kind") != "labels"),
            "overlap",
            "not in the table",
        ),
        (
            "adapters/tiny/household/rejected",
            lambda table: table.clear(),
            "profiles",
            "measure=rejected[too_long]: follows from no row table",
        ),
        (
            "adapters/tiny/household/rejected",
            lambda table: table.with_columns(row_id=pl.lit("c")),
            "profiles",
            "measure=trained_rows: after is 1.0, recounted 2",
        ),
        (
            "tables/profiles",
            lambda table: table.filter(measure="rows"),
            "profiles",
            "measure=trained_rows: not in the table",
        ),
    ],
)
def test_a_planted_fault_is_named(study, path, how, table, said):
    change(f"{path}.parquet", how)
    assert any(said in line for line in recounted(study)[table].differing)
