"""Cook's distance and residuals on arrays."""

from __future__ import annotations

import numpy as np

from multilevel.diagnostics.influence import cooks_distance
from multilevel.diagnostics.residuals import pearson_residuals


def test_cooks_distance_of_least_squares_is_its_definition():
    rng = np.random.default_rng(4)
    X = np.column_stack([np.ones(12), rng.normal(size=12)])
    y = rng.normal(size=12)
    beta = np.linalg.lstsq(X, y)[0]
    s2 = np.sum((y - X @ beta) ** 2) / 10
    leverage = np.diag(X @ np.linalg.solve(X.T @ X, X.T))
    expected = []
    for i in range(12):
        rest = np.delete(np.arange(12), i)
        change = X @ (np.linalg.lstsq(X[rest], y[rest])[0] - beta)
        expected.append(change @ change / (2 * s2))
    actual = cooks_distance(y - X @ beta, leverage, np.sqrt(s2), 2)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


def test_cooks_distance_is_undefined_at_full_leverage_and_without_fixed_effects():
    ones = np.ones(3)
    actual = cooks_distance(ones, np.array([0.5, 1.0, 0.2]), 1.0, 1)
    np.testing.assert_array_equal(np.isnan(actual), [False, True, False])
    assert np.isnan(cooks_distance(ones, ones / 2, 1.0, 0)).all()


def test_pearson_residuals_carry_the_weights():
    residual = np.array([1.0, -2.0])
    assert pearson_residuals(residual, None) is residual
    np.testing.assert_array_equal(pearson_residuals(residual, np.array([4.0, 9.0])), [2.0, -6.0])
