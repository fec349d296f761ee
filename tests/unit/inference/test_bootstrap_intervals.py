"""Bootstrap intervals against R's boot, SciPy and formulas written out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from multilevel.inference.bootstrap_intervals import (
    acceleration,
    bias_and_error,
    bootstrap_intervals,
)

EXPECTED = json.loads(
    (Path(__file__).parents[2] / "reference/expected/inference_bootstrap.json").read_text()
)["mean"]
X = np.array(EXPECTED["x"])
REPLICATES = np.array(EXPECTED["replicates"])[:, None]
ESTIMATE = np.array([X.mean()])
JACKKNIFE = (X.sum() - X)[:, None] / (len(X) - 1)
# The same sums in another order.
ROUNDING = 1e-12


def interval(method, level=0.95, estimates=ESTIMATE, replicates=REPLICATES, a=None):
    return np.array(bootstrap_intervals(estimates, replicates, level, method, a))


@pytest.mark.parametrize("expected", EXPECTED["intervals"], ids=lambda e: f"{e['level']:.0%}")
@pytest.mark.parametrize("method", ["percentile", "basic", "normal"])
def test_agrees_with_boot(method, expected):
    bounds = interval(method, expected["level"])[:, 0]
    np.testing.assert_allclose(bounds, expected[method], rtol=ROUNDING)


@pytest.mark.parametrize("expected", EXPECTED["intervals"], ids=lambda e: f"{e['level']:.0%}")
def test_bca_agrees_with_boot(expected):
    """R interpolates between the same two order statistics in another way."""
    a = acceleration(JACKKNIFE)
    bounds = interval("bca", expected["level"], a=a)[:, 0]
    ordered = np.sort(REPLICATES[:, 0])
    for bound, reference in zip(bounds, expected["bca"], strict=True):
        assert np.searchsorted(ordered, bound) == np.searchsorted(ordered, reference)


def test_bca_agrees_with_scipy():
    """SciPy takes quantiles at (n - 1) p instead of (n + 1) p: one order statistic apart."""
    result = stats.bootstrap((X,), np.mean, n_resamples=999, method="BCa", rng=5)
    replicates = result.bootstrap_distribution
    low, high = interval("bca", replicates=replicates[:, None], a=acceleration(JACKKNIFE))[:, 0]
    ordered = np.sort(replicates)
    for bound, reference in zip((low, high), result.confidence_interval, strict=True):
        assert abs(np.searchsorted(ordered, bound) - np.searchsorted(ordered, reference)) <= 1


def test_bca_by_hand():
    """Replicates 1..99, of which 59 and a half lie below the estimate."""
    replicates = np.arange(1.0, 100.0)[:, None]
    z0 = stats.norm.ppf(59.5 / 99)
    z = z0 + stats.norm.ppf([0.1, 0.9])
    p = stats.norm.cdf(z0 + z / (1 - 0.05 * z))
    bounds = interval("bca", 0.8, np.array([60.0]), replicates, np.array([0.05]))[:, 0]
    np.testing.assert_allclose(bounds, 100 * p, rtol=ROUNDING)  # the p-th of 99 is 100 p


def test_bca_without_bias_or_acceleration_is_the_percentile_interval():
    replicates = np.random.default_rng(2).normal(size=(400, 1))
    estimates = np.median(replicates, axis=0)
    np.testing.assert_allclose(
        interval("bca", 0.9, estimates, replicates),
        interval("percentile", 0.9, estimates, replicates),
        rtol=ROUNDING,
    )


def test_acceleration_is_a_sixth_of_the_skewness_of_the_jackknife():
    """For a mean that is the sample skewness over 6 sqrt(n)."""
    expected = stats.skew(X) / (6 * np.sqrt(len(X)))
    np.testing.assert_allclose(acceleration(JACKKNIFE), expected, rtol=1e-10)
    values = acceleration(np.array([[1.0, 2.0], [1.0, np.nan], [1.0, 3.0]]))
    assert values[0] == 0.0
    assert np.isnan(values[1])


def test_bias_and_error_leave_out_what_is_not_defined():
    replicates = np.array([[1.0, np.nan, 5.0], [3.0, 2.0, np.nan], [8.0, 4.0, np.nan]])
    bias, error, n = bias_and_error(np.array([1.0, 1.0, 1.0]), replicates)
    np.testing.assert_allclose(bias, [3.0, 2.0, 4.0])
    np.testing.assert_allclose(error[:2], [np.sqrt(13), np.sqrt(2)])
    assert np.isnan(error[2])
    assert n.tolist() == [3, 2, 1]


@pytest.mark.parametrize("method", ["percentile", "basic", "normal", "bca"])
def test_undefined_values_are_left_out_of_intervals(method):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(50, 1))
    padded = np.vstack([values, np.full((10, 1), np.nan), [[np.inf]]])
    estimate = np.zeros(1)
    np.testing.assert_array_equal(
        interval(method, estimates=estimate, replicates=padded),
        interval(method, estimates=estimate, replicates=values),
    )
    for few in (np.full((5, 1), np.nan), np.array([[1.0], [np.nan]])):
        assert np.isnan(interval(method, estimates=estimate, replicates=few)).all()
    nothing = np.full(1, np.nan)
    assert np.isnan(interval(method, estimates=nothing, replicates=values)).all()


def test_bca_is_undefined_where_all_replicates_lie_on_one_side():
    replicates = np.arange(1.0, 50.0)[:, None]
    assert np.isnan(interval("bca", estimates=np.zeros(1), replicates=replicates)).all()
    assert np.isnan(
        interval("bca", estimates=np.full(1, 9.0), replicates=replicates, a=np.full(1, np.nan))
    ).all()


def test_bca_at_a_boundary_counts_ties_half():
    """An SD of zero with half of the replicates at zero, too."""
    replicates = np.r_[np.zeros(51), np.arange(1.0, 50.0)][:, None]
    low, high = interval("bca", estimates=np.zeros(1), replicates=replicates)[:, 0]
    assert low == 0.0
    assert 20 < high < 49


def test_unknown_words_and_levels():
    with pytest.raises(ValueError, match=r"method='studentized'.*'percentile'"):
        interval("studentized")
    with pytest.raises(ValueError, match=r"level=95"):
        interval("basic", 95)
