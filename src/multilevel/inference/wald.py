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


def wald_tests(estimate: Float, std_error: Float, df: float = np.inf) -> WaldTests:
    """Test every coefficient against zero.

    Parameters
    ----------
    estimate, std_error : ndarray, shape (p,)
        Coefficients and their standard errors; NaN gives NaN.
    df : float
        Degrees of freedom; infinite uses the normal distribution.
    """
    from scipy.special import ndtr, stdtr

    statistic = estimate / std_error
    tail = -np.abs(statistic)
    lower = ndtr(tail) if np.isinf(df) else stdtr(df, tail)
    degrees = np.where(np.isnan(estimate), np.nan, df)
    return WaldTests(estimate, std_error, degrees, statistic, 2.0 * lower)


def wald_interval(
    estimate: Float, std_error: Float, level: float, df: float = np.inf
) -> tuple[Float, Float]:
    """Lower and upper bounds ``estimate -+ quantile * std_error``.

    Parameters
    ----------
    estimate, std_error : ndarray
        Coefficients and their standard errors.
    level : float
        Confidence level, between 0 and 1.
    df : float
        Degrees of freedom; infinite uses the normal distribution.
    """
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + level / 2.0
    half = (ndtri(upper) if np.isinf(df) else stdtrit(df, upper)) * std_error
    return estimate - half, estimate + half


def check_level(level: float) -> None:
    """Raise ``ValueError`` unless a confidence level lies strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level!r} is not a confidence level; give e.g. 0.95.")
