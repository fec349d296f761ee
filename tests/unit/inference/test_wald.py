"""Wald tests and intervals against scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.inference.wald import check_level, wald_interval, wald_tests

# Two libraries, the same special functions.
RTOL = 1e-12

ESTIMATE = np.array([2.0, -0.5, np.nan, 0.0])
ERROR = np.array([0.8, 0.9, np.nan, 1.0])


@pytest.mark.parametrize(
    ("df", "distribution"), [(np.inf, stats.norm()), (7.0, stats.t(7)), (1.5, stats.t(1.5))]
)
def test_tests_and_intervals(df, distribution):
    tests = wald_tests(ESTIMATE, ERROR, df)
    np.testing.assert_allclose(tests.statistic, ESTIMATE / ERROR, rtol=RTOL)
    np.testing.assert_allclose(
        tests.p_value, 2 * distribution.sf(np.abs(ESTIMATE / ERROR)), rtol=RTOL
    )
    np.testing.assert_array_equal(tests.df, [df, df, np.nan, df])
    low, high = wald_interval(ESTIMATE, ERROR, 0.9, df)
    np.testing.assert_allclose(low, ESTIMATE - distribution.ppf(0.95) * ERROR, rtol=RTOL)
    np.testing.assert_allclose(high, ESTIMATE + distribution.ppf(0.95) * ERROR, rtol=RTOL)


def test_tiny_p_values_do_not_underflow_early():
    p = wald_tests(np.array([30.0]), np.array([1.0])).p_value[0]
    np.testing.assert_allclose(np.log(p), np.log(2) + stats.norm.logsf(30), rtol=1e-10)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.1, float("nan")])
def test_level_must_be_a_probability(level):
    with pytest.raises(ValueError, match=r"is not a confidence level; give e\.g\. 0\.95"):
        check_level(level)
