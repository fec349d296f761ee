"""The ways to test fixed effects that the studies compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.fits.ols import fit_without_groups
from multilevel.inference.degrees_of_freedom import TabledDf
from multilevel.inference.kenward_roger import kenward_roger
from multilevel.inference.level_df import residual_df
from multilevel.inference.robust import robust_tests
from multilevel.inference.satterthwaite import satterthwaite
from multilevel.inference.wald import wald_tests

if TYPE_CHECKING:
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.solver.linear import LinearProblem
    from multilevel.typing import Float

__all__ = [
    "CLUSTER_ROBUST",
    "KENWARD_ROGER",
    "LEAST_SQUARES",
    "MULTILEVEL",
    "NORMAL",
    "numbers",
    "p_values",
]

LEAST_SQUARES = "least squares"
CLUSTER_ROBUST = "cluster-robust"
MULTILEVEL = "multilevel"
NORMAL = "multilevel, z"
KENWARD_ROGER = "multilevel, Kenward-Roger"


def numbers(problem: LinearProblem, methods: tuple[str, ...]) -> Float:
    """Estimates, standard errors and degrees of freedom, shape (methods, p, 3).

    NaN where a method has no answer. `MULTILEVEL` has Satterthwaite's degrees of freedom,
    `CLUSTER_ROBUST` is least squares with CR2 standard errors, by the first grouping factor.
    """
    made = _Tests(problem)
    return np.array([made.numbers(method) for method in methods])


def p_values(values: Float) -> Float:
    """Two-sided p values of what :func:`numbers` gives, shape (..., p)."""
    return wald_tests(values[..., 0], values[..., 1], values[..., 2]).p_value


class _Tests:
    """The fits of one data set, made once for all methods."""

    def __init__(self, problem: LinearProblem) -> None:
        self._problem = problem
        self._state = problem.fit(reml=True)

    def numbers(self, method: str) -> Float:
        p = len(self._state.beta)
        try:
            tests = self._tests(method)
        except NotSupportedError:
            return np.full((p, 3), np.nan)
        errors = np.sqrt(tests.vcov.diagonal())
        return np.column_stack([tests.beta, errors, tests.df(np.eye(p))])

    def _tests(self, method: str) -> FixedTests:
        matrices, state = self._problem.matrices, self._state
        if method in (LEAST_SQUARES, CLUSTER_ROBUST):
            plain, ols = fit_without_groups(matrices)
            if method == LEAST_SQUARES:
                return residual_df(plain, ols)
            factor = matrices.factors[0]
            return robust_tests(plain, ols, "CR2", factor.codes, factor.name)
        if method == NORMAL:
            return TabledDf(method, state.beta, state.root, np.full(len(state.beta), np.inf))
        if method == KENWARD_ROGER:
            return kenward_roger(matrices, state)
        return satterthwaite(state, self._problem.curvature(state))
