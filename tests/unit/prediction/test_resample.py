"""Responses drawn for the bootstrap: what they keep of the fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilevel as mlm
from multilevel.exceptions import NotSupportedError
from multilevel.prediction.resample import (
    parametric_scheme,
    reflate,
    residual_scheme,
    wild_scheme,
)
from reference.datasets import load

# Products of Cholesky factors of well-conditioned matrices.
EXACT = 1e-9

MODELS = {
    "correlated": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "independent": ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    "crossed": ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    "nested": ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    "three effects": ("Machines", "score ~ Machine + (Machine | Worker)"),
    "no variance": ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    "no random effects": ("sleepstudy", "Reaction ~ Days"),
}


@pytest.fixture(params=MODELS)
def fit(request):
    name, formula = MODELS[request.param]
    return mlm.lmer(formula, load(name))


def covariance(values):
    centred = values - values.mean(axis=0)
    return centred.T @ centred / len(values)


def weighted():
    data = load("sleepstudy")
    data["w"] = np.linspace(0.2, 5.0, len(data))
    return mlm.lmer("Reaction ~ Days + (Days | Subject)", data, weights="w")


def check_reflated(fit):
    scheme = residual_scheme(fit.model.matrices, fit.state)
    assert len(scheme.effects) == len(fit.state.terms)
    for effects, term in zip(scheme.effects, fit.state.terms, strict=True):
        scale = max(np.abs(term.covariance).max(), 1e-300)
        np.testing.assert_allclose(effects.values.mean(axis=0), 0.0, atol=EXACT * np.sqrt(scale))
        np.testing.assert_allclose(covariance(effects.values), term.covariance, atol=EXACT * scale)
    np.testing.assert_allclose(scheme.residuals.mean(), 0.0, atol=EXACT * fit.sigma)
    np.testing.assert_allclose(scheme.residuals.std(), fit.sigma, rtol=EXACT)


def test_reflated_covariances_are_the_estimates(fit):
    check_reflated(fit)


def test_reflated_covariances_with_weights():
    """What is resampled are the Pearson residuals, which are alike."""
    fit = weighted()
    check_reflated(fit)
    scheme = residual_scheme(fit.model.matrices, fit.state)
    pearson = fit.residuals("pearson")
    np.testing.assert_allclose(
        scheme.residuals, (pearson - pearson.mean()) * fit.sigma / pearson.std(), atol=1e-9
    )


def test_reflated_covariances_of_a_perfect_correlation():
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(12), 6)
    x = np.tile(np.arange(6.0), 12)
    u = rng.normal(size=12)[group]
    data = {"y": u * (1 + x) + 0.5 * rng.normal(size=72), "x": x, "g": group}
    fit = mlm.lmer("y ~ x + (x | g)", data)
    assert fit.is_singular
    check_reflated(fit)


def test_residual_draws_reuse_whole_levels():
    """Every drawn group has the effects of some group, and its row residuals are of the fit."""
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    scheme = residual_scheme(fit.model.matrices, fit.state)
    y = scheme.draw(np.random.default_rng(1)) - scheme.mean
    effects = scheme.effects[0]
    for code in range(18):
        rows = effects.codes == code
        candidates = effects.z[rows] @ effects.values.T  # rows x levels
        left = (y[rows, None] - candidates)[:, :, None] - scheme.residuals
        assert (np.abs(left).min(axis=2).max(axis=0) < 1e-8).sum() == 1


def test_weights_are_undone_in_residual_draws():
    fit = weighted()
    scheme = residual_scheme(fit.model.matrices, fit.state)
    rng = np.random.default_rng(2)
    draws = np.array([scheme.draw(rng) for _ in range(4000)])
    z = fit.model.matrices.terms[0].z
    expected = fit.sigma**2 / fit.weights + np.einsum(
        "ij,jk,ik->i", z, fit.state.terms[0].covariance, z
    )
    # the SD of a variance from 4000 draws is 2-4 % of it, for 180 rows
    np.testing.assert_allclose(draws.var(axis=0), expected, rtol=0.2)
    np.testing.assert_allclose(draws.var(axis=0).mean(), expected.mean(), rtol=0.03)


def test_parametric_draws_are_those_of_simulate(fit):
    scheme = parametric_scheme(fit.model.matrices, fit.state)
    drawn = fit.simulate(rng=np.random.default_rng(7))[0]
    np.testing.assert_array_equal(scheme.draw(np.random.default_rng(7)), drawn)


def test_wild_draws_multiply_the_residuals_of_a_cluster():
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    matrices = fit.model.matrices
    codes = matrices.factors[0].codes
    scheme = wild_scheme(matrices, fit.state, codes, 18)
    X, residual = matrices.X, matrices.y - matrices.X @ fit.beta
    hat = np.diag(X @ np.linalg.solve(X.T @ X, X.T))
    np.testing.assert_allclose(scheme.residuals, residual / np.sqrt(1 - hat), rtol=EXACT)
    rng = np.random.default_rng(4)
    factors = np.array([(scheme.draw(rng) - scheme.mean) / scheme.residuals for _ in range(2000)])
    low, high = (1 - np.sqrt(5)) / 2, (1 + np.sqrt(5)) / 2
    for code in range(18):
        of_group = factors[:, codes == code]
        np.testing.assert_allclose(of_group, of_group[:, :1] * np.ones(10), rtol=1e-6)
    first = factors[:, np.unique(codes, return_index=True)[1]]
    np.testing.assert_allclose(np.abs(first - low) * np.abs(first - high), 0.0, atol=1e-6)
    # mean 0, variance 1, third moment 1, from 36,000 numbers
    moments = [np.mean(first**k) for k in (1, 2, 3)]
    np.testing.assert_allclose(moments, [0.0, 1.0, 1.0], atol=0.04)


def test_wild_leverage_counts_weights_and_rows_without_freedom():
    data = {
        "y": np.r_[1.0, 2.0, 4.0, 3.0, 5.0, 9.0],
        "x": np.r_[0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        "w": np.r_[1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
    }
    fit = mlm.lmer("y ~ x", data, weights="w")
    scheme = wild_scheme(fit.model.matrices, fit.state, np.arange(6, dtype=np.int32), 6)
    X, w = fit.model.matrices.X, data["w"]
    hat = w * np.einsum("ij,jk,ik->i", X, np.linalg.inv(X.T @ (w[:, None] * X)), X)
    expected = (data["y"] - X @ fit.beta)[:5] / np.sqrt(1 - hat[:5])
    np.testing.assert_allclose(scheme.residuals[:5], expected, rtol=EXACT)
    assert scheme.residuals[5] == 0.0


def test_too_few_levels_to_resample():
    """Two levels with two effects each, which centred have only one direction."""
    rng = np.random.default_rng(3)
    x = np.tile(np.arange(20.0), 2)
    group = np.repeat([0, 1], 20)
    coefficients = np.array([[3.0, 1.0], [-2.0, 2.0]])[group]
    y = coefficients[:, 0] + coefficients[:, 1] * x + rng.normal(size=40)
    fit = mlm.lmer("y ~ 0 + (x | g)", {"y": y, "x": x, "g": group})
    assert not fit.is_singular
    with pytest.raises(NotSupportedError, match=r"'g' has only 2 levels.*method='parametric'"):
        residual_scheme(fit.model.matrices, fit.state)


@settings(max_examples=60, deadline=None)
@given(
    k=st.integers(1, 4), zeros=st.integers(0, 2), scale=st.floats(-6, 6), seed=st.integers(0, 10**6)
)
def test_reflate_reaches_any_covariance(k, zeros, scale, seed):
    """Singular ones too, and columns of very different sizes."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** np.linspace(0.0, scale, k)
    root = sizes[:, None] * rng.normal(size=(k, k))
    root[:, : min(zeros, k)] = 0.0
    values = rng.normal(size=(30, k)) @ root.T
    out = reflate(values, root)
    wanted = root @ root.T
    bound = 1e-7 * np.sqrt(np.outer(wanted.diagonal(), wanted.diagonal()))
    assert (np.abs(covariance(out) - wanted) <= bound).all()


def test_reflate_needs_the_rank():
    rng = np.random.default_rng(0)
    values = np.outer(rng.normal(size=10), [1.0, 2.0])
    with pytest.raises(np.linalg.LinAlgError):
        reflate(values, np.eye(2))
