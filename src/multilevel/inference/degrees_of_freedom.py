"""How contrasts of the fixed effects are tested: covariance matrix and degrees of freedom.

Every small-sample method (Satterthwaite, Kenward-Roger, robust covariance, ...) is an object with
the face of :class:`FixedTests`; whatever tests or estimates a linear function of the fixed effects
(tables, F tests, marginal means, predictions) asks that object and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["DfMethod", "FixedTests", "JointTest", "TabledDf", "f_test", "uncorrelated", "variances"]

# Variance of a combination of contrasts of unit variance below which it is zero.
_DEPENDENT = 1e-10

DfMethod = Literal[
    "satterthwaite", "kenward-roger", "between-within", "m-l-1", "residual", "asymptotic"
]


@dataclass(frozen=True, slots=True)
class JointTest:
    """F test of several contrasts together.

    Attributes
    ----------
    statistic : float
        F statistic (scaled, where the method scales it).
    df : int
        Numerator degrees of freedom: the rank of the contrasts.
    df_residual : float
        Denominator degrees of freedom; infinite for the chi-squared test (then ``df * F`` is
        chi-squared).
    p_value : float
        Upper tail.
    """

    statistic: float
    df: int
    df_residual: float
    p_value: float


class FixedTests(Protocol):
    """A method of testing linear functions of the fixed effects.

    Coefficients are those that are kept (shape (p,)); dropped columns are the caller's matter.
    """

    @property
    def label(self) -> str:
        """Name of the method, as tables print it: ``"Satterthwaite"``."""
        ...

    @property
    def note(self) -> str | None:
        """A fact about how the method was applied (reduced model of a singular fit), or None."""
        ...

    @property
    def beta(self) -> Float:
        """Fixed effects, shape (p,)."""
        ...

    @property
    def vcov(self) -> Float:
        """Their covariance matrix by this method, shape (p, p)."""
        ...

    @property
    def root(self) -> Float:
        """Root of it, shape (p, k): ``vcov = root @ root.T``."""
        ...

    def df(self, L: Float) -> Float:
        """Degrees of freedom of the t test of every row of L (m, p), shape (m,)."""
        ...

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """F test of ``L beta = null`` for L of shape (m, p); null is 0 by default."""
        ...


@dataclass(frozen=True, slots=True)
class TabledDf:
    """Tests with degrees of freedom that belong to coefficients.

    A contrast has the smallest number among the coefficients it involves.

    Attributes
    ----------
    label : str
        Name of the method.
    beta, root : ndarray, shape (p,) and (p, k)
        Fixed effects and root of their covariance matrix.
    coefficient_df : ndarray, shape (p,)
        Degrees of freedom of every coefficient; infinite for large samples.
    note : str or None
        A fact about the method's use here.
    """

    label: str
    beta: Float
    root: Float
    coefficient_df: Float
    note: str | None = None

    @property
    def vcov(self) -> Float:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        vcov: Float = self.root @ self.root.T
        return vcov

    def df(self, L: Float) -> Float:
        """Smallest degrees of freedom among the coefficients of every row."""
        involved = np.where(L != 0.0, self.coefficient_df, np.inf)
        smallest: Float = involved.min(axis=1, initial=np.inf)
        return smallest

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """F test with the smallest degrees of freedom of its rows."""
        return f_test(self, L, null, float(self.df(L).min(initial=np.inf)))


def f_test(tests: FixedTests, L: Float, null: Float | None, df_residual: float) -> JointTest:
    """Wald's F test of ``L beta = null`` with given denominator degrees of freedom.

    Rows of L that are linear combinations of others are counted once.
    """
    from scipy.special import chdtrc, fdtrc

    basis = uncorrelated(L, tests.root)
    rank = len(basis)
    if rank == 0:
        return JointTest(np.nan, 0, np.nan, np.nan)
    deviation = L @ tests.beta - (0.0 if null is None else null)
    statistic = float(np.sum((basis @ deviation) ** 2) / rank)
    p_value = (
        chdtrc(rank, rank * statistic)
        if np.isinf(df_residual)
        else fdtrc(rank, df_residual, statistic)
    )
    return JointTest(statistic, rank, df_residual, float(p_value))


def variances(L: Float, root: Float) -> Float:
    """Variances of the rows of L (m, p) by the root (p, k) of a covariance matrix, shape (m,)."""
    half = L @ root
    total: Float = np.einsum("ij,ij->i", half, half)
    return total


def uncorrelated(L: Float, root: Float) -> Float:
    """Combinations B of the rows of L (m, p) with ``B L vcov L' B' = I``, shape (rank, m).

    ``vcov = root @ root.T``.

    Rows are judged after scaling to unit variance, so that the rank does not depend on the units
    of the predictors.
    """
    half = L @ root
    covariance = half @ half.T
    sd = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    scale = np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 0.0)
    values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
    kept = values > _DEPENDENT
    basis: Float = (vectors[:, kept] / np.sqrt(values[kept])).T * scale
    return basis
