"""Which columns stay: scale and origin do not matter, the leftmost is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multilevel.design import rank
from multilevel.design.rank import independent_columns


def columns(n=200, p=3, seed=1):
    return np.random.default_rng(seed).normal(size=(n, p))


def with_intercept(*cols):
    return np.column_stack([np.ones(len(cols[0])), *cols])


def test_all_columns_of_a_regular_matrix_stay():
    X = columns()
    np.testing.assert_array_equal(independent_columns(X, intercept=False), [0, 1, 2])
    np.testing.assert_array_equal(
        independent_columns(with_intercept(*X.T), intercept=True), range(4)
    )


@pytest.mark.parametrize("n", [30, 70_000])  # the second in several chunks
def test_later_of_dependent_columns_is_dropped(n):
    a, b, c = columns(n).T
    X = with_intercept(a, b, 2 * a - b + 3, c, np.full(n, 0.1) * 3, a * 1e6)
    np.testing.assert_array_equal(independent_columns(X, intercept=True), [0, 1, 2, 4])
    np.testing.assert_array_equal(independent_columns(X[:, 1:], intercept=False), [0, 1, 2, 3])


def test_constant_with_rounding_noise_is_dropped():
    X = with_intercept(0.3 + np.tile([0.0, 5e-17], 50), columns(100, 1)[:, 0])
    np.testing.assert_array_equal(independent_columns(X, intercept=True), [0, 2])


def test_zero_column_is_dropped():
    X = np.column_stack([np.zeros(20), columns(20, 2)])
    np.testing.assert_array_equal(independent_columns(X, intercept=False), [1, 2])


def test_calendar_year_with_small_variation_stays():
    year = 2000.0 + 1e-3 * columns(50, 1)[:, 0]
    np.testing.assert_array_equal(independent_columns(with_intercept(year), intercept=True), [0, 1])
    dummies = np.eye(2)[np.arange(50) % 2]
    X = np.column_stack([dummies, year])
    np.testing.assert_array_equal(independent_columns(X, intercept=False), [0, 1, 2])


def test_tolerance_is_the_one_of_r():
    a, b = columns(100, 2).T
    for noise, kept in ((3 * rank.COLLINEAR, [0, 1, 2]), (0.1 * rank.COLLINEAR, [0, 1])):
        X = with_intercept(a, a + noise * b)
        np.testing.assert_array_equal(independent_columns(X, intercept=True), kept)


def test_more_columns_than_rows():
    X = columns(3, 5)
    np.testing.assert_array_equal(independent_columns(X, intercept=False), [0, 1, 2])


def test_huge_values_do_not_overflow():
    a, b = columns(40, 2).T
    X = with_intercept(a * 1e200, b * 1e-200, a * 1e180)
    np.testing.assert_array_equal(independent_columns(X, intercept=True), [0, 1, 2])


@pytest.mark.parametrize("p", [0, 1])
def test_nothing_to_decide(p):
    X = np.ones((5, p))
    np.testing.assert_array_equal(independent_columns(X, intercept=p == 1), np.arange(p))


def test_answer_does_not_change_the_matrix():
    X = with_intercept(*columns(30).T, np.full(30, 2.0))
    before = X.copy()
    independent_columns(X, intercept=True)
    np.testing.assert_array_equal(X, before)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    exponents=st.lists(st.floats(-6, 6), min_size=5, max_size=5),
    shift=st.floats(-1e6, 1e6),
    intercept=st.booleans(),
)
def test_verdict_is_free_of_scale_and_origin(seed, exponents, shift, intercept):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(60, 3))
    X = np.column_stack([base, base @ rng.normal(size=3), rng.normal(size=60)])
    if intercept:
        X = X + shift
    X = X * 10.0 ** np.array(exponents)
    if intercept:
        kept = independent_columns(with_intercept(*X.T), intercept=True)
        np.testing.assert_array_equal(kept, [0, 1, 2, 3, 5])
    else:
        np.testing.assert_array_equal(independent_columns(X, intercept=False), [0, 1, 2, 4])
