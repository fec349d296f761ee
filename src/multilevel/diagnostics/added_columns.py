"""What columns that are not in a model would add to it: score tests without another fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.solver.given_theta import solve_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["AddedColumns", "AddedTest", "add_to_model", "residual_df_of"]

# Part of a column's information that the model leaves, below which the column is a combination of
# the model's own.
_NOTHING = 1e-9
# Differences within groups below this part of a column's largest value are rounding.
_CONSTANT = 1e-9


@dataclass(frozen=True, slots=True)
class AddedTest:
    """F test that columns add nothing.

    Attributes
    ----------
    statistic, df, df_residual, p_value : float
        The test.
    share : float
        Share of the variance that was left which the columns explain, at the level at which they
        vary.
    shift : ndarray, shape (p,)
        By how much the coefficients of the model change with the columns in it.
    """

    statistic: float
    df: int
    df_residual: int
    p_value: float
    share: float
    shift: Float


@dataclass(frozen=True, slots=True)
class AddedColumns:
    """Columns A beside a model whose variance parameters are held at their estimates.

    Attributes
    ----------
    score : ndarray, shape (c,)
        ``A' P y`` with ``P = V^-1 - V^-1 X M X'V^-1``, ``M = (X'V^-1 X)^-1``, and V relative to the
        residual variance.
    information : ndarray, shape (c, c)
        ``A' P A``.
    scale : ndarray, shape (c,)
        Root of the diagonal of ``A' V^-1 A``.
    cross : ndarray, shape (p, c)
        ``M X'V^-1 A``: what the coefficients of the columns take from those of the model.
    rss : float
        ``y' P y``.
    n_free : int
        Rows minus columns of X.
    """

    score: Float
    information: Float
    scale: Float
    cross: Float
    rss: float
    n_free: int

    def rank(self, columns: Sequence[int]) -> int:
        """How many of the columns are no combinations of the model's own and of one another."""
        return int(self._basis(np.asarray(columns, dtype=np.intp)).shape[1])

    def test(self, columns: Sequence[int], df_residual: int) -> AddedTest | None:
        """Test some of the columns together.

        Parameters
        ----------
        columns : sequence of int
            Which ones.
        df_residual : int
            Degrees of freedom that a single column is tested against; each further one takes one.

        Returns
        -------
        AddedTest or None
            None if the columns are all combinations of the model's own, or no degrees of freedom
            are left.
        """
        from scipy import stats

        basis = self._basis(np.asarray(columns, dtype=np.intp))
        df = basis.shape[1]
        left = min(df_residual - df + 1, self.n_free - df)
        if df == 0 or left <= 0:
            return None
        scores = basis.T @ self.score
        explained = float(scores @ scores)
        residual = max(self.rss - explained, np.finfo(float).tiny) / (self.n_free - df)
        statistic = explained / df / residual
        return AddedTest(
            statistic,
            df,
            left,
            float(stats.f.sf(statistic, df, left)),
            statistic * df / (statistic * df + left),
            -self.cross @ (basis @ scores),
        )

    def _basis(self, columns: IndexArray) -> Float:
        """Combinations of columns whose scores are independent, shape (c, df)."""
        used = columns[self.scale[columns] > 0.0]
        scale = self.scale[used]
        values, vectors = np.linalg.eigh(
            self.information[np.ix_(used, used)] / np.outer(scale, scale)
        )
        kept = values > _NOTHING
        basis = np.zeros((len(self.score), int(kept.sum())))
        basis[used] = vectors[:, kept] / scale[:, None] / np.sqrt(values[kept])
        return basis


def add_to_model(
    matrices: ModelMatrices, state: FitState, residual: Float, A: Float
) -> AddedColumns:
    """Score and information of columns that are not in a model.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    residual : ndarray, shape (n,)
        Response minus fitted value, random effects included: ``P y`` is that times the weights.
    A : ndarray, shape (n, c)
        The columns.
    """
    weighted = residual if matrices.weights is None else residual * matrices.weights
    X = matrices.X
    centred = A - A.mean(axis=0)  # a column's origin is a matter of the intercept
    A = centred if _has_constant(X) else A
    solved = solve_covariance(matrices, state.theta, A)
    cross = state.vcov / state.sigma**2 @ (X.T @ solved)
    own = A.T @ solved
    information = own - (solved.T @ X) @ cross
    n, p = X.shape
    return AddedColumns(
        score=A.T @ weighted,
        information=(information + information.T) / 2.0,
        scale=np.sqrt(own.diagonal()),
        cross=cross,
        rss=state.sigma**2 * (n - p if state.reml else n),
        n_free=n - p,
    )


def _has_constant(X: Float) -> bool:
    return any(bool((column == column[0]).all()) and column[0] != 0.0 for column in X.T)


def residual_df_of(matrices: ModelMatrices, column: Float) -> int:
    """Degrees of freedom that a single added column is tested against.

    The groups of the coarsest factor within which the column is constant, or else the rows, less
    the columns of X that are constant there and the column itself. A column that varies within
    all groups has the rows less all columns, as in the inner-outer rule of Pinheiro & Bates (2000,
    Mixed-Effects Models in S and S-PLUS, section 2.4.2) but for the groups' own means.
    """
    X = matrices.X
    for factor in sorted(matrices.factors, key=lambda factor: factor.n_levels):
        first = np.unique(factor.codes, return_index=True)[1]
        if _same(column, column[first][factor.codes]):
            inside = sum(_same(x, x[first][factor.codes]) for x in X.T)
            return factor.n_levels - int(inside) - 1
    return int(len(X) - X.shape[1] - 1)


def _same(a: Float, b: Float) -> bool:
    return bool(np.abs(a - b).max() <= _CONSTANT * np.abs(a).max(initial=0.0))
