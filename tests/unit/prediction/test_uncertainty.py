"""Errors of predictions on arrays, against the textbook formulas on dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from multilevel.exceptions import NotSupportedError
from multilevel.prediction import joint_covariance as joint_module
from multilevel.prediction.joint_covariance import effect_offsets, joint_covariance
from multilevel.prediction.uncertainty import PredictedRows, error_variances, unknown_variances
from multilevel.solver.linear import LinearProblem
from multilevel.solver.prediction_errors import Sensitivity, row_variances, sensitivity
from properties.designs import STRUCTURES, draw_model, models
from twin import DenseTwin

# Inverses of matrices with condition numbers up to about 1e6 on the dense side.
DENSE = 1e-7
# Central differences: on this side errors are 1e-8 of the scale of the derivative.
DIFFERENCES = 1e-5


def fitted(matrices, reml=True):
    problem = LinearProblem.from_matrices(matrices)
    return problem, problem.fit(reml=reml)


def regular(structure, *, weighted=False, offset=False, reml=True):
    """A random model of this structure whose fit is not singular."""
    for seed in range(100):
        matrices = draw_model(seed, structure, weighted=weighted, offset=offset)
        problem, state = fitted(matrices, reml)
        if not state.is_singular:
            return matrices, problem, state
    raise AssertionError("all fits are singular")


def dense_joint(matrices, state):
    """Cov of (beta_hat - beta, b_hat - b): Phi, -Phi X'V^-1 Z Sigma, Sigma - Sigma Z'PZ Sigma."""
    twin = DenseTwin(matrices, reml=state.reml)
    precision, unscaled, P = twin.projections(state.theta)
    Lambda = twin.lambda_matrix(state.theta)
    prior = Lambda @ Lambda.T
    cross = -unscaled @ twin.X.T @ precision @ twin.Z @ prior
    errors = prior - prior @ twin.Z.T @ P @ twin.Z @ prior
    return state.sigma**2 * np.block([[unscaled, cross], [cross.T, errors]])


def close(actual, desired, scale, tolerance=DENSE):
    np.testing.assert_allclose(actual / scale, desired / scale, rtol=0, atol=tolerance)


def known_exactly(state):
    """No uncertainty of the variances."""
    modes = tuple(np.empty((0, *term.modes.shape)) for term in state.terms)
    return Sensitivity(np.empty((0, 0)), np.empty((0, len(state.beta))), modes)


def rows_of(matrices, chosen=None):
    if chosen is None:
        chosen = tuple(np.ones(len(t.names), dtype=bool) for t in matrices.terms)
    z, codes = tuple(t.z for t in matrices.terms), tuple(f.codes for f in matrices.factors)
    return PredictedRows(matrices.X, None, z, codes, chosen)


def any_rows(matrices, seed, m=40):
    """Rows of any groups, met or not, known or not, with some effects left out."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, matrices.X.shape[1]))
    z = tuple(rng.normal(size=(m, len(t.names))) for t in matrices.terms)
    codes = tuple(
        rng.integers(-1, factor.n_levels, m).astype(np.int32) for factor in matrices.factors
    )
    chosen = tuple(rng.random(len(t.names)) < 0.8 for t in matrices.terms)
    return PredictedRows(X, None, z, codes, chosen)


def dense_vectors(matrices, rows):
    """Every row as a vector of weights of (beta, b)."""
    offsets = effect_offsets(matrices)
    out = np.zeros((len(rows.X), offsets[-1]))
    out[:, : rows.X.shape[1]] = rows.X
    for t, term in enumerate(matrices.terms):
        k = len(term.names)
        for i, code in enumerate(rows.codes[term.factor]):
            for j in np.flatnonzero(rows.chosen[t]):
                if code >= 0:
                    out[i, offsets[t] + k * code + j] = rows.z[t][i, j]
    return out


@given(models())
@settings(max_examples=40, deadline=None)
def test_joint_covariance_is_that_of_the_textbook(matrices):
    _, state = fitted(matrices)
    joint, dense = joint_covariance(matrices, state), dense_joint(matrices, state)
    sds = np.maximum(np.sqrt(dense.diagonal()), 1e-3 * state.sigma)
    close(joint, dense, np.outer(sds, sds))
    np.testing.assert_array_equal(joint, joint.T)


def test_joint_covariance_by_mixed_model_equations():
    """Henderson's matrix with an inverse of Sigma, where there is one."""
    matrices, _, state = regular("(x|g)", weighted=True)
    twin = DenseTwin(matrices, reml=True)
    prior = np.kron(np.eye(twin.levels[0]), state.terms[0].covariance)
    C = np.hstack([twin.X, twin.Z])
    equations = C.T @ (twin.w[:, None] * C) / state.sigma**2
    p = twin.X.shape[1]
    equations[p:, p:] += np.linalg.inv(prior)
    np.testing.assert_allclose(
        joint_covariance(matrices, state), np.linalg.inv(equations), rtol=1e-6, atol=1e-9
    )


@given(models())
@settings(max_examples=40, deadline=None)
def test_errors_of_the_fitted_values(matrices):
    problem, state = fitted(matrices)
    rows = rows_of(matrices)
    a = dense_vectors(matrices, rows)
    dense = np.einsum("ij,jk,ik->i", a, dense_joint(matrices, state), a)
    native = row_variances(problem, state, rows.X, rows.z, rows.codes)
    close(native, dense, dense.max())
    close(error_variances(problem, state, known_exactly(state), rows), dense, dense.max())
    leverage = problem.hat_values(state)
    weights = 1.0 if matrices.weights is None else matrices.weights
    close(native, state.sigma**2 * leverage / weights, dense.max())


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_of_any_rows(structure, weighted):
    """Groups that never met or are new, effects left out: crossed, nested, slopes, singular."""
    matrices = draw_model(11, structure, weighted=weighted, offset=False)
    problem, state = fitted(matrices, reml=False)
    rows = any_rows(matrices, 5)
    a = dense_vectors(matrices, rows)
    dense = np.einsum("ij,jk,ik->i", a, dense_joint(matrices, state), a)
    close(error_variances(problem, state, known_exactly(state), rows), dense, dense)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("structure", ["(x|g)", "(1|g)+(1|h)", "(x||g)", "(1|s)+(1|c)"])
