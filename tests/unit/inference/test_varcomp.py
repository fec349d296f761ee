"""Variance components: what is singular, and the curvature against differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from multilevel.covariance.relative_factor import entries, to_theta
from multilevel.exceptions import NotSupportedError
from multilevel.inference.varcomp import (
    singular_directions,
    variance_components,
    variance_hessian,
)
from multilevel.solver.linear import LinearProblem
from multilevel.state import TermState
from properties.designs import draw_model
from twin import DenseTwin, central_hessian

# Fourth-order differences of differences of a criterion of size 1e2 in double precision.
HESSIAN_RTOL = 2e-4


def residuals(matrices, state):
    fitted = matrices.X @ state.beta + (0 if matrices.offset is None else matrices.offset)
    for term, part in zip(matrices.terms, state.terms, strict=True):
        fitted = fitted + (term.z * part.modes[matrices.factors[term.factor].codes]).sum(axis=1)
    return matrices.y - fitted


def criterion(twin, components):
    """Criterion at variances, covariances and residual variance; profiled over beta only."""
    s2, covariances, at = components[-1], [], 0
    for term in twin.terms:
        k = len(term.names)
        matrix = np.zeros((k, k))
        for i, j in entries(term.covariance, k):
            matrix[i, j] = matrix[j, i] = components[at]
            at += 1
        covariances.append((term, matrix))
    theta = np.concatenate(
        [to_theta(t.covariance, np.linalg.cholesky(m / s2)) for t, m in covariances]
    )
    # profiled criterion d = c + m + m log(2 pi r2 / m); D = c + m log(2 pi s2) + r2 / s2
    r2 = twin.y @ twin.projections(theta)[2] @ twin.y
    m = twin.m
    return twin.deviance(theta) - m - m * np.log(r2 / m) + m * np.log(s2) + r2 / s2


def gradient(function, at):
    steps = 1e-3 * np.maximum(np.abs(at), 1e-2)
    units = np.eye(len(at)) * steps
    near = np.array([function(at + u) - function(at - u) for u in units])
    far = np.array([function(at + 2 * u) - function(at - 2 * u) for u in units])
    return (8 * near - far) / (12 * steps)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(
    ("structure", "seed"), [("(x|g)", 1), ("(x||g)", 3), ("(1|h)+(x|g)", 12), ("(1|g)+(1|h)", 6)]
)
def test_hessian_in_variance_components(structure, seed, reml):
    matrices = draw_model(seed, structure, weighted=True, offset=True)
    problem = LinearProblem.from_matrices(matrices)
    state = problem.fit(reml=reml)
    assert not state.is_singular, "choose another seed"
    actual = variance_hessian(
        problem.hessian(state.theta, reml=reml), matrices, state, residuals(matrices, state)
    )
    twin = DenseTwin(matrices, reml=reml)
    parts = zip(matrices.terms, state.terms, strict=True)
    at = np.array(
        [p.covariance[e] for t, p in parts for e in entries(t.covariance, len(t.names))]
        + [state.sigma**2]
    )
    scale = np.maximum(np.abs(at), 1e-2)  # differences are taken in units of the components
    expected = central_hessian(
        lambda v: gradient(lambda w: criterion(twin, w), v * scale) * scale, at / scale
    )
    np.testing.assert_allclose(
        actual * np.outer(scale, scale),
        expected,
        rtol=0,
        atol=HESSIAN_RTOL * np.abs(expected).max(),
    )


def singular_state(matrices, *covariances):
    """A fit whose estimates are set by hand."""
    state = LinearProblem.from_matrices(matrices).fit(reml=True)
    terms = tuple(
        TermState(part.relative_factor, np.array(covariance, dtype=float), part.modes)
        for part, covariance in zip(state.terms, covariances, strict=True)
    )
    return dataclasses.replace(state, terms=terms, is_singular=True, sigma=1.0)


@pytest.mark.parametrize(
    ("structure", "covariance", "clause"),
    [
        ("(1|g)", [[0.0]], "the variance of Intercept in g is zero"),
        ("(x|g)", [[1.0, 0.0], [0.0, 0.0]], "the variance of x in g is zero"),
        ("(x|g)", [[4.0, -2.0], [-2.0, 1.0]], "the correlation of Intercept and x in g is -1"),
        ("(x|g)", [[4.0, 2.0], [2.0, 1.0]], "the correlation of Intercept and x in g is +1"),
        (
            "(x+z|g)",
            [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 2.0]],
            "the 3 effects Intercept, x, z in g vary in 2 directions only",
        ),
    ],
)
def test_singular_directions_are_named(structure, covariance, clause):
    matrices = draw_model(1, structure, weighted=False, offset=False)
    assert singular_directions(matrices, singular_state(matrices, covariance)) == (clause,)


def test_regular_fit_has_no_singular_direction():
    matrices = draw_model(1, "(x|g)", weighted=False, offset=False)
    state = LinearProblem.from_matrices(matrices).fit(reml=True)
    assert not state.is_singular
    assert singular_directions(matrices, state) == ()


def test_singular_fit_has_no_hessian_in_variance_components():
    matrices = draw_model(1, "(1|g)", weighted=False, offset=False)
    state = singular_state(matrices, [[0.0]])
    with pytest.raises(NotSupportedError, match=r"fit is singular.*use hessian\(\)"):
        variance_hessian(np.eye(1), matrices, state, residuals(matrices, state))


def test_components_of_independent_effects_have_no_pairs():
    matrices = draw_model(3, "(x||g)", weighted=False, offset=False)
    state = LinearProblem.from_matrices(matrices).fit(reml=True)
    (part,) = variance_components(matrices, state)
    assert part.pairs == ()
    np.testing.assert_allclose(part.sd**2, part.covariance.diagonal())
