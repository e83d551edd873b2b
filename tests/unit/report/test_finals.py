"""What no later step reads is read back once: damage to any final file is noticed."""

import matplotlib.pyplot as plt
import pytest
from synthetic import fabricate, measure

from tunedrift.errors import UserError
from tunedrift.figures.style import save
from tunedrift.report.finals import digests
from tunedrift.tables.agreement import AGREEMENT, FORECASTS
from tunedrift.tables.drift import DRIFT

NAMES = ("agreement.csv", "agreement.parquet", "cups.png", "cups.svg", "drift.csv", "drift.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for table, frame in zip((DRIFT, AGREEMENT, FORECASTS), measure(fabricate()), strict=True):
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
