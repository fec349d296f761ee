"""Smooth curves and densities."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from multilevel.plot.smooth import density, smooth

# Weighted least squares of an exact line.
ATOL = 1e-8


def test_repeated_values_have_means():
    x = np.repeat([3.0, 1.0, 2.0], 4)
    y = np.arange(12.0)
    np.testing.assert_allclose(smooth(x, y), np.repeat([1.5, 5.5, 9.5], 4))


@given(st.integers(3, 200), st.integers(0, 10_000))
def test_a_line_stays_a_line(n, seed):
    x = np.random.default_rng(seed).normal(size=n)
    np.testing.assert_allclose(smooth(x, 2.0 - 3.0 * x), 2.0 - 3.0 * x, atol=ATOL)


def test_follows_a_curve_and_does_not_depend_on_the_order():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1.0, 1.0, 2000)
    y = x**2 + 0.1 * rng.normal(size=2000)
    curve = smooth(x, y)
    assert np.abs(curve - x**2).max() < 0.15
    order = rng.permutation(2000)
    np.testing.assert_allclose(smooth(x[order], y[order]), curve[order], atol=ATOL)


def test_few_points_and_ties():
    assert np.isfinite(smooth(np.array([1.0]), np.array([2.0]))).all()
    assert np.isfinite(smooth(np.array([1.0, 2.0]), np.array([2.0, 5.0]))).all()
    x = np.concatenate([np.zeros(500), np.linspace(0.0, 1.0, 50)])
    y = np.arange(550.0)
    assert np.isfinite(smooth(x, y)).all()


def test_density_of_normal_values():
    values = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    grid = np.linspace(-5.0, 5.0, 400)
    np.testing.assert_allclose(density(values, grid), norm.pdf(grid), atol=0.01)


def test_density_of_a_constant_is_finite():
    grid = np.linspace(0.0, 2.0, 101)
    curve = density(np.ones(10), grid)
    np.testing.assert_allclose(np.trapezoid(curve, grid), 1.0, rtol=1e-6)


def test_ties_count_whatever_the_order_of_rows():
    """Where most x are the same, all of their y are averaged."""
    rng = np.random.default_rng(4)
    x = np.where(rng.random(300) < 0.7, 0.0, rng.normal(size=300))
    y = rng.normal(size=300)
    curve = smooth(x, y)
    np.testing.assert_allclose(curve[x == 0.0], y[x == 0.0].mean(), rtol=1e-12)
    order = rng.permutation(300)
    np.testing.assert_allclose(smooth(x[order], y[order]), curve[order], rtol=1e-9, atol=1e-12)
