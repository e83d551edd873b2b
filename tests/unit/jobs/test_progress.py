import json

import pytest

from tunedrift.jobs import progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_lines_tell_how_much_is_done_and_what_is_left(clock, capsys):
    told = progress.Progress(100, "answers")
    for _ in range(10):
        clock.now += 1.0
        told.advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "10/100 answers in 5s, 2/s, 45s left",
        "20/100 answers in 10s, 2/s, 40s left",
    ]


def test_a_day_makes_no_flood_of_lines(clock, capsys):
    told = progress.Progress(86_400, "steps")
    for _ in range(86_400):
        clock.now += 1.0
        told.advance()
    text = capsys.readouterr().err
    assert "\r" not in text
    assert 20 < len(text.splitlines()) < 300


def test_the_last_line_is_for_programs(clock, capsys):
    told = progress.Progress(3, "texts")
    clock.now += 0.5
    told.advance(2, tokens=40)
    told.advance(tokens=2)
    told.finish()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(progress.SPEED)
    assert json.loads(line.removeprefix(progress.SPEED)) == {
        "done": 3,
        "unit": "texts",
        "tokens": 42,
        "seconds": 0.5,
        "gpu_peak_mb": 0,
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (59.6, "1m00s"), (185, "3m05s"), (3600, "1h00m"), (7620, "2h07m")]
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_the_peak_is_summed_over_the_gpus(monkeypatch):
    class Torch:
        class cuda:  # noqa: N801
            is_initialized = staticmethod(lambda: True)
            device_count = staticmethod(lambda: 2)
            max_memory_reserved = staticmethod(lambda device: (device + 1) * 10**9)

    monkeypatch.setitem(progress.sys.modules, "torch", Torch)
    assert progress.gpu_peak_mb() == 3000
