"""Models whose estimates are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from multilevel.solver.linear import LinearProblem
from properties.designs import FULL, model

# Criterion and residual variance are smooth functions of data of order one.
RTOL = 1e-8
# Variances of groups are differences of mean squares; Newton stops within 1e-5 standard errors.
VARIANCE_RTOL = 1e-5

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=40, deadline=None)


def one_way(seed: int, levels: int, size: int, ratio: float):
    """Balanced one-way layout: y (levels, size) with group SD ``ratio`` times the residual's."""
    rng = np.random.default_rng(seed)
    return 5 + ratio * rng.normal(size=(levels, 1)) + rng.normal(size=(levels, size))


def fit_one_way(y, *, reml):
    levels, size = y.shape
    g = np.repeat(np.arange(levels), size)
    matrices = model(y.ravel(), np.ones((y.size, 1)), {"g": g}, [("g", [0], FULL)])
    return LinearProblem.from_matrices(matrices).fit(reml=reml)


def ols_criterion(rss: float, m: int, log_det: float = 0.0) -> float:
    return m * (1 + np.log(2 * np.pi * rss / m)) + log_det


@given(
    seeds, st.integers(3, 12), st.integers(2, 8), st.sampled_from([0.0, 0.5, 3.0]), st.booleans()
)
@quick
def test_balanced_one_way_layout(seed, levels, size, ratio, reml):
    """REML gives the ANOVA estimates, ML those with levels instead of levels - 1."""
    y = one_way(seed, levels, size, ratio)
    state = fit_one_way(y, reml=reml)
    within = np.sum((y - y.mean(1, keepdims=True)) ** 2)
    between = size * np.sum((y.mean(1) - y.mean()) ** 2)
    mean_square = within / (levels * (size - 1))
    variance = (between / (levels - reml) - mean_square) / size
    assume(abs(variance) > 1e-3)  # at 0 exactly both cases below are true
    if variance > 0:
        assert not state.is_singular
        assert state.sigma**2 == pytest.approx(mean_square, rel=VARIANCE_RTOL)
        assert state.terms[0].covariance[0, 0] == pytest.approx(
            variance, rel=VARIANCE_RTOL, abs=1e-6
        )
        error = (mean_square + size * variance) / y.size
    else:
        assert state.is_singular
        assert state.theta[0] == 0.0
        assert np.all(state.terms[0].modes == 0.0)
        m = y.size - reml
        assert state.sigma**2 == pytest.approx((within + between) / m, rel=RTOL)
        expected = ols_criterion(within + between, m, np.log(y.size) if reml else 0.0)
        assert state.objective == pytest.approx(expected, rel=RTOL)
        error = state.sigma**2 / y.size
    assert state.beta[0] == pytest.approx(y.mean(), rel=RTOL)
    assert state.vcov[0, 0] == pytest.approx(error, rel=VARIANCE_RTOL)


@given(seeds, st.booleans())
@quick
def test_balanced_two_way_layout(seed, nested):
    """Crossed or nested, balanced: REML equals the ANOVA estimates when these are positive."""
    rng = np.random.default_rng(seed)
    a, b, size = 5, 4, 3
    y = rng.normal(size=(a, b, size)) + 3 * rng.normal(size=(a, 1, 1))
    y += 2 * rng.normal(size=(a if nested else 1, b, 1))
    rows = np.indices(y.shape).reshape(3, -1)
    second = rows[0] * b + rows[1] if nested else rows[1]
    matrices = model(
        y.ravel(),
        np.ones((y.size, 1)),
        {"a": rows[0], "b": second},
        [("a", [0], FULL), ("b", [0], FULL)],
    )
    cell, mean_a, mean_b = y.mean(2), y.mean((1, 2)), y.mean((0, 2))
    ms_a = b * size * np.var(mean_a, ddof=1)
    if nested:
        ms_b = size * np.sum((cell - mean_a[:, None]) ** 2) / (a * (b - 1))
        ms_e = np.sum((y - cell[..., None]) ** 2) / (a * b * (size - 1))
        variances = (ms_a - ms_b) / (b * size), (ms_b - ms_e) / size
    else:
        ms_b = a * size * np.var(mean_b, ddof=1)
        residual = y - mean_a[:, None, None] - mean_b[:, None] + y.mean()
        ms_e = np.sum(residual**2) / (y.size - a - b + 1)
        variances = (ms_a - ms_e) / (b * size), (ms_b - ms_e) / (a * size)
    assume(min(variances) > 0.01)
    state = LinearProblem.from_matrices(matrices).fit(reml=True)
    assert state.sigma**2 == pytest.approx(ms_e, rel=VARIANCE_RTOL)
    for term, variance in zip(state.terms, variances, strict=True):
        assert term.covariance[0, 0] == pytest.approx(variance, rel=VARIANCE_RTOL)


@given(seeds, st.booleans())
@quick
def test_random_slopes_on_a_common_design(seed, reml):
    """Every group has the same Z = X: the covariance of the groups' OLS lines, less its noise.

    With B the groups' OLS coefficients, G = cov(B) - sigma^2 (Z'Z)^-1, the covariance with
    levels - 1 (REML) or levels (ML) in the denominator, when that is positive definite.
    """
    rng = np.random.default_rng(seed)
    levels, Z = 12, np.column_stack([np.ones(6), np.arange(6.0)])
    y = (rng.normal(size=(levels, 2)) * [3.0, 1.5] + [10, 2]) @ Z.T + rng.normal(size=(levels, 6))
    B = y @ np.linalg.pinv(Z).T
    residual = np.sum((y - B @ Z.T) ** 2) / (levels * 4)
    G = np.cov(B.T, ddof=1 if reml else 0) - residual * np.linalg.inv(Z.T @ Z)
    assume(np.linalg.eigvalsh(G)[0] > 0.05)
    X = np.tile(Z, (levels, 1))
    groups = {"g": np.repeat(np.arange(levels), 6)}
    matrices = model(y.ravel(), X, groups, [("g", [0, 1], FULL)])
    state = LinearProblem.from_matrices(matrices).fit(reml=reml)
    assert state.sigma**2 == pytest.approx(residual, rel=VARIANCE_RTOL)
    np.testing.assert_allclose(state.terms[0].covariance, G, rtol=VARIANCE_RTOL, atol=1e-5)
    np.testing.assert_allclose(state.beta, B.mean(0), rtol=RTOL)


@given(seeds, st.booleans(), st.booleans())
@quick
def test_without_random_effects_it_is_weighted_least_squares(seed, reml, weighted):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    y, w = rng.normal(size=30), rng.uniform(0.3, 3, 30) if weighted else np.ones(30)
    matrices = model(y, X, {}, [], weights=w if weighted else None)
    state = LinearProblem.from_matrices(matrices).fit(reml=reml)
    root = np.sqrt(w)
    beta, rss = np.linalg.lstsq(X * root[:, None], y * root, rcond=None)[:2]
    m = 30 - 3 * reml
    log_det = -np.log(w).sum() + (np.linalg.slogdet((X.T * w) @ X)[1] if reml else 0.0)
    assert state.objective == pytest.approx(ols_criterion(rss[0], m, log_det), rel=RTOL)
    np.testing.assert_allclose(state.beta, beta, rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(
        state.vcov, rss[0] / m * np.linalg.inv((X.T * w) @ X), rtol=RTOL, atol=RTOL
    )
