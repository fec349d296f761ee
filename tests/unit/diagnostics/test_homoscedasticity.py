"""Tests of equal variances on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.diagnostics.homoscedasticity import log_variance_test, score_test


def draw_variances(rng, df, sd=0.0):
    return np.exp(2 * sd * rng.normal(size=len(df))) * rng.chisquare(df) / df


def test_equal_log_variances_have_no_distance():
    df = np.array([12.0, 30.0, 55.0])
    # those whose logarithms are unbiased estimates of the same number
    from scipy.special import digamma

    found = log_variance_test(4.0 * np.exp(digamma(df / 2) - np.log(df / 2)), df)
    assert found.statistic == pytest.approx(0.0, abs=1e-20)
    assert (found.df, found.ratio) == (2, 1.0)
    assert found.p_value == 1.0


@pytest.mark.parametrize("sizes", [(10, 11), (10, 60)])
def test_it_keeps_its_level_in_small_groups(sizes):
    rng = np.random.default_rng(5)
    df = rng.integers(*sizes, 100).astype(float)
    p = np.array([log_variance_test(draw_variances(rng, df), df).p_value for _ in range(2000)])
    # four Monte-Carlo standard errors; the large-sample version rejects in 14 % and 9 %
    assert abs(np.mean(p < 0.05) - 0.05) < 4 * (0.05 * 0.95 / 2000) ** 0.5 + 0.005


def test_the_ratio_is_that_of_the_groups():
    rng = np.random.default_rng(6)
    df = np.full(4000, 40.0)
    found = log_variance_test(draw_variances(rng, df, sd=0.2), df)
    assert found.ratio == pytest.approx(np.exp(2 * 1.96 * 0.2), rel=0.05)


def test_units_do_not_matter():
    rng = np.random.default_rng(7)
    df = np.full(30, 15.0)
    variance = draw_variances(rng, df)
    a, b = log_variance_test(variance, df), log_variance_test(1e6 * variance, df)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-9)


def test_score_test_is_rows_times_r_squared():
    rng = np.random.default_rng(8)
    x = rng.normal(size=300)
    residual = rng.normal(size=300) * np.exp(0.3 * x)
    found = score_test(residual, x)
    r = stats.pearsonr(x, residual**2).statistic
    assert found.statistic == pytest.approx(300 * r**2, rel=1e-10)
    assert found.p_value == pytest.approx(stats.chi2.sf(300 * r**2, 1), rel=1e-8)
    line = np.polyval(np.polyfit(x, residual**2, 1), np.quantile(x, [0.025, 0.975]))
    if line.min() > 0:
        assert found.ratio == pytest.approx(np.sqrt(line.max() / line.min()), rel=1e-8)
    assert found.ratio > 1.5


def test_a_line_of_variances_below_zero_is_not_followed():
    """Else the ratio would be as large as rounding lets it be."""
    rng = np.random.default_rng(8)
    x = rng.exponential(size=400)
    residual = rng.normal(size=400) * x**2
    found = score_test(residual, x)
    assert np.polyval(np.polyfit(x, residual**2, 1), np.quantile(x, 0.025)) < 0.0
    assert 5.0 < found.ratio < 50.0
