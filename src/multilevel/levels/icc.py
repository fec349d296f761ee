"""Intraclass correlations, their intervals, and the design effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.wald import wald_interval
from multilevel.levels.nesting import is_nested

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.design.matrices import ModelMatrices
    from multilevel.levels.variance_partition import VariancePartition
    from multilevel.typing import Float

__all__ = ["Correlations", "correlations", "delta_interval", "pair_weights", "profile_interval"]


@dataclass(frozen=True, slots=True)
class Correlations:
    """Shares of variance of grouping factors, arrays of shape (f,).

    Attributes
    ----------
    share : ndarray
        Variance of the factor over that of all random effects and residuals (the adjusted ICC).
    unadjusted : ndarray
        The same over the total variance, that of the predictors included.
    pair : ndarray
        Correlation of two rows of the same group: a group of an inner factor lies in one group of
        those around it, whose variances count too.
    """

    share: Float
    unadjusted: Float
    pair: Float


def pair_weights(matrices: ModelMatrices) -> Float:
    """Which factors two rows of the same group have in common, shape (f, f), zeros and ones."""
    factors = matrices.factors
    return np.array(
        [
            [is_nested(inner.codes, inner.n_levels, outer.codes) for outer in factors]
            for inner in factors
        ],
        dtype=np.float64,
    ).reshape(len(factors), len(factors))


def correlations(partition: VariancePartition, pairs: Float) -> Correlations:
    """Shares and correlations of a partition of variance."""
    random = partition.random
    return Correlations(
        random / partition.unexplained,
        random / partition.total,
        pairs @ random / partition.unexplained,
    )


def delta_interval(
    partition: VariancePartition, gradient: Float, covariance: Float, level: float
) -> tuple[Float, Float, Float]:
    """Standard errors and Wald intervals of the shares, on the logit scale.

    Parameters
    ----------
    partition : VariancePartition
        Variances.
    gradient : ndarray, shape (f + 1, a)
        Derivatives of the variances of factors and residual in the parameters.
    covariance : ndarray, shape (a, a)
        Covariance matrix of the parameters.
    level : float
        Confidence level.

    Returns
    -------
    tuple of ndarray, shape (f,)
        Standard errors, lower and upper limits; NaN for a variance of zero, where the method does
        not apply.
    """
    total = partition.unexplained
    share = partition.random / total
    slope = (gradient[:-1] - share[:, None] * gradient.sum(axis=0)) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.einsum("fa,ab,fb->f", slope, covariance, slope))
        error = np.where(share > 0.0, error, np.nan)
        low, high = wald_interval(
            np.log(share / (1.0 - share)), error / (share * (1.0 - share)), level
        )
        return error, 1.0 / (1.0 + np.exp(-low)), 1.0 / (1.0 + np.exp(-high))


def profile_interval(
    deviance: Callable[[float], float], theta: float, product: float, level: float
) -> tuple[float, float]:
    """Profile limits of the share of a single random effect, a function of theta alone.

    Parameters
    ----------
    deviance : callable
        Criterion at theta, profiled over everything else.
    theta : float
        The estimate.
    product : float
        Mean of ``z**2``; the share is ``theta**2 z**2 / (theta**2 z**2 + 1)``.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Limits; the lower one is 0 where the criterion does not rise enough before zero.
    """
    from scipy.optimize import brentq
    from scipy.special import chdtri

    rise = deviance(theta) + float(chdtri(1, 1.0 - level))

    def above(at: float) -> float:
        return deviance(at) - rise

    low = 0.0 if above(0.0) <= 0.0 else float(brentq(above, 0.0, theta, xtol=1e-10 * theta))
    outer = 2.0 * theta + 1.0
    while above(outer) < 0.0:
        outer *= 2.0
    high = float(brentq(above, theta, outer, xtol=1e-10 * outer))
    low, high = (t**2 * product / (t**2 * product + 1.0) for t in (low, high))
    return low, high
