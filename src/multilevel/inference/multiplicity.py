"""Several tests at once: p values and intervals that hold for a family of contrasts together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.inference.max_t import LargestT
from multilevel.inference.studentized_range import studentized_range_isf, studentized_range_sf

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.typing import Float

__all__ = ["Adjustment", "Family"]

Adjustment = Literal["none", "tukey", "sidak", "bonferroni", "holm", "bh", "by", "scheffe", "mvt"]


@dataclass(frozen=True)
class Family:
    """A family of two-sided t tests.

    Attributes
    ----------
    statistic, df : ndarray, shape (m,)
        Statistics, none of them NaN, and their degrees of freedom (infinite for z tests). The
        joint distribution is taken, for every statistic in turn, to have its degrees of freedom.
    root : ndarray, shape (m, p)
        The estimates have the covariance matrix ``root @ root.T``.
    n_means : int
        Number of means that the contrasts compare, for Tukey's method.
    """

    statistic: Float
    df: Float
    root: Float
    n_means: int

    def p_values(self, method: Adjustment) -> Float:
        """Adjusted p values, shape (m,).

        Parameters
        ----------
        method : str
            ``"tukey"`` (studentized range: exact for all pairs of means with equal variances,
            conservative otherwise), ``"mvt"`` (largest of the correlated t statistics, by
            quasi-Monte Carlo), ``"scheffe"`` (all contrasts that there are), ``"sidak"``,
            ``"bonferroni"``, ``"holm"`` (Holm 1979), ``"bh"`` and ``"by"`` (false discovery rate:
            Benjamini & Hochberg 1995, Benjamini & Yekutieli 2001), ``"none"``.
        """
        m = len(self.statistic)
        raw = self._single
        if method == "none":
            return raw
        if method == "sidak":
            with np.errstate(divide="ignore"):
                return np.asarray(-np.expm1(m * np.log1p(-raw)))
        if method == "bonferroni":
            return np.minimum(m * raw, 1.0)
        if method == "holm":
            return _stepwise(raw, np.arange(m, 0.0, -1.0), np.maximum.accumulate)
        if method in ("bh", "by"):
            harmonic = float(np.sum(1.0 / np.arange(1, m + 1))) if method == "by" else 1.0
            factors = harmonic * m / np.arange(m, 0.0, -1.0)
            return _stepwise(raw, factors, np.minimum.accumulate, descending=True)
        return self._joint(method)

    def critical_values(self, method: Adjustment, level: float) -> Float:
        """Half widths of the intervals in standard errors, shape (m,).

        All intervals hold together with probability ``level``. Holm's method and those for the
        false discovery rate have no intervals of their own: theirs are Bonferroni's.
        """
        m, alpha = len(self.statistic), 1.0 - level
        if method == "none":
            return _t_isf(alpha, self.df)
        if method == "sidak":
            return _t_isf(-np.expm1(np.log(level) / m), self.df)
        if method in ("bonferroni", "holm", "bh", "by"):
            return _t_isf(alpha / m, self.df)
        degrees, which = np.unique(self.df.round(9), return_inverse=True)
        values = np.array([self._joint_isf(method, alpha, float(df)) for df in degrees])
        return np.asarray(values[which])

    @cached_property
    def rank(self) -> int:
        """Dimension of the space of contrasts."""
        return int(np.linalg.matrix_rank(self.root)) if len(self.root) else 0

    @cached_property
    def _single(self) -> Float:
        """Unadjusted p values."""
        from scipy.special import chdtrc, fdtrc

        square = self.statistic**2
        finite = np.where(np.isinf(self.df), 1.0, self.df)
        return np.asarray(np.where(np.isinf(self.df), chdtrc(1, square), fdtrc(1, finite, square)))

    @cached_property
    def _largest(self) -> LargestT:
        return LargestT(self.root)

    def _joint(self, method: Adjustment) -> Float:
        """Probability that any statistic is as large as each, by the joint distribution."""
        size = np.abs(self.statistic).tolist()
        pairs = list(zip(size, self.df.tolist(), strict=True))
        if method == "tukey":
            root2 = np.sqrt(2.0)
            return np.array([studentized_range_sf(root2 * t, self.n_means, df) for t, df in pairs])
        if method == "scheffe":
            return np.array([_f_sf(t**2 / self.rank, self.rank, df) for t, df in pairs])
        return np.array([self._largest.sf(t, df) for t, df in pairs])

    def _joint_isf(self, method: Adjustment, alpha: float, df: float) -> float:
        """Value that the largest of the statistics exceeds with probability alpha."""
        from scipy.special import chdtri, fdtri

        if method == "tukey":
            return studentized_range_isf(alpha, self.n_means, df) / float(np.sqrt(2.0))
        if method == "scheffe":
            rank = self.rank
            square = chdtri(rank, alpha) if np.isinf(df) else rank * fdtri(rank, df, 1.0 - alpha)
            return float(np.sqrt(square))
        return self._largest.isf(alpha, df)


def _stepwise(
    p: Float, factors: Float, running: Callable[[Float], Float], *, descending: bool = False
) -> Float:
    """Adjusted p values of a stepwise method: factors by rank, made monotone along the steps."""
    order = np.argsort(-p if descending else p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(running(p[order] * factors), 1.0)
    return adjusted


def _f_sf(f: float, df1: int, df2: float) -> float:
    from scipy.special import chdtrc, fdtrc

    return float(chdtrc(df1, df1 * f) if np.isinf(df2) else fdtrc(df1, df2, f))


def _t_isf(alpha: float, df: Float) -> Float:
    """Two-sided quantiles of the t distribution."""
    from multilevel.inference.wald import wald_interval

    one = np.ones(len(df))
    return wald_interval(np.zeros(len(df)), one, 1.0 - alpha, df)[1]
