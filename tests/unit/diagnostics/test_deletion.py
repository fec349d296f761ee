"""Estimates without rows or groups against generalised least squares on the rest of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.diagnostics import deletion, row_blocks
from multilevel.diagnostics.deletion import delete_groups, delete_rows
from multilevel.inference import cluster_blocks
from multilevel.solver.given_theta import solve_covariance

# Two ways to the same numbers, of order one relative to their scale.
RTOL = 1e-8


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(20)
    n = 90
    frame = pd.DataFrame(
        {
            "g": rng.integers(8, size=n).astype(str),
            "h": rng.integers(5, size=n).astype(str),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.5, 2.0, size=n),
            "o": rng.normal(size=n),
        }
    )
    frame["inner"] = frame["g"] + rng.integers(3, size=n).astype(str)
    effects = {key: rng.normal(size=frame[key].nunique()) for key in ("g", "h", "inner")}
    frame["y"] = 1.0 + 0.5 * frame["x"] + frame["o"] + rng.normal(size=n)
    for key, values in effects.items():
        codes = frame[key].astype("category").cat.codes
        frame["y"] += values[codes] * (1.0 + 0.5 * frame["x"] * (key == "g"))
    return frame


FORMULAS = [
    "y ~ x + (1 | g)",
    "y ~ x + (x | g)",
    "y ~ x + (x | g) + (1 | inner)",
    "y ~ x + (x || g) + (1 | h)",
    "y ~ 1 + (1 | h) + (1 | inner)",
    "y ~ x + (0 + x | h) + (1 | h) + (1 | g) + (1 | inner)",
]


def marginal_covariance(fit):
    """V relative to the residual variance, dense."""
    matrices = fit.model.matrices
    weights = 1.0 if matrices.weights is None else matrices.weights
    V = np.diag(np.ones(matrices.n_rows) / weights)
    for term, fitted in zip(matrices.terms, fit.state.terms, strict=True):
        codes = matrices.factors[term.factor].codes
        T = term.z @ fitted.relative_factor
        V += (T @ T.T) * (codes[:, None] == codes)
    return V


def without(fit, V, rows):
    """Fixed effects and their covariance matrix from the other rows, V held."""
    matrices = fit.model.matrices
    kept = np.delete(np.arange(matrices.n_rows), rows)
    X, y = matrices.X[kept], matrices.y[kept]
    if matrices.offset is not None:
        y = y - matrices.offset[kept]
    solved = np.linalg.solve(V[np.ix_(kept, kept)], X)
    M = np.linalg.inv(X.T @ solved)
    return M @ (solved.T @ y), fit.sigma**2 * M


def check(fit, found, units):
    C, V, p = np.asarray(fit.state.vcov), marginal_covariance(fit), len(fit.state.beta)
    for i, rows in enumerate(units):
        beta, Ci = without(fit, V, rows)
        change = fit.state.beta - beta
        expected = {
            "beta": beta,
            "dfbetas": change / np.sqrt(Ci.diagonal()),
            "cooks_distance": change @ np.linalg.solve(C, change) / p,
            "mdffits": change @ np.linalg.solve(Ci, change) / p,
            "covratio": np.linalg.det(Ci) / np.linalg.det(C),
            "covtrace": abs(np.trace(np.linalg.solve(C, Ci)) - p),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(found, name)[i], value, RTOL, RTOL, err_msg=name)
        assert found.notes[i] == ""


def groups_of(fit, f):
    codes = fit.model.matrices.factors[f].codes
    return [np.flatnonzero(codes == j) for j in range(codes.max() + 1)]


@pytest.fixture(scope="module", params=FORMULAS)
def fit(request, data):
    return mlm.lmer(request.param, data)


@pytest.fixture(scope="module", params=FORMULAS)
def weighted(request, data):
    return mlm.lmer(request.param, data, weights="w", offset="o")


def delete_rows_of(fit):
    return delete_rows(fit.model.matrices, fit.state, fit.residuals(), fit.hatvalues())


def test_rows(fit):
    check(fit, delete_rows_of(fit), np.arange(fit.nobs)[:, None])


def test_rows_with_weights_and_offset(weighted):
    check(weighted, delete_rows_of(weighted), np.arange(weighted.nobs)[:, None])


def test_groups(fit):
    for f in range(len(fit.n_groups)):
        check(fit, delete_groups(fit.model.matrices, fit.state, f), groups_of(fit, f))


def test_groups_with_weights_and_offset(weighted):
    for f in range(len(weighted.n_groups)):
        found = delete_groups(weighted.model.matrices, weighted.state, f)
        check(weighted, found, groups_of(weighted, f))


def test_large_groups_are_solved_without_their_rows(fit, monkeypatch):
    monkeypatch.setattr(deletion, "_MANY", 0)
    test_groups(fit)


def test_many_connected_effects_are_solved_without_a_dense_matrix(fit, monkeypatch):
    monkeypatch.setattr(row_blocks, "_LARGEST", 1)
    test_groups(fit)


def test_large_top_level_groups_need_no_dense_blocks(data, monkeypatch):
    fit = mlm.lmer("y ~ x + (x | g) + (1 | inner)", data)
    monkeypatch.setattr(cluster_blocks, "_LARGEST", 1)
    test_groups(fit)


def test_singular_fit(data):
    fit = mlm.lmer("y ~ x + (1 | g) + (1 | h)", data.assign(y=data["x"] + data["w"]))
    assert fit.is_singular
    check(fit, delete_rows_of(fit), np.arange(fit.nobs)[:, None])
    for f in range(2):
        check(fit, delete_groups(fit.model.matrices, fit.state, f), groups_of(fit, f))


def test_products_with_the_inverse_covariance_matrix(weighted):
    matrices = weighted.model.matrices
    A = np.column_stack([matrices.X, np.zeros(weighted.nobs), matrices.y])
    expected = np.linalg.solve(marginal_covariance(weighted), A)
    found = solve_covariance(matrices, weighted.theta, A)
    np.testing.assert_allclose(found, expected, atol=RTOL)


def test_without_random_effects_it_is_least_squares(data):
    fit = mlm.lmer("y ~ x", data, weights="w")
    check(fit, delete_rows_of(fit), np.arange(fit.nobs)[:, None])
