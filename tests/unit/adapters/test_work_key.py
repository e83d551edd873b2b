"""Where a tuning is taken up again: only by a run that computes alike."""

import pytest
import tiny
import tune

from tunedrift.adapters import launch, tuning
from tunedrift.jobs import locks
from tunedrift.tables.variants import VARIANTS


class Begun(Exception):  # noqa: N818 - a signal, no error
    """Carries the settings and the folder with which a tuning would begin."""


@pytest.fixture
def begin(tmp_path, monkeypatch):
    model = tiny.save_chat_model(tmp_path / "chat")
    VARIANTS.write(VARIANTS.frame([]), tmp_path / "original.parquet")
    monkeypatch.chdir(tmp_path)

    def together(_, args, settings, work, memory, processes):
        raise Begun(settings, work)

    monkeypatch.setattr(launch, "together", together)
    # This process itself would wait for the folder that it held before.
    monkeypatch.setattr(locks, "hold", lambda _: None)

    def begin(here, *words):
        monkeypatch.setattr(tuning.placement, "half_precision", lambda: here)
        monkeypatch.setattr("torch.cuda.is_available", lambda: here != "none")
        given = [
            "--model",
            str(model),
            "--variant",
            "original.parquet",
            "--seed",
            "0",
            "--out",
            "adapter",
            *words,
        ]
        with pytest.raises(Begun) as begun:
            tune.main(tune.parser().parse_args(given))
        return begun.value.args

    return begin


def test_what_was_begun_on_a_processor_is_not_taken_up_in_half_precision(begin):
    begun = {here: begin(here) for here in ("none", "bfloat16", "float16")}
    assert {here: settings.precision for here, (settings, _) in begun.items()} == {
        "none": "fp32",
        "bfloat16": "bf16",
        "float16": "fp16",
    }
    assert len({work for _, work in begun.values()}) == 3
    assert begin("bfloat16", "--precision", "fp32")[1] == begun["none"][1]


def test_a_tuning_is_not_taken_up_with_other_rows_at_a_time(begin):
    """Where the memory decides them: on a processor, unless their number is given."""
    cases = {
        ("none",): 2,
        ("none", "--micro-batch-size", "2"): 1,
        ("bfloat16",): 1,
    }
    for (here, *words), folders in cases.items():
        begun = {begin(here, *words, "--memory-mb", memory)[1] for memory in ("4000", "8000")}
        assert len(begun) == folders, (here, words)
    assert begin("none", "--memory-mb", "4000") == begin("none", "--memory-mb", "4000")
