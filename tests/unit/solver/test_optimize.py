"""The optimiser: local optima, boundaries, bounded effort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from multilevel.exceptions import ConvergenceWarning, DataError
from multilevel.solver.linear import LinearProblem
from multilevel.solver.optimize import Control
from properties.designs import model

INTERCEPT = [("g", [0], "unstructured")]
SLOPE = [("g", [0, 1], "unstructured")]


def one_factor(seed: int, columns: list[int], kind: str = "unstructured", sd: float = 1.0):
    rng = np.random.default_rng(seed)
    g = np.arange(200) % 20
    X = np.column_stack([np.ones(200), rng.normal(size=200)])
    y = X @ [1.0, 2.0] + sd * rng.normal(size=20)[g] + rng.normal(size=200)
    return model(y, X, {"g": g}, [("g", columns, kind)])


def test_zero_variance_is_reached_exactly() -> None:
    rng = np.random.default_rng(4)
    g = np.arange(200) % 20
    y = rng.normal(size=200)
    y -= np.array([y[g == j].mean() for j in range(20)])[g]  # group means all alike
    state = LinearProblem.from_matrices(model(y, np.ones((200, 1)), {"g": g}, INTERCEPT)).fit()
    assert state.theta[0] == 0.0
    assert state.is_singular
    assert state.optimizer.starts == 2
    assert state.sigma**2 == pytest.approx(y.var(ddof=1), rel=1e-12)


def test_independent_effects_far_from_the_origin_find_the_better_optimum() -> None:
    """Effects that nearly cancel: both variances zero is a local optimum, 170 above the best."""
    rng = np.random.default_rng(7)
    g = np.arange(130) % 30
    x = 5.0 + rng.normal(size=130)
    X = np.column_stack([np.ones(130), x])
    y = X @ [1.0, 0.5] + (3.0 * rng.normal(size=30))[g] * (x - 5.0) + 0.1 * rng.normal(size=130)
    problem = LinearProblem.from_matrices(model(y, X, {"g": g}, [("g", [0, 1], "independent")]))
    state = problem.fit(reml=False)
    grid = [problem.deviance(np.array([a, b])) for a in (0, 1, 30, 150) for b in (0, 1, 10, 30)]
    assert state.objective <= min(grid)
    assert state.theta.min() > 1.0


def test_stop_before_convergence_is_told() -> None:
    problem = LinearProblem.from_matrices(one_factor(1, [0, 1]), Control(max_evaluations=2))
    with pytest.warns(
        ConvergenceWarning, match=r"a second start and a derivative-free polish.*simplify"
    ):
        state = problem.fit()
    assert not state.optimizer.converged


def test_start_changes_the_way_not_the_end() -> None:
    problem = LinearProblem.from_matrices(one_factor(2, [0, 1]))
    plain = problem.fit()
    for start in ([0.1, 0.0, 0.1], [20.0, -3.0, 5.0], [1.0, 0.0, 0.0]):
        state = problem.fit(start=np.array(start))
        assert state.objective == pytest.approx(plain.objective, abs=1e-9)
        np.testing.assert_allclose(state.theta, plain.theta, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("theta", [[1.0], [1.0, np.nan, 1.0], [[1.0, 0.0, 1.0]]])
def test_theta_of_the_wrong_kind_is_refused(theta: list[float]) -> None:
    problem = LinearProblem.from_matrices(one_factor(3, [0, 1]))
    with pytest.raises(DataError, match="theta must be 3 finite numbers"):
        problem.deviance(np.array(theta))


def test_response_without_residual_is_refused() -> None:
    g = np.arange(40) % 8
    X = np.column_stack([np.ones(40), np.arange(40.0)])
    with pytest.raises(DataError, match="reproduce the response exactly"):
        LinearProblem.from_matrices(model(X @ [1.0, 2.0], X, {"g": g}, INTERCEPT))


def test_random_effect_column_of_zeros_is_refused() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(40), np.zeros(40)])
    matrices = model(
        rng.normal(size=40), X, {"g": np.arange(40) % 8}, [("g", [0, 1], "unstructured")]
    )
    object.__setattr__(matrices, "X", X[:, :1])
    with pytest.raises(DataError, match=r"'x'.*is zero in every row"):
        LinearProblem.from_matrices(matrices)


def test_history_is_complete() -> None:
    summary = LinearProblem.from_matrices(one_factor(5, [0])).fit().optimizer
    assert len(summary.log) == summary.evaluations >= summary.gradient_evaluations
    assert summary.log[0] == summary.initial
    assert summary.final == pytest.approx(summary.log.min(), abs=1e-9)
    assert 1 <= summary.gradient_evaluations <= 8


@pytest.mark.parametrize("reml", ["ML", 1, None])
def test_reml_is_true_or_false(reml: object) -> None:
    problem = LinearProblem.from_matrices(one_factor(5, [0]))
    for call in (problem.fit, lambda reml: problem.deviance(np.ones(1), reml=reml)):
        with pytest.raises(ValueError, match=r"reml must be True or False.*reml=False for maximum"):
            call(reml=reml)
    assert problem.fit(reml=np.bool_(True)).objective == problem.fit(reml=True).objective


def test_variance_that_the_fixed_effects_take_is_refused() -> None:
    rng = np.random.default_rng(1)
    g = np.arange(60) % 6
    X = np.column_stack([np.ones(60), rng.normal(size=60), *(g == j for j in range(1, 6))])
    y = rng.normal(size=60) + g
    for kind, columns in (("unstructured", [0]), ("unstructured", [0, 1]), ("independent", [0, 1])):
        base = model(y, X[:, :2], {"g": g}, [("g", columns, kind)])
        matrices = replace(base, X=X, coef_names=tuple("abcdefg"), kept=np.arange(7))
        problem = LinearProblem.from_matrices(matrices)
        with pytest.raises(DataError, match=r"'Intercept'.*already include every level of 'g'"):
            problem.fit(reml=True)
    slope = model(y, X[:, :2], {"g": g}, [("g", [1], "unstructured")])
    state = LinearProblem.from_matrices(
        replace(slope, X=X, coef_names=tuple("abcdefg"), kept=np.arange(7))
    ).fit()
    assert np.isfinite(state.objective)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_response_whose_squares_leave_the_numbers_is_refused(scale: float) -> None:
    matrices = one_factor(5, [0])
    with pytest.raises(DataError, match="its squares leave the range"):
        LinearProblem.from_matrices(replace(matrices, y=matrices.y * scale))
