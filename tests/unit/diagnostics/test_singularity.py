"""Principal components of random effects, and what to leave out."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.diagnostics.singularity import components, remedy


def test_components_reproduce_the_covariance_matrix():
    root = np.tril(np.random.default_rng(1).normal(size=(3, 3)))
    found = components(root, 1.0)
    np.testing.assert_allclose(
        found.loadings * found.sd**2 @ found.loadings.T, root @ root.T, atol=1e-12
    )
    assert found.share.sum() == pytest.approx(1.0)
    assert (np.diff(found.sd) <= 0).all()
    assert not found.zero.any()
    assert remedy(found, ("Intercept", "x", "z"), "unstructured") == ""


@pytest.mark.parametrize(
    ("root", "kind", "advice"),
    [
        ([[0.0]], "unstructured", "leave the term out"),
        ([[0.0, 0.0], [0.0, 0.0]], "independent", "leave the term out"),
        ([[2.0, 0.0], [0.0, 0.0]], "unstructured", "leave out the random effect of x"),
        ([[0.0, 0.0], [0.0, 3.0]], "independent", "leave out the random effect of Intercept"),
        ([[2.0, 0.0], [1.0, 0.0]], "unstructured", "leave out the correlations (write || for |)"),
    ],
)
def test_what_a_singular_term_should_lose(root, kind, advice):
    root = np.array(root)
    names = ("Intercept", "x")[: len(root)]
    assert remedy(components(root, 1.0), names, kind).startswith(advice)


def test_nothing_varies():
    found = components(np.zeros((2, 2)), 1.0)
    assert found.zero.all()
    np.testing.assert_array_equal(found.share, 0.0)


def test_the_slope_goes_before_the_intercept():
    root = np.array([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.5, -0.3, 0.0]])
    text = remedy(components(root, 1.0), ("Intercept", "x", "z"), "unstructured")
    assert text.endswith("the random effect of z")
