"""Structures that take other roads through the core than a handful of groups does."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.solver.linear import LinearProblem
from multilevel.solver.optimize import Control
from properties.designs import DIAGONAL, FULL, model
from twin import DenseTwin

# Rounding: V is 300 x 300 and is inverted by the twin.
RTOL = 1e-8
DERIVATIVE_RTOL = 1e-6
N = 300


def groups(structure: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Grouping codes of 300 rows."""
    row = np.arange(N)
    if structure == "chain":  # every level of g meets two neighbours of h: a sparse trunk
        return {"g": row // 3, "h": (row // 3 + row % 2) % 100, "k": row % 7}
    if structure == "dense":
        return {
            "g": rng.integers(0, 60, N),
            "h": rng.integers(0, 40, N),
            "k": rng.integers(0, 9, N),
        }
    if structure == "singletons":  # most groups have one row
        return {"g": np.minimum(row, 250), "h": rng.integers(0, 30, N), "k": row % 2}
    if structure == "nested":  # rows in g in h in k
        return {"g": row // 3, "h": row // 15, "k": row // 75}
    if structure == "partly nested":  # g in h, k crosses both
        return {"g": row // 4, "h": row // 20, "k": rng.integers(0, 25, N)}
    if structure == "equal patterns":  # balanced: all groups share their cross-products
        return {"g": row // 5, "h": row % 5, "k": (row // 5) % 12}
    raise ValueError(structure)


STRUCTURES = ["chain", "dense", "singletons", "nested", "partly nested", "equal patterns"]
TERMS = {
    "intercepts": [("g", [0], FULL), ("h", [0], FULL), ("k", [0], FULL)],
    "slopes": [("k", [0, 1], FULL), ("h", [0, 1, 2], FULL), ("g", [0], FULL)],
    "independent": [("h", [0, 1, 2], DIAGONAL), ("g", [0, 1], DIAGONAL), ("k", [0], FULL)],
    "wide": [("h", [0, 1, 2, 3, 4], FULL), ("g", [0, 1], FULL)],
    "two terms": [("g", [0, 2], FULL), ("h", [0], FULL), ("g", [1], FULL), ("h", [1, 2], DIAGONAL)],
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_criterion_derivatives_and_estimates(structure, terms, threads):
    rng = np.random.default_rng(20)
    X = np.column_stack([np.ones(N), rng.normal(size=(N, 4))])
    if structure == "equal patterns":
        X[:, 1:] = np.tile(X[:5, 1:], (N // 5, 1))
        X[:, 3:] = rng.normal(size=(N, 2))
    y = X.sum(axis=1) + rng.normal(size=N)
    codes = groups(structure, rng)
    for levels in codes.values():
        y += rng.normal(size=levels.max() + 1)[levels] * (1 + X[:, 1])
    weights = None if structure == "equal patterns" else rng.uniform(0.5, 2, N)
    matrices = model(y, X, codes, TERMS[terms], weights=weights)
    problem = LinearProblem.from_matrices(matrices, Control(threads=threads))
    for reml in (False, True):
        twin = DenseTwin(matrices, reml=reml)
        theta = np.where([i == j for _, i, j in twin.entries], 0.6, 0.2)
        assert problem.deviance(theta, reml=reml) == pytest.approx(twin.deviance(theta), rel=RTOL)
        gradient = twin.gradient(theta)
        atol = DERIVATIVE_RTOL * np.abs(gradient).max()
        np.testing.assert_allclose(problem.gradient(theta, reml=reml), gradient, atol=atol)
        state = problem.fit(reml=reml)
        assert state.optimizer.converged
        expected = twin.estimates(state.theta)
        np.testing.assert_allclose(state.beta, expected.beta, rtol=1e-6, atol=1e-8)
        for term, modes in zip(state.terms, expected.modes, strict=True):
            np.testing.assert_allclose(term.modes, modes, atol=1e-7)
        for actual, desired in zip(
            problem.conditional_covariances(state), expected.mode_covariances, strict=True
        ):
            np.testing.assert_allclose(actual, desired, atol=1e-7)
        np.testing.assert_allclose(problem.hat_values(state), expected.leverage, atol=1e-7)
