"""One small cell of the simulations on demand (tests/benchmarks): intervals cover, null studies name nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")


@pytest.mark.parametrize(("seeds", "seed_sd"), [(1, 0.06), (5, 0.06), (5, 0.0)])
def test_intervals_cover(benchmarks, seeds, seed_sd):
    import simulate_coverage

    random = np.random.default_rng(0)
    found = simulate_coverage.cell(random, 600, 50, seeds, 0.9, -0.15, seed_sd, 3.0)
    for intervals in found.values():
        covered, width, _ = simulate_coverage.coverage(*intervals)
        assert 0.92 < covered < 0.99
        assert width < 0.4


@pytest.mark.parametrize("kind", ["identical", "seed noise", "shuffled"])
def test_null_studies_name_nothing(benchmarks, kind):
    import simulate_null

    random = np.random.default_rng(0)
    for seeds, most in ((1, 0), (5, 0.09)):
        values = simulate_null.null_studies(
            random, kind, 150, 40, seeds, 2, 0.8, 0.06 if "noise" in kind else 0.0
        )
        assert simulate_null.named(values, 2).mean() <= most


def test_a_real_effect_is_named(benchmarks):
    import simulate_null

    random = np.random.default_rng(0)
    values = simulate_null.null_studies(random, "identical", 20, 100, 5, 2, 0.8, 0.0)
    values[0] *= 0.5
    assert simulate_null.named(values, 2).all()
    assert "simulate_null" in sys.modules
