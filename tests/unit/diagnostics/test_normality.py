"""Shape of values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.diagnostics.normality import excess_kurtosis, normality, skewness


def test_moments_are_those_of_scipy():
    values = np.random.default_rng(1).gamma(2.0, size=500)
    assert skewness(values) == pytest.approx(stats.skew(values), rel=1e-12)
    assert excess_kurtosis(values) == pytest.approx(stats.kurtosis(values), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e150])
def test_moments_do_not_depend_on_units(scale):
    values = np.random.default_rng(2).gamma(2.0, size=100)
    assert skewness(scale * values) == pytest.approx(skewness(values), rel=1e-9)


def test_moments_of_a_constant_are_missing():
    assert np.isnan(skewness(np.ones(5)))
    assert np.isnan(excess_kurtosis(np.ones(5)))


@pytest.mark.parametrize(("n", "measure"), [(5000, "W"), (5001, "K2")])
def test_the_test_goes_with_the_number_of_values(n, measure):
    found = normality(np.random.default_rng(3).normal(size=n))
    assert found.measure == measure
    assert found.p_value > 0.01


def test_skewed_values_are_found():
    found = normality(np.random.default_rng(4).exponential(size=200))
    assert found.p_value < 1e-6
    assert found.skewness > 1
