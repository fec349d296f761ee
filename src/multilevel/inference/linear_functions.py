"""Linear functions of all fixed effects, those that were dropped from X included.

A function is estimable if it is a combination of the rows of X (Searle 1971, Linear Models, section
5.4): then it does not matter which of the collinear columns were dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.degrees_of_freedom import variances
from multilevel.inference.wald import WaldTests, wald_tests

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.inference.degrees_of_freedom import FixedTests, JointTest
    from multilevel.typing import Float, IndexArray

__all__ = ["LinearFunctions", "combine"]

# Collinear columns are found to a part of 1e-7 of their length, and relations hold to that.
TOLERANCE = 1e-6
# Weights that cancel leave this part of the size of the summands at most.
ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class LinearFunctions:
    """What can be said of linear functions of the fixed effects.

    Attributes
    ----------
    tests : FixedTests
        Method of testing the coefficients that are kept.
    kept : ndarray of intp, shape (p,)
        Their positions among all coefficients.
    aliasing : ndarray, shape (p, p_all - p)
        The dropped columns of X are ``X[:, kept] @ aliasing``.
    """

    tests: FixedTests
    kept: IndexArray
    aliasing: Float

    def estimable(self, L: Float) -> npt.NDArray[np.bool_]:
        """Tell which rows of L (m, p_all) the data determine; those with NaN they do not."""
        gap, size = self._gap(L)
        with np.errstate(invalid="ignore"):
            inside = (np.abs(gap) <= TOLERANCE * size).all(axis=1)
        return np.asarray(inside & ~np.isnan(L).any(axis=1))

    def estimable_part(self, L: Float) -> Float:
        """Combinations of the rows of L that are estimable, as many as are independent."""
        gap, size = self._gap(L)
        if not gap.size:
            return L
        scaled = gap / np.maximum(size.max(axis=0), np.finfo(float).tiny)
        left, values, _ = np.linalg.svd(scaled)
        rank = int((values > TOLERANCE).sum())
        combined: Float = left[:, rank:].T @ L
        return combined

    def evaluate(self, L: Float, constant: Float | float = 0.0) -> WaldTests:
        """Test ``L beta + constant = 0`` row by row; NaN where it is not estimable.

        Without degrees of freedom (robust tests of what rests on one cluster) there is no standard
        error, because the variance cannot be seen.
        """
        inside = self.estimable(L)
        rows = L[np.ix_(inside, self.kept)]
        estimate, error, df = (np.full(len(L), np.nan) for _ in range(3))
        estimate[inside] = rows @ self.tests.beta
        error[inside] = np.sqrt(variances(rows, self.tests.root))
        df[inside] = self.tests.df(rows)
        error[inside] = np.where(np.isnan(df[inside]) & rows.any(axis=1), np.nan, error[inside])
        with np.errstate(divide="ignore", invalid="ignore"):
            return wald_tests(estimate + constant, error, df)

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """F test of ``L beta = null`` for estimable rows L (m, p_all)."""
        return self.tests.joint(L[:, self.kept], null)

    def root(self, L: Float) -> Float:
        """Matrix whose product with its transpose is the covariance matrix of ``L beta``."""
        root: Float = L[:, self.kept] @ self.tests.root
        return root

    def _gap(self, L: Float) -> tuple[Float, Float]:
        """By how much L contradicts the relations between columns, and sizes to compare with."""
        gone = np.setdiff1d(np.arange(L.shape[1]), self.kept)
        ours = L[:, self.kept]
        size = np.abs(ours) @ np.abs(self.aliasing) + np.abs(L[:, gone])
        return ours @ self.aliasing - L[:, gone], size


def combine(weights: Float, L: Float) -> Float:
    """``weights @ L``, exactly zero where the summands cancel (df may depend on it).

    A row of L without a value (NaN) matters only where it has a weight.
    """
    lost = np.asarray(np.isnan(L).any(axis=1))
    known = np.where(lost[:, None], 0.0, L)
    combined: Float = weights @ known
    combined[np.abs(combined) <= ROUNDING * (np.abs(weights) @ np.abs(known))] = 0.0
    combined[np.abs(weights[:, lost]).sum(axis=1) > 0.0] = np.nan
    return combined
