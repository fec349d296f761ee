"""Residuals of rows and groups against dense algebra, and what they do not depend on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm

ATOL = 1e-8


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(9), [2, 3, 4, 5, 6, 8, 8, 9, 12])
    n = len(g)
    frame = pd.DataFrame({"g": g, "x": rng.normal(size=n), "w": rng.uniform(0.5, 2.0, size=n)})
    frame["top"] = g // 3
    frame["z"] = (g % 2).astype(float)
    frame["y"] = (
        frame["x"] * (1.0 + rng.normal(size=9)[g]) + rng.normal(size=9)[g] + rng.normal(size=n)
    )
    return frame


@pytest.fixture(scope="module", params=["y ~ x + z + (x | g)", "y ~ x + (1 | top / g)"])
def fit(request, data):
    return mlm.lmer(request.param, data, weights="w")


def dense(fit):
    """Variance matrices of the response, of ``y - X beta_hat``, and Z G, all dense."""
    matrices = fit.model.matrices
    V = np.diag(fit.sigma**2 / matrices.weights)
    ZG, prior = [], []
    for term, fitted in zip(matrices.terms, fit.state.terms, strict=True):
        factor = matrices.factors[term.factor]
        member = factor.codes[:, None] == np.arange(factor.n_levels)
        Z = (member[:, :, None] * term.z[:, None, :]).reshape(fit.nobs, -1)
        G = np.kron(np.eye(factor.n_levels), fitted.covariance)
        V += Z @ G @ Z.T
        ZG.append(Z @ G)
        prior.append(G.diagonal())
    X = matrices.X
    P = np.linalg.inv(V)
    P -= P @ X @ np.linalg.solve(X.T @ P @ X, X.T @ P)
    return V, P, ZG, prior


def residuals(fit, level="rows", **options):
    table = fit.level_residuals(level, **options)
    assert (table["note"] == "").all()
    return table["residual"].to_numpy()


def test_conditional_residuals_of_rows(fit):
    _, P, _, _ = dense(fit)
    noise = fit.sigma**2 / fit.weights
    raw = noise * (P @ fit.model.matrices.y)
    np.testing.assert_allclose(residuals(fit), raw, atol=ATOL)
    np.testing.assert_allclose(residuals(fit), fit.residuals(), atol=ATOL)
    standardized = residuals(fit, scale="standardized")
    np.testing.assert_allclose(standardized, fit.residuals("pearson") / fit.sigma, atol=ATOL)
    own = noise * np.sqrt(P.diagonal())
    np.testing.assert_allclose(residuals(fit, scale="studentized"), raw / own, atol=ATOL)


def test_marginal_residuals_of_rows(fit):
    V, P, _, _ = dense(fit)
    raw = fit.model.matrices.y - fit.fitted("none")
    np.testing.assert_allclose(residuals(fit, kind="marginal"), raw, atol=ATOL)
    standardized = residuals(fit, kind="marginal", scale="standardized")
    np.testing.assert_allclose(standardized, raw / np.sqrt(V.diagonal()), atol=ATOL)
    studentized = residuals(fit, kind="marginal", scale="studentized")
    np.testing.assert_allclose(studentized, raw / np.sqrt((V @ P @ V).diagonal()), atol=ATOL)


def test_conditional_residuals_of_groups(fit):
    _, P, ZG, prior = dense(fit)
    matrices = fit.model.matrices
    for term, fitted, ZG_t, prior_t in zip(matrices.terms, fit.state.terms, ZG, prior, strict=True):
        name = matrices.factors[term.factor].name
        raw = ZG_t.T @ P @ matrices.y
        np.testing.assert_allclose(residuals(fit, name), raw, atol=ATOL)
        np.testing.assert_allclose(raw, fitted.modes.ravel(), atol=ATOL)
        standardized = residuals(fit, name, scale="standardized")
        np.testing.assert_allclose(standardized, raw / np.sqrt(prior_t), atol=ATOL)
        own = np.sqrt((ZG_t.T @ P @ ZG_t).diagonal())
        np.testing.assert_allclose(residuals(fit, name, scale="studentized"), raw / own, rtol=1e-6)


def test_least_squares_residuals_of_groups():
    """Their dense covariance matrix, in a balanced layout where every group is estimable."""
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    matrices, state = fit.model.matrices, fit.state
    X = matrices.X[:10]
    A = np.linalg.solve(X.T @ X, X.T)
    raw = (A @ (matrices.y - matrices.X @ state.beta).reshape(18, 10).T).T.ravel()
    found = fit.level_residuals("Subject", kind="least-squares")["residual"]
    np.testing.assert_allclose(found, raw, atol=ATOL)
    variance = state.terms[0].covariance + fit.sigma**2 * np.linalg.inv(X.T @ X)
    for scale, own in (("standardized", variance), ("studentized", variance - state.vcov)):
        found = fit.level_residuals("Subject", kind="least-squares", scale=scale)["residual"]
        np.testing.assert_allclose(found, raw / np.tile(np.sqrt(own.diagonal()), 18), rtol=1e-6)


def test_least_squares_residuals_do_not_depend_on_random_effects(data):
    formula = "y ~ x + z + (x | g)"
    rng = np.random.default_rng(8)
    moved = data.assign(y=data["y"] + (rng.normal(size=9) + rng.normal(size=9))[data["g"]])
    moved["y"] += data["x"] * rng.normal(size=9)[data["g"]]
    first, second = (
        mlm.lmer(formula, frame).level_residuals(kind="least-squares") for frame in (data, moved)
    )
    np.testing.assert_allclose(first["residual"], second["residual"], atol=ATOL)
    exact = data["g"] == 0  # two rows, intercept and slope
    assert (first["note"][exact] == "fitted exactly whatever the response").all()
    assert (first["note"][~exact] == "").all()


def test_least_squares_residuals_are_those_of_each_group(data):
    fit = mlm.lmer("y ~ x + z + (1 | g)", data, weights="w")
    found = fit.level_residuals(kind="least-squares")["residual"].to_numpy()
    leverage = np.empty(len(data))
    for rows in data.groupby("g").indices.values():
        root = np.sqrt(data["w"].to_numpy()[rows])
        X = np.column_stack([np.ones(len(rows)), data["x"].to_numpy()[rows]]) * root[:, None]
        y = data["y"].to_numpy()[rows] * root
        hat = X @ np.linalg.pinv(X)
        leverage[rows] = hat.diagonal()
        np.testing.assert_allclose(found[rows], (y - hat @ y) / root, atol=ATOL)
    some = leverage < 1.0 - 1e-6
    own = fit.sigma * np.sqrt(np.maximum(1.0 - leverage, 0.0) / data["w"])
    studentized = fit.level_residuals(kind="least-squares", scale="studentized")["residual"]
    np.testing.assert_allclose(studentized[some], (found / own)[some], atol=ATOL)
    assert studentized[~some].isna().all()


def test_shifting_a_predictor_changes_no_residual(data):
    formula = "y ~ x + (x | g)"
    shifted = data.assign(x=data["x"] + 1e4)
    for level in ("rows", "g"):
        first, second = (
            mlm.lmer(formula, frame).level_residuals(level, kind="least-squares")
            for frame in (data, shifted)
        )
        slope = slice(None) if level == "rows" else slice(1, None, 2)
        np.testing.assert_allclose(first["residual"][slope], second["residual"][slope], atol=1e-6)
