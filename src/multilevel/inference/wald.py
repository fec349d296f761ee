"""Wald tests and intervals of coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["WaldTests", "check_level", "wald_interval", "wald_tests"]


@dataclass(frozen=True, slots=True)
class WaldTests:
    """Tests of ``estimate = 0``, one per coefficient; arrays of shape (p,).

    Attributes
    ----------
    estimate, std_error : ndarray
        Coefficients and their standard errors (NaN for a dropped column).
    df : ndarray
        Degrees of freedom of the t distribution; infinite for the normal distribution.
    statistic : ndarray
        ``estimate / std_error``.
    p_value : ndarray
        Two-sided.
    """

    estimate: Float
    std_error: Float
    df: Float
    statistic: Float
    p_value: Float


def wald_tests(estimate: Float, std_error: Float, df: Float | float = np.inf) -> WaldTests:
    """Test every coefficient against zero.

    Parameters
    ----------
    estimate, std_error : ndarray, shape (p,)
        Coefficients and their standard errors; NaN gives NaN.
    df : float or ndarray, shape (p,)
        Degrees of freedom; infinite ones use the normal distribution.
    """
    from scipy.special import ndtr, stdtr

    statistic = estimate / std_error
    tail = -np.abs(statistic)
    degrees = np.where(np.isnan(estimate), np.nan, df)
    lower = np.where(np.isinf(degrees), ndtr(tail), stdtr(_finite(degrees), tail))
    return WaldTests(estimate, std_error, degrees, statistic, 2.0 * lower)


def wald_interval(
    estimate: Float, std_error: Float, level: float, df: Float | float = np.inf
) -> tuple[Float, Float]:
    """Lower and upper bounds ``estimate -+ quantile * std_error``.

    Parameters
    ----------
    estimate, std_error : ndarray
        Coefficients and their standard errors.
    level : float
        Confidence level, between 0 and 1.
    df : float or ndarray of the same shape
        Degrees of freedom; infinite ones use the normal distribution.
    """
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + level / 2.0
    degrees = np.asarray(df, dtype=np.float64)
    quantile = np.where(np.isinf(degrees), ndtri(upper), stdtrit(_finite(degrees), upper))
    half = quantile * std_error
    return estimate - half, estimate + half


def _finite(df: Float) -> Float:
    """Degrees of freedom with 1 in the place of infinity, where another distribution is used."""
    return np.where(np.isinf(df), 1.0, df)


def check_level(level: float) -> None:
    """Raise ``ValueError`` unless a confidence level lies strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level!r} is not a confidence level; give e.g. 0.95.")
