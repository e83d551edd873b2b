import pytest

from tunedrift.reuse.code_digest import code_digest


@pytest.fixture
def write(tmp_path):
    def write(script, helper="def one():\n    return 1\n"):
        (tmp_path / "library").mkdir(exist_ok=True)
        (tmp_path / "tunedrift/jobs").mkdir(parents=True, exist_ok=True)
        (tmp_path / "library" / "helper.py").write_text(helper)
        (tmp_path / "library" / "between.py").write_text("from library import helper\n")
        code_digest.__globals__["_parse"].cache_clear()
        path = tmp_path / "script.py"
        path.write_text(script)
        return code_digest(path)

    return write


SCRIPT = "from library.between import helper\n\n\ndef two():\n    return 2 * helper.one()\n"


@pytest.mark.parametrize(
    "script",
    [
        "# a comment\n" + SCRIPT,
        '"""A docstring."""\n' + SCRIPT,
        SCRIPT.replace("def two():\n", 'def two():\n    """Doc."""\n'),
        SCRIPT.replace("2 * helper.one()", "(2*\n        helper.one())"),
    ],
    ids=["comment", "docstring", "function's docstring", "layout"],
)
def test_how_code_is_written_down_does_not_count(write, script):
    assert write(script) == write(SCRIPT)


@pytest.mark.parametrize("changed", [SCRIPT.replace("2 *", "3 *"), SCRIPT + "\n\nX = 'text'\n"])
def test_what_code_does_counts(write, changed):
    assert write(changed) != write(SCRIPT)


def test_a_module_imported_through_another_counts(write):
    before = write(SCRIPT)
    assert write(SCRIPT, helper="def one():\n    return 10\n") != before
    assert write(SCRIPT, helper='"""New words."""\n\n\ndef one():\n    return 1  # still\n') == before


def test_a_module_imported_late_counts(write):
    late = "def two():\n    from library import helper\n    return helper.one()\n"
    assert write(late) != write(late, helper="def one():\n    return 10\n")


def test_a_module_that_is_not_imported_does_not_count(write, tmp_path):
    before = write(SCRIPT)
    (tmp_path / "library" / "other.py").write_text("x = 1\n")
    assert write(SCRIPT) == before


def test_how_a_job_runs_and_what_it_says_does_not_count(write, tmp_path):
    script = "from tunedrift.jobs import locks\nfrom library import between\n"
    before = write(script)
    (tmp_path / "tunedrift/jobs/locks.py").write_text("SAYS = 'other words'\n")
    assert write(script) == before


def test_the_folder_that_does_not_count_must_be_where_it_is_thought_to_be(write, tmp_path):
    write(SCRIPT)
    (tmp_path / "tunedrift/jobs").rename(tmp_path / "tunedrift/moved")
    with pytest.raises(ImportError, match="tunedrift/jobs is not there"):
        code_digest(tmp_path / "script.py")


def test_a_relative_import_is_refused(write):
    with pytest.raises(
        ImportError, match=r"script.py, line 2: write the import with the package's full name"
    ):
        write("import json\nfrom . import helper\n")


def test_a_kind_counts_for_its_own_program_alone(write, tmp_path):
    write(SCRIPT)
    for kind in ("one", "two"):
        (tmp_path / f"library/{kind}.py").write_text(f"NAME = {kind!r}\n")

    def digests():
        code_digest.__globals__["_parse"].cache_clear()
        return [
            code_digest(tmp_path / "script.py", *kinds) for kinds in ((), ("library.one",), ("library.two",))
        ]

    before = digests()
    assert len(set(before)) == 3
    (tmp_path / "library/two.py").write_text("NAME = 'changed'\n")
    (tmp_path / "library/three.py").write_text("NAME = 'new'\n")
    after = digests()
    assert after[:2] == before[:2] and after[2] != before[2]
    with pytest.raises(ImportError, match=r"there is no module library\.four"):
        code_digest(tmp_path / "script.py", "library.four")
