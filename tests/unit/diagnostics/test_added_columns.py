"""Score tests of added columns against dense algebra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from multilevel.diagnostics.added_columns import add_to_model, residual_df_of
from multilevel.solver.linear import LinearProblem
from properties.designs import FULL, draw_model, model

RTOL = 1e-7


def covariance(matrices, state):
    """V relative to the residual variance."""
    n = matrices.n_rows
    V = np.diag(np.ones(n) if matrices.weights is None else 1 / matrices.weights)
    for term, estimated in zip(matrices.terms, state.terms, strict=True):
        codes = matrices.factors[term.factor].codes
        root = term.z @ estimated.relative_factor
        V += root @ root.T * (codes[:, None] == codes)
    return V


def residual_of(matrices, state):
    """Response minus fitted value."""
    offset = 0.0 if matrices.offset is None else matrices.offset
    fitted = matrices.X @ state.beta + offset
    for term, estimated in zip(matrices.terms, state.terms, strict=True):
        codes = matrices.factors[term.factor].codes
        fitted = fitted + np.einsum("ij,ij->i", term.z, estimated.modes[codes])
    return matrices.y - fitted


def gls(X, y, V):
    """Coefficients, covariance, residual sum of squares."""
    Vi = np.linalg.inv(V)
    C = np.linalg.inv(X.T @ Vi @ X)
    beta = C @ X.T @ Vi @ y
    return beta, C, float((y - X @ beta) @ Vi @ (y - X @ beta))


@pytest.mark.parametrize("structure", ["(1|g)", "(x|g)", "(1|g)+(1|h)", "(1|s)+(1|c)"])
@pytest.mark.parametrize("extra", [False, True], ids=["plain", "weights, offset"])
@pytest.mark.parametrize("reml", [True, False])
def test_it_is_the_f_test_of_generalised_least_squares(structure, extra, reml):
    matrices = draw_model(11, structure, weighted=extra, offset=extra)
    state = LinearProblem.from_matrices(matrices).fit(reml=reml)
    n, p = matrices.X.shape
    A = np.random.default_rng(1).normal([1e3, 0.0], size=(n, 2))
    added = add_to_model(matrices, state, residual_of(matrices, state), A)
    found = added.test([0, 1], n - p - 1)
    V = covariance(matrices, state)
    y = matrices.y if matrices.offset is None else matrices.y - matrices.offset
    _, _, rss = gls(matrices.X, y, V)
    beta, _, left = gls(np.column_stack([matrices.X, A - A.mean(axis=0)]), y, V)
    if reml:
        assert added.rss == pytest.approx(rss, rel=RTOL)
    F = (rss - left) / 2 / (left / (n - p - 2))
    assert (found.df, found.df_residual) == (2, n - p - 2)
    assert found.statistic == pytest.approx(F, rel=1e-5)
    assert found.p_value == pytest.approx(stats.f.sf(F, 2, n - p - 2), rel=1e-4)
    np.testing.assert_allclose(state.beta + found.shift, beta[:p], rtol=1e-6, atol=1e-8)


def test_columns_of_the_model_add_nothing():
    matrices = draw_model(12, "(1|g)", weighted=False, offset=False)
    state = LinearProblem.from_matrices(matrices).fit()
    X = matrices.X
    A = np.column_stack([X[:, 1] + 2 * X[:, 2] + 3, np.ones(len(X)), X[:, 1] ** 2, X[:, 1] ** 2])
    added = add_to_model(matrices, state, residual_of(matrices, state), A)
    assert added.rank([0, 1]) == 0
    assert added.test([0, 1], 30) is None
    assert added.rank(range(4)) == 1
    twice, once = added.test(range(4), 30), added.test([2], 30)
    assert twice.statistic == pytest.approx(once.statistic, rel=1e-6)
    assert added.test([2], 0) is None


def test_scale_of_a_column_does_not_matter():
    matrices = draw_model(13, "(x|g)", weighted=False, offset=False)
    state = LinearProblem.from_matrices(matrices).fit()
    a = matrices.X[:, 1:2] ** 2
    A = np.hstack([a, 1e-9 * a, 1e9 * a + 1e8])
    added = add_to_model(matrices, state, residual_of(matrices, state), A)
    tests = [added.test([j], 30).statistic for j in range(3)]
    np.testing.assert_allclose(tests, tests[0], rtol=1e-6)


def test_denominator_degrees_of_freedom():
    rng = np.random.default_rng(1)
    n, g = 60, np.repeat(np.arange(12), 5)
    s = g // 3
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.normal(size=12)[g]])
    matrices = model(rng.normal(size=n), X, {"s": s, "c": g}, [("s", [0], FULL), ("c", [0], FULL)])
    assert residual_df_of(matrices, rng.normal(size=n)) == 60 - 3 - 1
    assert residual_df_of(matrices, rng.normal(size=12)[g]) == 12 - 2 - 1
    assert residual_df_of(matrices, rng.normal(size=4)[s]) == 4 - 1 - 1
    assert residual_df_of(replace(matrices, factors=()), rng.normal(size=12)[g]) == 60 - 3 - 1
