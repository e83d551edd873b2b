"""What no later step reads is read back once: damage to any final file is noticed."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from synthetic import fabricate, measure, measured_judge

from tunedrift.errors import UserError
from tunedrift.figures.style import save
from tunedrift.report.finals import TABLES, digests
from tunedrift.tables.agreement import AGREEMENT, FORECASTS
from tunedrift.tables.drift import DRIFT
from tunedrift.tables.judges import JUDGES

ROOT = Path(__file__).parents[3]
NAMES = (
    *("agreement.csv", "agreement.parquet", "cups.png", "cups.svg", "drift.csv", "drift.parquet"),
    *("judges.csv", "judges.parquet"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    judges = JUDGES.frame(
        [*measured_judge("one", "rules"), *measured_judge("other", "rules", certified=True)]
    )
    frames = (*measure(fabricate()), judges)
    for table, frame in zip((DRIFT, AGREEMENT, FORECASTS, JUDGES), frames, strict=True):
        for suffix in ("parquet", "csv"):
            table.write(frame, folder / f"{table.name}.{suffix}")
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    save(figure, folder, "cups")
    (folder / "summary.md").write_text("# What this study found\n\nNothing.\n")
    return folder


def test_whole_files_have_digests(made):
    found = digests(made.iterdir())
    assert set(NAMES) <= {name.partition("/")[2] for name in found}
    assert {len(digest) for digest in found.values()} == {64}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0, 0.5, 0.97])
def test_a_file_that_breaks_off_is_named(made, name, share):
    path = made / name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    try:
        with pytest.raises(UserError, match=rf"{name}.* Delete it and run the same command again"):
            digests([path])
    finally:
        path.write_bytes(whole)


def test_every_final_table_and_figure_is_read_back():
    asked = (ROOT / "Snakefile").read_text()
    report, targets = ((ROOT / f"rules/{name}.smk").read_text() for name in ("report", "targets"))
    [listed] = re.findall(r"FINAL_TABLES = \[(.*?)\]", report, re.S)
    tables = set(re.findall(r"tables/(\w+)\.csv", asked))
    assert tables <= set(re.findall(r'"(\w+)"', listed)) == TABLES.keys()
    # The figures are those of the target, which are all that are drawn.
    rules = (ROOT / "rules/figures.smk").read_text()
    drawn = set(re.findall(r"^rule (\w+):", rules, re.M))
    assert drawn == set(re.findall(r"rules\.(draw_\w+)\.output", targets))
    assert set(re.findall(r"figures/(\w+)\.svg", rules)) == set(re.findall(r"figures/(\w+)\.svg", asked))
