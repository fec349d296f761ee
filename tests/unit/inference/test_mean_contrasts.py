"""Families of contrasts as matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multilevel.exceptions import DataError
from multilevel.inference.mean_contrasts import mean_contrasts

ABC = ("a", "b", "c")
METHODS = ("pairwise", "trt.vs.ctrl", "consec", "eff", "del.eff", "mean_chg", "poly")


def labels(k):
    return [f"m{i}" for i in range(k)]


@given(st.sampled_from(METHODS), st.integers(2, 12))
def test_rows_are_contrasts_of_full_rank(method, k):
    family = mean_contrasts(method, labels(k))
    assert family.weights.shape == (len(family.labels), k)
    np.testing.assert_allclose(family.weights.sum(axis=1), 0.0, atol=1e-14)
    expected = min(6, k - 1) if method == "poly" else k - 1
    assert np.linalg.matrix_rank(family.weights) == expected
    assert len(set(family.labels)) == len(family.labels)


@pytest.mark.parametrize(
    ("method", "names", "weights", "adjustment"),
    [
        ("pairwise", ["a - b", "a - c", "b - c"], [[1, -1, 0], [1, 0, -1], [0, 1, -1]], "tukey"),
        ("trt.vs.ctrl", ["b - a", "c - a"], [[-1, 1, 0], [-1, 0, 1]], "mvt"),
        ("consec", ["b - a", "c - b"], [[-1, 1, 0], [0, -1, 1]], "mvt"),
        ("mean_chg", ["a|b", "b|c"], [[-1, 0.5, 0.5], [-0.5, -0.5, 1]], "mvt"),
        (
            "del.eff",
            ["a effect", "b effect", "c effect"],
            [[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]],
            "bh",
        ),
        ("poly", ["linear", "quadratic"], [[-1, 0, 1], [1, -2, 1]], "none"),
    ],
)
def test_families(method, names, weights, adjustment):
    family = mean_contrasts(method, ABC)
    assert list(family.labels) == names
    np.testing.assert_allclose(family.weights, weights, rtol=1e-15)
    assert family.adjustment == adjustment
    assert family.pairwise == (method == "pairwise")


def test_effects():
    np.testing.assert_allclose(mean_contrasts("eff", ABC).weights, np.eye(3) - 1 / 3)


def test_reference():
    family = mean_contrasts("trt.vs.ctrl", ABC, ref="b")
    assert family.labels == ("a - b", "c - b")
    np.testing.assert_array_equal(family.weights, [[1, -1, 0], [0, -1, 1]])


@given(st.integers(2, 25))
def test_polynomials_are_orthogonal_whole_numbers(k):
    weights = mean_contrasts("poly", labels(k)).weights
    products = weights @ weights.T
    np.testing.assert_allclose(products - np.diag(products.diagonal()), 0.0, atol=1e-6)
    np.testing.assert_array_equal(weights, np.rint(weights))
    assert (weights[:, -1] > 0).all()
    # Row d is a polynomial of degree d: its differences of order d + 1 vanish.
    for d, row in enumerate(weights, start=1):
        np.testing.assert_allclose(np.diff(row, d + 1), 0.0, atol=1e-6)


def test_polynomials_in_print():
    """Fisher & Yates (1963), table XXIII, for eight levels."""
    weights = mean_contrasts("poly", labels(8)).weights
    np.testing.assert_array_equal(weights[3], [7, -13, -3, 9, 9, -3, -13, 7])
    np.testing.assert_array_equal(weights[4], [-7, 23, -17, -15, 15, 17, -23, 7])


def test_own_contrasts():
    family = mean_contrasts({"first": [1, 0, 0], 2: np.array([0.5, 0.5, -1])}, ABC)
    assert family.labels == ("first", "2")
    np.testing.assert_array_equal(family.weights, [[1, 0, 0], [0.5, 0.5, -1]])
    assert family.adjustment == "none"


@pytest.mark.parametrize(
    ("method", "ref", "error", "message"),
    [
        ("tukey", None, ValueError, r"method='tukey' is not an option; choose one of 'pairwise'"),
        (3, None, TypeError, "a word or a dict of weights"),
        ("pairwise", "a", DataError, r"ref='a' is of use with method='trt.vs.ctrl' only"),
        ("trt.vs.ctrl", "d", DataError, "ref='d' is none of the means: a, b, c"),
        ({"x": [1, -1]}, None, DataError, "must have 3 weights, one for each of a, b, c; it has 2"),
        ({"x": [1, "z", 0]}, None, DataError, "not numbers"),
        ({"x": [1, np.nan, 0]}, None, DataError, "must be finite"),
        ({}, None, DataError, "empty dict"),
    ],
)
def test_bad_input(method, ref, error, message):
    with pytest.raises(error, match=message):
        mean_contrasts(method, ABC, ref)


@pytest.mark.parametrize("method", METHODS)
def test_a_single_mean(method):
    with pytest.raises(DataError, match="nothing to compare 'a' with"):
        mean_contrasts(method, ["a"])
