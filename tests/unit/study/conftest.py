"""The default study, with changes."""

from pathlib import Path

import pytest

from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.study import Study

ROOT = Path(__file__).parents[3]


@pytest.fixture
def make(monkeypatch):
    monkeypatch.chdir(ROOT)  # a study's paths are relative to the workflow

    def make(**changes):
        default = {**read_yaml("config/config.yaml"), "controls": "matched"}
        return Study({**default, **changes}, "config/schema.yaml")

    return make
