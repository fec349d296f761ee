"""Likelihood-ratio tests on numbers."""

from __future__ import annotations

import numpy as np
from scipy import stats

from multilevel.inference.likelihood_ratio import likelihood_ratio_tests


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
