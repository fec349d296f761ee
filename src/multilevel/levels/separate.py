"""One regression for every group, with nothing shared but the residual variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.rank import independent_columns
from multilevel.levels.group_regression import regress_in_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from multilevel.typing import Float, IndexArray, Int

__all__ = ["SeparateRegressions", "dependent_reasons", "separate_regressions"]


@dataclass(frozen=True, slots=True)
class SeparateRegressions:
    """Least squares in J groups with p coefficients each; NaN in groups that cannot be fitted.

    Attributes
    ----------
    beta : ndarray, shape (J, p)
        Coefficients.
    unscaled : ndarray, shape (J, p, p)
        Their covariance matrices, relative to the residual variance.
    rss : ndarray, shape (J,)
        Residual sums of squares.
    n_rows : ndarray of intp, shape (J,)
        Rows.
    fitted : ndarray of bool, shape (J,)
        Groups that could be fitted.
    """

    beta: Float
    unscaled: Float
    rss: Float
    n_rows: npt.NDArray[np.intp]
    fitted: npt.NDArray[np.bool_]

    @property
    def df(self) -> Float:
        """Residual degrees of freedom of every group, shape (J,)."""
        left = (self.n_rows - self.beta.shape[1]).astype(np.float64)
        return np.where(self.fitted, left, np.nan)

    @property
    def pooled_df(self) -> int:
        """Residual degrees of freedom of all groups that were fitted."""
        return int(np.nansum(self.df))

    @property
    def pooled_sigma(self) -> float:
        """Residual standard deviation of all groups together; NaN without degrees of freedom."""
        df = self.pooled_df
        return float(np.sqrt(np.nansum(self.rss) / df)) if df else float("nan")


def separate_regressions(
    X: Float, y: Float, codes: Int, n_levels: int, weights: Float | None
) -> SeparateRegressions:
    """Fit every group on its own.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Explanatory columns.
    y : ndarray, shape (n,)
        Response.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    n_levels : int
        Number of groups J.
    weights : ndarray, shape (n,), or None
        Prior weights.
    """
    found = regress_in_groups(X, codes, n_levels, [y], weights)
    beta = found.coefficients[:, :, 0]
    residual = y - np.einsum("ij,ij->i", X, beta[codes])
    square = residual**2 if weights is None else weights * residual**2
    rss: Float = np.bincount(codes, square, n_levels).astype(np.float64)
    return SeparateRegressions(beta, found.unscaled, rss, found.n_rows, found.estimable)


def dependent_reasons(
    X: Float, names: Sequence[str], codes: Int, failed: IndexArray, *, intercept: bool
) -> list[str]:
    """Say why groups cannot be fitted: too few rows, or columns that do not vary in them."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], failed)
    stops = np.searchsorted(codes[order], failed, side="right")
    p, reasons = X.shape[1], []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        n = stop - start
        if n < p:
            rows = "1 row" if n == 1 else f"{n} rows"
            reasons.append(f"{rows} for {p} coefficients")
            continue
        kept = independent_columns(X[order[start:stop]], intercept=intercept)
        lost = [name for j, name in enumerate(names) if j not in kept]
        listed = ", ".join(lost) or "a predictor"
        reasons.append(f"{listed}: constant, or a combination of others, in this group")
    return reasons
