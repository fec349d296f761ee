"""The solver against the dense twin: criterion, derivatives, estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multilevel.solver.linear import LinearProblem
from properties.designs import STRUCTURES, draw_model, models
from twin import DenseTwin, central_gradient, central_hessian

# Two ways of rounding: the twin inverts V, the core never forms it.
DEVIANCE_RTOL = 1e-9
# What is asked of the derivatives, relative to the largest entry.
DERIVATIVE_RTOL = 1e-6
# Rounding in the twin's inverse of V, amplified by variances up to 100 times the residual's.
ESTIMATE_RTOL = 1e-7
# Newton stops when the expected decrease is 1e-10, so half g'H^-1 g is below it at the optimum.
DECREMENT = 1e-8


def random_theta(twin: DenseTwin, seed: int) -> np.ndarray:
    """Diagonals positive or, one in five, zero; the others of either sign."""
    rng = np.random.default_rng(seed)
    diagonal = np.array([i == j for _, i, j in twin.entries])
    positive = rng.uniform(0.05, 2.0, len(diagonal)) * (rng.random(len(diagonal)) > 0.2)
    return np.where(diagonal, positive, rng.normal(size=len(diagonal)) * 0.5)


def assert_close(actual, desired, rtol):
    """Elementwise within ``rtol`` of the largest entry."""
    scale = max(1.0, float(np.max(np.abs(desired), initial=0.0)))
    np.testing.assert_allclose(actual, desired, rtol=0, atol=rtol * scale)


@given(models(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_criterion_and_derivatives_at_any_theta(matrices, reml, seed):
    twin, problem = DenseTwin(matrices, reml=reml), LinearProblem.from_matrices(matrices)
    theta = random_theta(twin, seed)
    assert problem.deviance(theta, reml=reml) == pytest.approx(
        twin.deviance(theta), rel=DEVIANCE_RTOL
    )
    assert_close(problem.gradient(theta, reml=reml), twin.gradient(theta), DERIVATIVE_RTOL)
    assert_close(problem.hessian(theta, reml=reml), twin.hessian(theta), DERIVATIVE_RTOL)


@pytest.mark.parametrize("reml", [False, True])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_derivatives_are_those_of_the_criterion(structure, reml):
    matrices = draw_model(7, structure, weighted=True, offset=False)
    twin, problem = DenseTwin(matrices, reml=reml), LinearProblem.from_matrices(matrices)
    theta = random_theta(twin, 11) + 0.1
    for model in (twin, _Criterion(problem, reml)):
        assert_close(
            model.gradient(theta), central_gradient(model.deviance, theta), DERIVATIVE_RTOL
        )
        assert_close(model.hessian(theta), central_hessian(model.gradient, theta), DERIVATIVE_RTOL)


class _Criterion:
    """The solver's criterion with the twin's signature."""

    def __init__(self, problem: LinearProblem, reml: bool) -> None:
        self.deviance = lambda theta: problem.deviance(theta, reml=reml)
        self.gradient = lambda theta: problem.gradient(theta, reml=reml)
        self.hessian = lambda theta: problem.hessian(theta, reml=reml)


@given(models(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_estimates_at_the_optimum(matrices, reml):
    problem = LinearProblem.from_matrices(matrices)
    state = problem.fit(reml=reml)
    twin = DenseTwin(matrices, reml=reml)
    expected = twin.estimates(state.theta)
    assert state.objective == pytest.approx(twin.deviance(state.theta), rel=DEVIANCE_RTOL)
    errors = np.sqrt(np.diag(expected.vcov))
    np.testing.assert_allclose(state.beta / errors, expected.beta / errors, atol=ESTIMATE_RTOL)
    assert_close(
        state.vcov / np.outer(errors, errors),
        expected.vcov / np.outer(errors, errors),
        ESTIMATE_RTOL,
    )
    assert state.sigma == pytest.approx(expected.sigma, rel=ESTIMATE_RTOL)
    for term, modes in zip(state.terms, expected.modes, strict=True):
        assert_close(term.modes / state.sigma, modes / state.sigma, ESTIMATE_RTOL)
    for actual, desired in zip(
        problem.conditional_covariances(state), expected.mode_covariances, strict=True
    ):
        assert_close(actual / state.sigma**2, desired / state.sigma**2, ESTIMATE_RTOL)
    np.testing.assert_allclose(problem.hat_values(state), expected.leverage, atol=ESTIMATE_RTOL)


@given(models(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_optimum_is_a_minimum(matrices, reml):
    state = LinearProblem.from_matrices(matrices).fit(reml=reml)
    assert state.optimizer.converged
    twin = DenseTwin(matrices, reml=reml)
    gradient, hessian = twin.gradient(state.theta), twin.hessian(state.theta)
    values, vectors = np.linalg.eigh(hessian)
    assert values.min() > -1e-6 * max(1.0, values.max())
    curved = values > 1e-6 * values.max()
    along = vectors.T @ gradient
    assert 0.5 * np.sum(along[curved] ** 2 / values[curved]) < DECREMENT
    assert np.all(np.abs(along[~curved]) < 1e-4)