def test_uncertainty_of_the_variances(structure, reml):
    """J C J' with J from the dense twin and C twice the inverse Hessian in theta."""
    matrices, problem, state = regular(structure, offset=True, reml=reml)
    twin = DenseTwin(matrices, reml=reml)
    step = 1e-4
    J = np.array(
        [
            (twin.estimates(state.theta + e).fitted - twin.estimates(state.theta - e).fitted)
            / (2 * step)
            for e in step * np.eye(len(state.theta))
        ]
    )
    C = 2.0 * np.linalg.inv(twin.hessian(state.theta))
    expected = np.einsum("ai,ab,bi->i", J, C, J)
    rows = rows_of(matrices)
    total = error_variances(
        problem, state, sensitivity(problem, state, problem.curvature(state)), rows
    )
    given_variances = error_variances(problem, state, known_exactly(state), rows)
    close(total - given_variances, expected, expected.max(), DIFFERENCES)
    assert expected.max() > 1e-3 * given_variances.max()


def test_variances_at_zero_are_known_there():
    """A singular fit: uncertainty of the reduced model, without the effects that vanish."""
    rng = np.random.default_rng(0)
    matrices = draw_model(3, "(1|g)+(1|h)", weighted=False, offset=False)
    for _ in range(20):
        y = rng.normal(size=matrices.n_rows) + rng.normal(size=99)[matrices.factors[0].codes]
        problem = LinearProblem.from_matrices(matrices).with_response(y)
        state = problem.fit()
        if state.theta[1] == 0.0 and state.theta[0] > 0.1:
            break
    else:
        pytest.fail("no singular fit in 20 draws")
    moves = sensitivity(problem, state, problem.curvature(state))
    assert moves.covariance.shape == (1, 1)
    np.testing.assert_allclose(moves.modes[1], 0.0, atol=1e-9)
    assert np.abs(moves.modes[0]).max() > 1e-2


def test_unknown_effects_have_their_prior_variance():
    matrices = draw_model(2, "(x|g)+(z|h)", weighted=False, offset=False)
    _, state = fitted(matrices)
    rows = any_rows(matrices, 1, m=6)
    codes = (np.array([0, -1, 0, -1, 1, 1]), np.array([0, 0, -1, -1, 2, 2]))
    everything = (np.array([True, True]), np.array([True, True]))
    rows = PredictedRows(rows.X, None, rows.z, codes, everything)
    prior = [
        np.einsum("ij,jk,ik->i", z, term.covariance, z)
        for z, term in zip(rows.z, state.terms, strict=True)
    ]
    expected = prior[0] * (codes[0] < 0) + prior[1] * (codes[1] < 0)
    np.testing.assert_allclose(unknown_variances(matrices, state, rows), expected, rtol=1e-12)
    none = PredictedRows(
        rows.X, None, rows.z, codes, tuple(np.zeros(2, dtype=bool) for _ in range(2))
    )
    np.testing.assert_allclose(unknown_variances(matrices, state, none), sum(prior), rtol=1e-12)


def test_part_of_a_correlated_term_cannot_be_left_out_of_a_prediction_interval():
    part = (np.array([True, False]),)
    correlated = draw_model(0, "(x|g)", weighted=False, offset=False)
    with pytest.raises(NotSupportedError, match=r"some effects of .* and not others"):
        unknown_variances(correlated, fitted(correlated)[1], rows_of(correlated, part))
    independent = draw_model(0, "(x||g)", weighted=False, offset=False)
    state = fitted(independent)[1]
    np.testing.assert_allclose(
        unknown_variances(independent, state, rows_of(independent, part)),
        independent.terms[0].z[:, 1] ** 2 * state.terms[0].covariance[1, 1],
    )


def test_too_many_effects(monkeypatch):
    monkeypatch.setattr(joint_module, "_LARGEST", 5)
    matrices = draw_model(1, "(1|s)+(1|c)", weighted=False, offset=False)
    problem, state = fitted(matrices)
    with pytest.raises(NotSupportedError, match=r"the limit is 5 effects.*predict\(newdata, "):
        joint_covariance(matrices, state)
    rows = rows_of(matrices)  # rows of the data need no dense matrix
    assert np.isfinite(error_variances(problem, state, known_exactly(state), rows)).all()
    elsewhere = (rows.codes[0], (rows.codes[1] + 1) % matrices.factors[1].n_levels)
    never_met = PredictedRows(rows.X, None, rows.z, elsewhere, rows.chosen)
    with pytest.raises(NotSupportedError, match="groups that never occur together in the data"):
        error_variances(problem, state, known_exactly(state), never_met)


def test_rows_are_taken_in_order():
    rows = any_rows(draw_model(1, "(x|g)", weighted=False, offset=False), 0, m=5)
    some = rows.take(np.array([1, 4]))
    np.testing.assert_array_equal(some.X, rows.X[[1, 4]])
    np.testing.assert_array_equal(some.codes[0], rows.codes[0][[1, 4]])
    assert rows.take(np.arange(5)) is rows
