import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tunedrift.statistics.multiplicity import finding, holm


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04, times 4 3 2 1: .04 .06 .06 (made monotone) .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_test_that_could_not_be_made_counts_and_is_not_rejected():
    assert holm([np.nan, 0.02, 0.01]) == pytest.approx([np.nan, 0.04, 0.03], nan_ok=True)


def test_one_seed_names_nothing_of_a_variant():
    assert finding(0.3, 1e-9, seeds=1) is None
    assert finding(0.3, 0.05, seeds=5) == "raises"
    assert finding(-0.3, 0.01, seeds=2) == "lowers"
    assert finding(0.3, 0.051, seeds=5) is None
    assert finding(0.3, np.nan, seeds=5) is None
    assert finding(np.nan, np.nan, seeds=5) is None
    assert finding(0.0, 0.01, seeds=5) is None
