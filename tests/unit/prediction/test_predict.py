"""Linear predictors and simulated responses on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.prediction.predict import fixed_part, random_part
from multilevel.prediction.simulate import Draw, simulate_responses

CODES = np.array([0, 1, 1, 2], dtype=np.int32)
Z = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 4.0], [1.0, np.nan]])
MODES = np.array([[10.0, 1.0], [20.0, 2.0], [30.0, 3.0]])


def test_fixed_part_with_and_without_offset():
    X = np.array([[1.0, 2.0], [1.0, np.nan]])
    beta = np.array([1.0, 10.0])
    np.testing.assert_array_equal(fixed_part(X, beta, None), [21.0, np.nan])
    np.testing.assert_array_equal(fixed_part(X, beta, np.array([5.0, 1.0])), [26.0, np.nan])


def test_random_part_picks_each_rows_group():
    np.testing.assert_array_equal(random_part(Z, CODES, MODES), [12.0, 26.0, 28.0, np.nan])


def test_random_part_of_some_effects():
    chosen = np.array([True, False])
    np.testing.assert_array_equal(random_part(Z, CODES, MODES, chosen), [10.0, 20.0, 20.0, 30.0])


def test_unknown_group_has_no_effect():
    codes = np.array([0, -1, 1, -1], dtype=np.int32)
    np.testing.assert_array_equal(random_part(Z, codes, MODES), [12.0, 0.0, 28.0, np.nan])


def test_simulated_moments():
    # 40,000 draws: standard errors of the moments below are about 1 %, bounds are 5 of them.
    z = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 1.0]])
    codes = np.array([0, 0, 1], dtype=np.int32)
    root = np.array([[1.0, 0.0], [0.5, 0.8]])
    weights = np.array([1.0, 4.0, 0.25])
    mean = np.array([5.0, -1.0, 0.0])
    y = simulate_responses(mean, [Draw(z, codes, 2, root)], 0.7, weights, 40_000, 1)
    same_group = codes[:, None] == codes
    expected = z @ root @ root.T @ z.T * same_group + np.diag(0.49 / weights)
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    np.testing.assert_allclose(y.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(y.T) / scale, expected / scale, atol=0.05)


def test_same_seed_same_data():
    arguments = (np.zeros(3), [], 1.0, None, 2)
    first = simulate_responses(*arguments, 7)
    np.testing.assert_array_equal(first, simulate_responses(*arguments, 7))
    streams = (simulate_responses(*arguments, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(*streams)
    assert not np.array_equal(first, simulate_responses(*arguments, 8))


def test_a_seed_does_not_repeat_the_data_that_were_drawn_by_it():
    """Residuals that are a predictor of the data, and a fit without residual variance."""
    x = np.random.default_rng(0).normal(size=300)
    residuals = simulate_responses(np.zeros(300), [], 1.0, None, 1, 0)[0]
    assert abs(np.corrcoef(x, residuals)[0, 1]) < 0.2


@pytest.mark.parametrize("n", [0, 3])
def test_shape(n):
    assert simulate_responses(np.zeros(5), [], 1.0, None, n, 1).shape == (n, 5)
