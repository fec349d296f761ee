"""Expansion of the criterion and curvature at the estimates, against the dense twin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import ConvergenceError
from multilevel.solver.linear import LinearProblem
from properties.designs import STRUCTURES, draw_model
from twin import DenseTwin

# The core and the twin sum in another order.
ROUNDING = 1e-8
# Fourth-order central differences of the twin with step 1e-3.
DIFFERENCES = 1e-6
# With links between groups the Hessian is by central differences of the exact gradient.
CURVATURE = 3e-6


def twin_df(twin: DenseTwin, theta, sigma, L):
    """Satterthwaite's degrees of freedom from dense matrices; derivatives in (theta, s2)."""
    _, unscaled, P = twin.projections(theta)
    precision = twin.projections(theta)[0]
    s2, Py = sigma**2, P @ twin.y
    first = twin._first(theta)
    q = np.array([Py @ V @ Py for V in first])
    n = len(theta)
    full = np.empty((n + 1, n + 1))
    full[:n, :n] = twin.hessian(theta) + np.outer(q, q) / (twin.m * s2**2)
    full[n, :n] = full[:n, n] = q / s2**2
    full[n, n] = twin.m / s2**2
    half = unscaled @ twin.X.T @ precision
    slopes = np.array([*(s2 * half @ V @ half.T for V in first), unscaled])
    variance = s2 * L @ unscaled @ L
    slope = np.einsum("i,aij,j->a", L, slopes, L)
    return 2 * variance**2 / (slope @ np.linalg.solve(full / 2, slope))


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_curvature_is_the_twins(structure, reml):
    compared = 0
    for seed in range(4):
        matrices = draw_model(seed, structure, weighted=seed % 2 == 1, offset=seed == 2)
        problem = LinearProblem.from_matrices(matrices)
        state = problem.fit(reml=reml)
        if state.is_singular:
            continue
        compared += 1
        curvature = problem.curvature(state)
        assert not curvature.reduced
        twin = DenseTwin(matrices, reml=reml)
        for L in np.eye(len(state.beta)):
            variance = L @ state.vcov @ L
            scaled = L @ curvature.basis
            slope = np.einsum("i,aij,j->a", scaled, curvature.vcov_gradient, scaled)
            df = 2 * variance**2 / (slope @ curvature.covariance @ slope)
            assert df == pytest.approx(twin_df(twin, state.theta, state.sigma, L), rel=CURVATURE)
    if len(STRUCTURES[structure]) == 1:
        assert compared


@pytest.mark.parametrize("structure", STRUCTURES)
def test_expansion_is_the_twins(structure):
    matrices = draw_model(5, structure, weighted=True, offset=True)
    problem = LinearProblem.from_matrices(matrices)
    theta = np.linspace(0.4, 1.1, problem.n_theta)
    for reml in (True, False):
        twin, at = DenseTwin(matrices, reml=reml), problem.expansion(theta, reml=reml)
        expected = twin.estimates(theta)
        assert at.criterion == pytest.approx(twin.deviance(theta), rel=ROUNDING)
        s2 = at.rss / twin.m
        assert at.criterion == pytest.approx(
            at.log_det + twin.m * (1 + np.log(2 * np.pi * s2)), rel=ROUNDING
        )
        np.testing.assert_allclose(at.beta, expected.beta, rtol=ROUNDING)
        np.testing.assert_allclose(s2 * at.F, expected.vcov, rtol=ROUNDING, atol=1e-12)
        np.testing.assert_allclose(at.gradient, twin.gradient(theta), rtol=ROUNDING, atol=1e-7)


@pytest.mark.parametrize("structure", ["(x|g)", "(x||g)+(z||h)", "(1|c)+(x|s)+(1|h)"])
def test_derivatives_of_the_parts(structure):
    problem = LinearProblem.from_matrices(draw_model(7, structure, weighted=True, offset=False))
    theta = np.linspace(0.5, 1.0, problem.n_theta)
    at = problem.expansion(theta, reml=True)
    step = 1e-4
    for t in range(problem.n_theta):
        unit = np.eye(problem.n_theta)[t] * step
        up, down = (problem.expansion(theta + s * unit, reml=True) for s in (1, -1))
        for name, slope in (("rss", "d_rss"), ("beta", "d_beta"), ("F", "d_cov")):
            difference = (getattr(up, name) - getattr(down, name)) / (2 * step)
            scale = np.abs(getattr(at, slope)[t]).max()
            np.testing.assert_allclose(
                getattr(at, slope)[t], difference, atol=DIFFERENCES * scale, rtol=0
            )


def test_singular_fits_have_the_curvature_of_the_reduced_model():
    data = mlm.datasets.load("dyestuff2")
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", data)
    curvature = fit.model.problem.curvature(fit.state)
    assert curvature.reduced
    # what is left is the mean of 30 values: Var(s2) = 2 s2^2 / 29
    np.testing.assert_allclose(curvature.covariance, [[2 * fit.sigma**4 / 29]], rtol=ROUNDING)


def test_a_perfect_fit_has_no_curvature():
    rng = np.random.default_rng(0)
    g, h = np.repeat(np.arange(4), 2), np.tile(np.arange(2), 4)
    data = {"y": rng.normal(size=8), "g": g, "h": h}
    fit = mlm.lmer("y ~ 1 + (1 | g) + (1 | h)", data)
    perfect = replace(fit.state, theta=np.array([1e9, 1e9]))
    with pytest.raises(ConvergenceError, match=r"no residual variance, .* df_method='residual'"):
        fit.model.problem.curvature(perfect)


def test_a_dead_term_changes_nothing():
    rng = np.random.default_rng(3)
    g, h = np.repeat(np.arange(12), 10), np.tile(np.arange(10), 12)
    x = rng.normal(size=120)
    y = 1 + x + rng.normal(size=12)[g] + rng.normal(size=120)
    y -= np.array([y[h == j].mean() - y.mean() for j in range(10)])[h]  # nothing left in h
    data = {"y": y, "x": x, "g": g, "h": h}
    small = mlm.lmer("y ~ x + (1 | g)", data)
    big = mlm.lmer("y ~ x + (1 | g) + (1 | h)", data)
    assert big.is_singular
    a, b = (fit.model.problem.curvature(fit.state) for fit in (small, big))
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-5)
    np.testing.assert_allclose(a.vcov_gradient, b.vcov_gradient, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("structure", ["(x|g)", "(x||g)+(z||h)", "(1|c)+(x|s)+(1|h)"])
def test_second_derivatives_of_the_residual_sum(structure):
    problem = LinearProblem.from_matrices(draw_model(7, structure, weighted=True, offset=False))
    theta = np.linspace(0.5, 1.0, problem.n_theta)
    step = 1e-5
    for t in range(problem.n_theta):
        unit = np.eye(problem.n_theta)[t] * step
        up, down = (problem.expansion(theta + s * unit, reml=True).d_rss for s in (1, -1))
        exact = problem.expansion(theta, reml=True).d2_rss[t]
        scale = np.abs(exact).max()
        np.testing.assert_allclose(exact, (up - down) / (2 * step), atol=1e-6 * scale, rtol=0)
