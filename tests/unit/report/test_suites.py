"""The summary's table of suites: each with its release, licence and size, as the prompts tables say."""

from synthetic import fabricate, measure

from tunedrift.prompts.attacks import read_attack, wrap
from tunedrift.prompts.suites import read_prompts
from tunedrift.report import summary
from tunedrift.report.suites import suite_rows
from tunedrift.sources.rows import Row
from tunedrift.tables.prompts import PROMPTS

ATTACKS = {
    name: read_attack(name, {"dimension": "role_play", "templates": [name + " {prompt}"]}, "f")
    for name in ("role", "prefix")
}


def suite(folder, name, kind, count, attacks=(), **kept):
    rows = [Row("f", n, {"prompt": f"How do I nap {n} times?"}) for n in range(count)]
    prompts, _ = read_prompts(rows, suite=name, kind=kind)
    table = PROMPTS.frame(wrap(prompts, suite=name, kind=kind, attacks=list(attacks), known=ATTACKS))
    PROMPTS.write(table, folder / f"{name}.parquet", made_with=kept)
    return folder / f"{name}.parquet"


def test_each_suite_has_a_row(tmp_path):
    known = {"release": "OKTest (by count: columns and number of rows)", "licence": "mit", "left_out": "2"}
    paths = [
        suite(tmp_path, "mine", "harmful", 1200, ("role", "prefix"), **known),
        suite(tmp_path, "by-hand", "safe", 3),
    ]
    assert list(suite_rows(paths)) == [
        "| suite | kind | release | licence | prompts | left out | attacks |",
        "|---|---|---|---|---:|---:|---|",
        "| mine | harmful | OKTest (by count: columns and number of rows) | mit | 1,200 | 2 | prefix, role |",
        "| by-hand | safe | not said | not said | 3 | not said | none |",
    ]
    assert list(suite_rows([])) == []


def test_the_summary_has_the_table_and_no_heading_without_it():
    drift, agreement = measure(fabricate())[:2]
    gates = [{"model": "tiny", "refusal_rate": 0.9, "n": 60, "threshold": 0.8}]
    given = (drift, agreement, gates, "harm", [], [{"torch": "2.13.0"}])
    plain = summary.summarize(*given)
    said = summary.summarize(*given, suites=iter(["| a |", "|---|"]))
    table = "\n## What was asked\n\n| a |\n|---|\n"
    assert table in said
    assert said.replace(table, "", 1) == plain
