"""Estimates without a row or a group, variance parameters held: one generalised least squares each.

With ``P = V^-1 - V^-1 X M X'V^-1``, ``M = (X'V^-1 X)^-1``, and the rows D of a unit,

    beta - beta_i = M X'V^-1 E_D P_DD^-1 (P y)_D,    M_i = M + M X'V^-1 E_D P_DD^-1 E_D'V^-1 X M,

E_D being the columns D of the identity: leaving rows out is giving each a parameter of its own
(Christensen, Pearson & Johnson 1992, Technometrics 34, 38-45; Haslett & Dillane 2004, J. Appl.
Stat. 31, 1095-1106). V is relative to the residual variance throughout, which is held, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.influence import UNIDENTIFIED, measure, measure_rank_one
from multilevel.diagnostics.row_blocks import RowBlocks
from multilevel.exceptions import NotSupportedError
from multilevel.inference.cluster_blocks import Clusters
from multilevel.levels.nesting import is_nested
from multilevel.prediction.cases import at_rows
from multilevel.solver.given_theta import fixed_effects_at, solve_covariance
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multilevel.design.matrices import GroupingFactor, ModelMatrices
    from multilevel.diagnostics.influence import Influence
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["delete_groups", "delete_rows"]

# What is left of the information about some combination of fixed effects below which it rests on
# the unit that was left out.
_NOTHING = 1e-9
# With more rows than this in a unit, the rest of the rows is set up and solved instead.
_MANY = 2000


def delete_rows(
    matrices: ModelMatrices, state: FitState, residuals: Float, leverage: Float
) -> Influence:
    """Influence of every row, from its leverage.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    residuals : ndarray, shape (n,)
        Response minus fitted value. ``(P y)_i = w_i residual_i`` and ``P_ii = w_i (1 -
        leverage_i)``.
    leverage : ndarray, shape (n,)
        Derivative of each fitted value by its own response.
    """
    weight = 1.0 if matrices.weights is None else matrices.weights
    left = np.where(leverage < 1.0 - _NOTHING, 1.0 - leverage, np.nan)
    projected = solve_covariance(matrices, state.theta, matrices.X) @ state.vcov
    direction = projected / (state.sigma * np.sqrt(weight * left))[:, None]
    size = residuals * np.sqrt(weight / left) / state.sigma
    return measure_rank_one(state.beta, state.vcov, direction, size, _notes(np.isnan(left)))


def delete_groups(matrices: ModelMatrices, state: FitState, f: int) -> Influence:
    """Influence of every group of grouping factor ``f``, all rows of it left out at once."""
    factor = matrices.factors[f]
    if all(is_nested(g.codes, g.n_levels, factor.codes) for g in matrices.factors):
        try:
            return _delete_clusters(matrices, state, factor)
        except NotSupportedError:  # a group is too large for dense blocks
            if len(matrices.factors) == 1:
                raise
    return _delete_connected(matrices, state, factor)


def _delete_clusters(matrices: ModelMatrices, state: FitState, factor: GroupingFactor) -> Influence:
    """Groups with independent responses: what each adds to ``X'V^-1 X`` is taken away."""
    root = np.linalg.cholesky(state.vcov / state.sigma**2)
    information, scores = Clusters(matrices, state, factor.codes, matrices.X @ root).information()
    values, vectors = np.linalg.eigh(np.eye(len(root)) - information)
    lost = values[:, 0] < _NOTHING
    values[lost] = np.nan
    half = root @ vectors
    vcovs = state.sigma**2 * (half / values[:, None, :]) @ half.swapaxes(1, 2)
    moved = (vectors.swapaxes(1, 2) @ scores[:, :, None])[:, :, 0] / values
    betas = state.beta - (half @ moved[:, :, None])[:, :, 0]
    return measure(state.beta, state.vcov, betas, vcovs, _notes(lost))


def _delete_connected(
    matrices: ModelMatrices, state: FitState, factor: GroupingFactor
) -> Influence:
    """Groups that share groups of other factors, one after the other."""
    m, p = factor.n_levels, len(state.beta)
    betas, unscaled = np.full((m, p), np.nan), np.full((m, p, p), np.nan)
    order = np.argsort(factor.codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(factor.codes, minlength=m))[:-1])
    rest = _Rest(matrices, state)
    for i, rows in enumerate(members):
        if rest.identifies(rows):
            betas[i], unscaled[i] = rest.estimates(rows)
    lost = np.isnan(betas[:, 0])
    return measure(state.beta, state.vcov, betas, state.sigma**2 * unscaled, _notes(lost))


class _Rest:
    """Fixed effects from the rest of the rows, in coordinates in which M is the identity."""

    def __init__(self, matrices: ModelMatrices, state: FitState) -> None:
        self._matrices, self._state = matrices, state
        n = matrices.n_rows
        self._root = np.ones(n) if matrices.weights is None else np.sqrt(matrices.weights)
        self._blocks = RowBlocks(matrices, state)
        self._M = state.vcov / state.sigma**2
        self._lower = np.linalg.cholesky(self._M)
        offset = 0.0 if matrices.offset is None else matrices.offset
        residual = matrices.y - offset - matrices.X @ state.beta
        columns = np.column_stack([matrices.X @ self._lower, residual])
        self._solved = solve_covariance(matrices, state.theta, columns) / self._root[:, None]
        self._Q = np.linalg.qr(matrices.X * self._root[:, None])[0]

    def identifies(self, rows: IndexArray) -> bool:
        """Whether the fixed effects are identified without some rows."""
        Q = self._Q[rows]
        return bool(np.linalg.norm(Q, 2) ** 2 < 1.0 - _NOTHING)

    def estimates(self, rows: IndexArray) -> tuple[Float, Float]:
        """Fixed effects without some rows, and their unscaled covariance matrix."""
        if not self._blocks.fits or len(rows) > _MANY:
            kept = np.delete(np.arange(self._matrices.n_rows), rows)
            problem = LinearProblem.from_matrices(at_rows(self._matrices, kept))
            return fixed_effects_at(problem, self._state.theta, reml=self._state.reml)
        c, r = self._solved[rows, :-1], self._solved[rows, -1]
        P = self._blocks.block(rows) - c @ c.T
        solved = np.linalg.solve(P, np.column_stack([c, r]))
        half = self._lower @ c.T
        M = self._M + half @ solved[:, :-1] @ self._lower.T
        return self._state.beta - half @ solved[:, -1], M


def _notes(lost: Iterable[bool]) -> list[str]:
    return [UNIDENTIFIED if missing else "" for missing in lost]
