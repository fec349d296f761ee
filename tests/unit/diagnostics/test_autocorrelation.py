"""Autocorrelation within groups against dense algebra."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.diagnostics.autocorrelation import autocorrelation, successive_rows
from multilevel.solver.linear import LinearProblem
from properties.designs import draw_model


def dense(matrices, state):
    """P and the residuals P y, rows scaled by the roots of their weights."""
    n, X = matrices.n_rows, matrices.X
    root = np.ones(n) if matrices.weights is None else np.sqrt(matrices.weights)
    V = np.eye(n)
    for term, estimated in zip(matrices.terms, state.terms, strict=True):
        codes = matrices.factors[term.factor].codes
        half = root[:, None] * term.z @ estimated.relative_factor
        V += half @ half.T * (codes[:, None] == codes)
    Xs = X * root[:, None]
    Vi = np.linalg.inv(V)
    P = Vi - Vi @ Xs @ np.linalg.inv(Xs.T @ Vi @ Xs) @ Xs.T @ Vi
    y = matrices.y if matrices.offset is None else matrices.y - matrices.offset
    return P, P @ (root * y), root


@pytest.mark.parametrize(
    "structure", ["(1|g)", "(x|g)", "(1|s)+(1|c)", "(1|g)+(1|h)", "(1|g)+(x|h)+(1|k)"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_expected_products_are_those_of_the_model(structure, weighted):
    matrices = draw_model(21, structure, weighted=weighted, offset=weighted)
    problem = LinearProblem.from_matrices(matrices)
    state = problem.fit()
    P, e, root = dense(matrices, state)
    np.testing.assert_allclose(np.diag(P), 1 - problem.hat_values(state), atol=1e-8)
    time = np.random.default_rng(2).normal(size=matrices.n_rows)
    codes = matrices.factors[0].codes
    found = autocorrelation(problem, state, e / root, 1 - np.diag(P), codes, time)
    a, b = successive_rows(codes, time)
    r = e / (state.sigma * np.sqrt(np.diag(P)))
    rho = P[a, b] / np.sqrt(np.diag(P)[a] * np.diag(P)[b])
    assert found.n_pairs == len(a)
    assert found.correlation == pytest.approx(np.mean(r[a] * r[b]), rel=1e-6)
    assert found.expected == pytest.approx(rho.mean(), rel=1e-5, abs=1e-8)
    z = np.sum(r[a] * r[b] - rho) / np.sqrt(np.sum(1 + rho**2))
    assert found.statistic == pytest.approx(z, rel=1e-5, abs=1e-6)
    assert found.excess == found.correlation - found.expected


def test_rows_that_follow_one_another():
    codes = np.array([0, 1, 0, 1, 0, 1, 1, 2, 2], dtype=np.int32)
    pairs = list(zip(*successive_rows(codes, None), strict=True))
    assert pairs == [(0, 2), (2, 4), (1, 3), (3, 5), (5, 6)]
    time = np.array([3.0, 1, 2, 1, 1, 2, 3, 1, 2])
    pairs = list(zip(*successive_rows(codes, time), strict=True))
    assert pairs == [(4, 2), (2, 0), (3, 5), (5, 6)]  # rows 1 and 3 are at the same time


def test_nothing_follows_in_groups_of_two():
    matrices = draw_model(22, "(1|g)", weighted=False, offset=False)
    problem = LinearProblem.from_matrices(matrices)
    state = problem.fit()
    n = matrices.n_rows
    codes = (np.arange(n) // 2).astype(np.int32)
    assert autocorrelation(problem, state, np.zeros(n), np.zeros(n), codes, None) is None
