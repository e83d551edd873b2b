import pytest

from tunedrift.digest import code_digest


@pytest.fixture
def write(tmp_path):
    def write(script, helper="def one():\n    return 1\n"):
        (tmp_path / "library").mkdir(exist_ok=True)
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


def test_where_a_job_runs_and_what_it_says_does_not_count(tmp_path):
    (tmp_path / "tunedrift").mkdir()
    script = tmp_path / "script.py"
    script.write_text("from tunedrift import devices, progress, numbers\n")
    digests = []
    for line in ("x = 1\n", "x = 2\n"):
        for module in ("devices", "progress"):
            (tmp_path / f"tunedrift/{module}.py").write_text(line)
        (tmp_path / "tunedrift/numbers.py").write_text("x = 1\n")
        code_digest.__globals__["_parse"].cache_clear()
        digests.append(code_digest(script))
    assert digests[0] == digests[1]
