"""Correlation of residuals that follow one another within groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.row_blocks import RowBlocks
from multilevel.exceptions import NotSupportedError
from multilevel.solver.given_theta import solve_covariance
from multilevel.solver.prediction_errors import row_variances

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.solver.linear import LinearProblem
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

__all__ = ["Autocorrelation", "autocorrelation", "successive_rows"]

# Leverages this close to one are of rows that are fitted exactly, whatever their response.
_EXACT = 1e-9


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
        one another. In groups of two rows there is no order to be found either: one residual is
        nearly minus the other.
    """
    order = np.argsort(codes, kind="stable") if time is None else np.lexsort((time, codes))
    earlier, later = order[:-1], order[1:]
    follows = (codes[earlier] == codes[later]) & (np.bincount(codes)[codes[earlier]] > 2)
    if time is not None:
        follows &= time[earlier] < time[later]
    return earlier[follows], later[follows]


def autocorrelation(
    problem: LinearProblem,
    state: FitState,
    residual: Float,
    leverage: Float,
    codes: Int,
    time: Float | None,
) -> Autocorrelation | None:
    """Test residuals for autocorrelation of lag 1 within groups.

    If the errors are independent with variance ``sigma**2 / w``, the residuals have the
    covariances ``sigma**2 / w - Var(x' beta + z' b)`` of the errors of prediction; the products of
    successive standardised residuals have a mean, summed here over all pairs, and a variance of
    about ``1 + rho**2`` each.

    Parameters
    ----------
    problem : LinearProblem
        The model.
    state : FitState
        Its fit.
    residual, leverage : ndarray, shape (n,)
        Response minus fitted value, and its derivative by the response.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    time : ndarray, shape (n,), or None
        Order of the rows; see :func:`successive_rows`.

    Returns
    -------
    Autocorrelation or None
        None if no two rows with residuals follow one another.

    Raises
    ------
    NotSupportedError
        With crossed factors, for models of more than 6,000 connected effects.
    """
    from scipy import stats

    matrices = problem.matrices
    root = np.ones(len(residual)) if matrices.weights is None else np.sqrt(matrices.weights)
    a, b = successive_rows(codes, time)
    free = leverage < 1.0 - _EXACT
    a, b = a[free[a] & free[b]], b[free[a] & free[b]]
    if not len(a):
        return None
    sd = state.sigma * np.sqrt(1.0 - np.where(free, leverage, 0.0)) / root
    alike = all(bool((f.codes[a] == f.codes[b]).all()) for f in matrices.factors)
    if alike:
        covariance = -_prediction_covariance(problem, state, leverage / root**2, a, b)
    else:
        covariance = _residual_covariance(matrices, state, codes, a, b) / (root[a] * root[b])
    expected = np.clip(state.sigma**2 * covariance / (sd[a] * sd[b]), -1.0, 1.0)
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
    problem: LinearProblem, state: FitState, own: Float, a: IndexArray, b: IndexArray
) -> Float:
    """Covariances of the errors of two fitted values in the same groups, relative to sigma squared.

    From the variance of the error of their sum.
    """
    matrices = problem.matrices
    codes = [factor.codes[a] for factor in matrices.factors]
    z = [term.z[a] + term.z[b] for term in matrices.terms]
    of_sum = row_variances(problem, state, matrices.X[a] + matrices.X[b], z, codes)
    return (of_sum / state.sigma**2 - own[a] - own[b]) / 2.0


def _residual_covariance(
    matrices: ModelMatrices, state: FitState, codes: Int, a: IndexArray, b: IndexArray
) -> Float:
    """Covariances of residuals of crossed groups, rows scaled by the roots of their weights.

    They are elements of ``P = V^-1 - V^-1 X M X'V^-1``, in units of sigma squared.
    """
    blocks = RowBlocks(matrices, state)
    if not blocks.fits:
        raise NotSupportedError(
            "The autocorrelation of residuals in crossed groups takes a matrix of all effects that "
            "are connected, of which this model has more than 6,000."
        )
    root = np.ones(len(codes)) if matrices.weights is None else np.sqrt(matrices.weights)
    solved = solve_covariance(matrices, state.theta, matrices.X) / root[:, None]
    known = np.einsum("ij,jk,ik->i", solved[a], state.vcov / state.sigma**2, solved[b])
    out = np.zeros(len(a))
    ends = np.flatnonzero(np.diff(codes[a])) + 1  # pairs come group by group
    for pairs in np.split(np.arange(len(a)), ends):
        rows, place = np.unique(np.concatenate([a[pairs], b[pairs]]), return_inverse=True)
        first, second = np.split(place, 2)
        out[pairs] = blocks.block(rows)[first, second]
    covariance: Float = out - known
    return covariance
