import argparse

import pytest

from tunedrift.errors import UserError
from tunedrift.jobs import cli


def run(monkeypatch, tmp_path, error):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["program"])

    def main(_):
        raise error

    cli.run(main, argparse.ArgumentParser())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("this is wrong."), "error: this is wrong."),
        (
            OSError(28, "No space left on device", "a.parquet"),
            "error: a.parquet: No space left on device. Free",
        ),
        (
            RuntimeError("io: No space left on device (os error 28)"),
            "error: No space left on device. Free some",
        ),
        (
            PermissionError(13, "Permission denied", "b"),
            "error: b: Permission denied. Give yourself the permission",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line(monkeypatch, tmp_path, error, line):
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, tmp_path, error)
    assert stopped.value.code.startswith(line)


def test_our_own_faults_keep_their_traceback(monkeypatch, tmp_path):
    with pytest.raises(KeyError):
        run(monkeypatch, tmp_path, KeyError("x"))
