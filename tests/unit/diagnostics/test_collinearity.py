"""Variance inflation on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.diagnostics.collinearity import variance_inflation


def test_single_columns_have_one_over_one_minus_r_squared():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    X = np.column_stack([np.ones(50), A])
    found = variance_inflation(np.linalg.inv(X.T @ X), [np.array([j]) for j in (1, 2, 3)])
    for j in range(3):
        rest = np.column_stack([np.ones(50), np.delete(A, j, axis=1)])
        left = A[:, j] - rest @ np.linalg.lstsq(rest, A[:, j])[0]
        total = A[:, j] - A[:, j].mean()
        assert found[j] == pytest.approx((total @ total) / (left @ left), rel=1e-9)


def test_a_term_does_not_depend_on_its_coding():
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 3))])
    recode = np.eye(4)
    recode[2:, 2:] = rng.normal(size=(2, 2))
    terms = [np.array([1]), np.array([2, 3])]
    a = variance_inflation(np.linalg.inv(X.T @ X), terms)
    b = variance_inflation(np.linalg.inv(recode.T @ X.T @ X @ recode), terms)
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_a_term_alone_is_not_inflated():
    assert variance_inflation(np.diag([1.0, 4.0]), [np.array([1])]) == pytest.approx([1.0])
