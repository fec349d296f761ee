"""Outlying rows and groups on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.diagnostics.outliers import group_distances, outlying


def test_bonferroni():
    p = np.full(100, 0.5)
    p[[3, 7]] = 1e-6, 2e-4
    found, largest = outlying(p, 0.01)
    assert found.tolist() == [3]
    assert largest == pytest.approx(1e-4)


def test_distances_are_mahalanobis():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(5, 2, 4))
    own = A @ A.swapaxes(1, 2)
    modes = rng.normal(size=(5, 2))
    distance, p = group_distances(modes, own, np.diag([3.0, 2.0]))
    wanted = [np.sqrt(m @ np.linalg.solve(V, m)) for m, V in zip(modes, own, strict=True)]
    np.testing.assert_allclose(distance, wanted, rtol=1e-10)
    np.testing.assert_allclose(p, stats.chi2.sf(np.square(wanted), 2), rtol=1e-9)


def test_units_of_the_effects_do_not_matter():
    rng = np.random.default_rng(2)
    A = rng.normal(size=(6, 2, 4))
    own, modes, scale = A @ A.swapaxes(1, 2), rng.normal(size=(6, 2)), np.array([1e-6, 1e5])
    a = group_distances(modes, own, np.diag([3.0, 2.0]))
    b = group_distances(
        modes * scale, own * np.outer(scale, scale), np.diag([3.0, 2.0]) * np.outer(scale, scale)
    )
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_directions_without_variance_do_not_count():
    v = np.array([1.0, -1.0])
    own = np.outer(v, v)[None] * np.array([0.5, 0.8])[:, None, None]
    modes = np.array([[0.3, -0.3], [1.0, -1.0]])
    distance, p = group_distances(modes, own, np.outer(v, v))
    np.testing.assert_allclose(distance, [0.3 / 0.5**0.5, 1.0 / 0.8**0.5], rtol=1e-9)
    np.testing.assert_allclose(p, stats.chi2.sf(distance**2, 1), rtol=1e-9)
    empty, none = group_distances(np.zeros((2, 1)), np.zeros((2, 1, 1)), np.zeros((1, 1)))
    assert len(empty) == len(none) == 0


def test_a_group_of_which_nothing_is_known_is_no_outlier():
    own = np.array([[[0.0]], [[0.5]]])
    distance, p = group_distances(np.array([[0.0], [0.7]]), own, np.eye(1))
    assert (distance[0], p[0]) == (0.0, 1.0)
