"""Correlation of residuals that follow one another within groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.solver.prediction_errors import row_variances

if TYPE_CHECKING:
    from multilevel.solver.linear import LinearProblem
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

__all__ = ["Autocorrelation", "autocorrelation", "successive_rows"]


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """Lag-1 autocorrelation of residuals within groups.

    Attributes
    ----------
    correlation : float
        Mean product of standardised residuals of successive rows.
    expected : float
        What it is if errors are independent: below zero, because the groups' own effects are
        estimated from the same rows.
    statistic, p_value : float
        Test that the two are equal, standard normal.
    n_pairs : int
        Pairs of successive rows.
    """

    correlation: float
    expected: float
    statistic: float
    p_value: float
    n_pairs: int

    @property
    def excess(self) -> float:
        """Correlation of the errors, roughly: what is beyond expectation."""
        return self.correlation - self.expected


def successive_rows(codes: Int, time: Float | None) -> tuple[IndexArray, IndexArray]:
    """Positions of rows and of those that follow them in the same group.

    Parameters
    ----------
    codes : ndarray of int32, shape (n,)
        Group of each row.
    time : ndarray, shape (n,), or None
        Order of the rows, that of the data if None. Rows at the same time in a group do not follow
        one another.
    """
    order = np.argsort(codes, kind="stable") if time is None else np.lexsort((time, codes))
    earlier, later = order[:-1], order[1:]
    follows = codes[earlier] == codes[later]
    if time is not None:
        follows &= time[earlier] < time[later]
    return earlier[follows], later[follows]


def autocorrelation(
    problem: LinearProblem,
    state: FitState,
    residual: Float,
    leverage: Float,
    pairs: tuple[IndexArray, IndexArray],
) -> Autocorrelation | None:
    """Test residuals for autocorrelation of lag 1.

    If the errors are independent with variance ``sigma**2 / w``, the residuals have the
    covariances ``sigma**2 / w - Var(x' beta + z' b)`` of the errors of prediction; the products of
    successive standardised residuals have a mean, summed here over all pairs, and a variance of
    ``1 + rho**2`` each.

    Parameters
    ----------
    problem : LinearProblem
        The model.
    state : FitState
        Its fit.
    residual, leverage : ndarray, shape (n,)
        Response minus fitted value, and its derivative by the response.
    pairs : tuple of ndarray of intp
        Successive rows; see :func:`successive_rows`.

    Returns
    -------
    Autocorrelation or None
        None if no two rows with residuals follow one another.
    """
    from scipy import stats

    weights = problem.matrices.weights
    error = state.sigma**2 / (np.ones(len(residual)) if weights is None else weights)
    free = leverage < 1.0 - 1e-9
    some = free[pairs[0]] & free[pairs[1]]
    a, b = pairs[0][some], pairs[1][some]
    if not len(a):
        return None
    sd = np.sqrt(error * (1.0 - np.where(free, leverage, 0.0)))
    covariance = _prediction_covariance(problem, state, a, b)
    expected = np.clip(-covariance / (sd[a] * sd[b]), -1.0, 1.0)
    product = residual[a] * residual[b] / (sd[a] * sd[b])
    statistic = float(np.sum(product - expected) / np.sqrt(np.sum(1.0 + expected**2)))
    return Autocorrelation(
        float(product.mean()),
        float(expected.mean()),
        statistic,
        float(2.0 * stats.norm.sf(abs(statistic))),
        len(a),
    )


def _prediction_covariance(
    problem: LinearProblem, state: FitState, a: IndexArray, b: IndexArray
) -> Float:
    """Covariances of the errors of two fitted values each, from the variance of their sum.

    Effects of a factor of which the two rows have different groups are left out: their errors are
    hardly correlated.
    """
    matrices = problem.matrices
    codes = [factor.codes for factor in matrices.factors]
    shared = [(c[a] == c[b])[:, None] for c in codes]
    first, second = (
        [term.z[rows] * shared[term.factor] for term in matrices.terms] for rows in (a, b)
    )
    X = matrices.X
    both = [one + other for one, other in zip(first, second, strict=True)]
    of_sum = row_variances(problem, state, X[a] + X[b], both, [c[a] for c in codes])
    of_first = row_variances(problem, state, X[a], first, [c[a] for c in codes])
    of_second = row_variances(problem, state, X[b], second, [c[b] for c in codes])
    return (of_sum - of_first - of_second) / 2.0
