"""Least squares in groups against the same, group by group and with dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.levels.group_regression import NestedEffects, regress_in_groups

# Cross-products lose at most the square of the condition of a group's columns, below 1e3 here.
RTOL = 1e-8


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("shift", [0.0, 2000.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_least_squares_group_by_group(rng, shift, weighted):
    codes = np.sort(rng.integers(0, 7, 80)).astype(np.int32)
    z = np.column_stack([np.ones(80), shift + rng.standard_normal(80)])
    y, x = rng.standard_normal((2, 80))
    weights = rng.uniform(0.5, 2.0, 80) if weighted else None
    found = regress_in_groups(z, codes, 7, [y, x], weights)
    root = np.ones(80) if weights is None else np.sqrt(weights)
    for j in range(7):
        rows = codes == j
        Z = z[rows] * root[rows, None]
        wanted = np.linalg.lstsq(Z, np.column_stack([y, x])[rows] * root[rows, None], rcond=None)[0]
        np.testing.assert_allclose(found.coefficients[j], wanted, rtol=1e-6)
        np.testing.assert_allclose(found.information[j], Z.T @ Z, rtol=RTOL)
    assert found.estimable.all()
    assert found.n_rows.tolist() == np.bincount(codes).tolist()


def test_nested_effects_are_part_of_the_error(rng):
    """Two factors in each other inside the groups: generalised least squares with dense V."""
    fine = np.repeat(np.arange(24), 5).astype(np.int32)
    middle, codes = (fine // 3).astype(np.int32), (fine // 6).astype(np.int32)
    z = np.column_stack([np.ones(120), rng.standard_normal(120)])
    t_fine, t_middle = rng.standard_normal((120, 2)), rng.standard_normal((120, 1))
    y = rng.standard_normal(120)
    chain = [NestedEffects(fine, 24, t_fine), NestedEffects(middle, 8, t_middle)]
    found = regress_in_groups(z, codes, 4, [y], None, chain)
    V = (
        np.eye(120)
        + (t_fine @ t_fine.T) * (fine[:, None] == fine)
        + (t_middle @ t_middle.T) * (middle[:, None] == middle)
    )
    for j in range(4):
        rows = codes == j
        inverse = np.linalg.inv(V[np.ix_(rows, rows)])
        unscaled = np.linalg.inv(z[rows].T @ inverse @ z[rows])
        np.testing.assert_allclose(found.unscaled[j], unscaled, rtol=RTOL)
        wanted = unscaled @ z[rows].T @ inverse @ y[rows]
        np.testing.assert_allclose(found.coefficients[j, :, 0], wanted, rtol=RTOL)


def test_groups_without_an_estimate_are_told_apart():
    codes = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3], dtype=np.int32)
    x = np.array([1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 0.0, 0.1, 0.3])
    found = regress_in_groups(np.column_stack([np.ones(9), x]), codes, 4, [x], None)
    assert found.estimable.tolist() == [True, False, False, True]
    assert np.isnan(found.coefficients[[1, 2]]).all()
    assert np.isnan(found.unscaled[[1, 2]]).all()
    np.testing.assert_allclose(found.coefficients[[0, 3], :, 0], [[0, 1], [0, 1]], atol=1e-12)


def test_columns_that_are_dependent_everywhere_have_no_estimate():
    x = np.arange(6.0)
    found = regress_in_groups(
        np.column_stack([x, 2 * x]), np.repeat([0, 1], 3).astype(np.int32), 2, [x], None
    )
    assert not found.estimable.any()
