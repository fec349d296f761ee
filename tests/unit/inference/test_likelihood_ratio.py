"""Likelihood-ratio tests on numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from multilevel.inference.likelihood_ratio import (
    BoundaryMixture,
    likelihood_ratio,
    likelihood_ratio_tests,
)


def test_models_are_ordered_and_tested_against_the_one_before():
    tests = likelihood_ratio_tests([-875.97, -897.04, -900.0], [6, 4, 3])
    np.testing.assert_array_equal(tests.order, [2, 1, 0])
    np.testing.assert_allclose(tests.statistic, [np.nan, 5.92, 42.14])
    np.testing.assert_array_equal(tests.df, [np.nan, 1, 2])
    np.testing.assert_allclose(tests.p_value[1:], stats.chi2([1, 2]).sf([5.92, 42.14]), rtol=1e-10)
    assert np.isnan(tests.p_value[0])


def test_no_parameter_added_gives_no_p_value():
    tests = likelihood_ratio_tests([-10.0, -9.0], [4, 4])
    assert tests.df[1] == 0
    assert tests.statistic[1] == 2.0
    assert np.isnan(tests.p_value[1])


def test_a_loss_of_likelihood_counts_as_none():
    tests = likelihood_ratio_tests([-9.0, -10.0], [3, 4])
    assert tests.statistic[1] == 0.0
    assert tests.p_value[1] == 1.0


def test_rounding_is_no_gain():
    """Where a variance is zero both criteria are the same, but for the last digits."""
    small = np.array([1743.6282719585, 10.0, 1e6, 5.0])
    big = np.array([1743.6282719584, 10.5, 1e6 - 5e-8, 4.9])
    found = likelihood_ratio(small, big)
    assert found.tolist() == [0.0, 0.0, 0.0, pytest.approx(0.1)]
    tests = likelihood_ratio_tests([-50.0 - 1e-12, -50.0], [3, 4])
    assert tests.p_value[1] == 1.0


@given(st.integers(1, 6), st.floats(0.0, 200.0))
def test_mixture_is_below_chi_squared(df, statistic):
    """Half of the mass has a degree of freedom less."""
    mixture = BoundaryMixture(df)
    p = mixture.p_value(statistic)
    lower = stats.chi2(df - 1).sf(statistic) if df > 1 else float(statistic == 0.0)
    upper = stats.chi2(df).sf(statistic)
    assert p == pytest.approx(0.5 * (lower + upper), rel=1e-9, abs=1e-300)
    assert 0.5 * upper <= p <= upper
    assert str(mixture) == f"0.5 chi2({df - 1}) + 0.5 chi2({df})"


def test_mixture_at_zero_is_one():
    assert BoundaryMixture(1).p_value(0.0) == 1.0
    assert BoundaryMixture(2).p_value(0.0) == 1.0
    # the 5 % point of one variance (Self & Liang 1987)
    assert BoundaryMixture(1).p_value(2.705543) == pytest.approx(0.05, rel=1e-6)
