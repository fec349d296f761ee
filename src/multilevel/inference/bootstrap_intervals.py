"""Confidence intervals from bootstrap replicates, on arrays.

Davison & Hinkley (1997), Bootstrap Methods and their Application, chapter 5; Efron (1987), J. Am.
Stat. Assoc. 82, 171-185, for BCa. Quantiles are order statistics at ``(n + 1) p``, interpolated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.inference.wald import check_level
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["IntervalMethod", "acceleration", "bias_and_error", "bootstrap_intervals"]

IntervalMethod = Literal["percentile", "basic", "normal", "bca"]


def bias_and_error(estimates: Float, replicates: Float) -> tuple[Float, Float, Float]:
    """Bias and standard error of every statistic.

    Parameters
    ----------
    estimates : ndarray, shape (s,)
        Statistics of the fit.
    replicates : ndarray, shape (n, s)
        Their replicates; those that are not finite (a correlation with an effect whose variance
        is zero) are left out.

    Returns
    -------
    bias, std_error : ndarray, shape (s,)
        Mean of the replicates minus estimate, and their standard deviation.
    n : ndarray, shape (s,)
        Finite replicates of each.
    """
    columns = [_finite(column) for column in replicates.T]
    mean = np.array([x.mean() if len(x) else np.nan for x in columns])
    error = np.array([x.std(ddof=1) if len(x) > 1 else np.nan for x in columns])
    return mean - estimates, error, np.array([len(x) for x in columns])


def bootstrap_intervals(
    estimates: Float,
    replicates: Float,
    level: float,
    method: IntervalMethod,
    accelerations: Float | None = None,
) -> tuple[Float, Float]:
    """Lower and upper bounds for every statistic.

    Parameters
    ----------
    estimates : ndarray, shape (s,)
        Statistics of the fit.
    replicates : ndarray, shape (n, s)
        Their replicates; those that are not finite are left out.
    level : float
        Confidence level.
    method : {"percentile", "basic", "normal", "bca"}
        Quantiles of the replicates; those reflected at the estimate; estimate less bias plus and
        minus normal quantiles times the standard error; bias-corrected and accelerated quantiles.
    accelerations : ndarray, shape (s,), optional
        For BCa: see :func:`acceleration`.

    Returns
    -------
    tuple of ndarray, shape (s,)
        NaN where a bound is not defined: fewer than two finite replicates, an estimate or an
        acceleration that is NaN, and for BCa all replicates on one side of the estimate.

    Raises
    ------
    ValueError
        For an unknown method or level.
    """
    check_level(level)
    check_option("method", method, IntervalMethod)
    bounds = np.full((len(estimates), 2), np.nan)
    if accelerations is None:
        accelerations = np.zeros(len(estimates))
    for i, estimate in enumerate(estimates):
        values = _finite(replicates[:, i])
        if len(values) < 2 or not np.isfinite(estimate):
            continue
        if method == "normal":
            bounds[i] = _normal(estimate, values, level)
        elif method == "bca":
            bounds[i] = _bca(estimate, values, level, accelerations[i])
        else:
            low, high = _quantiles(values, np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0]))
            basic = method == "basic"
            bounds[i] = (2.0 * estimate - high, 2.0 * estimate - low) if basic else (low, high)
    return bounds[:, 0], bounds[:, 1]


def acceleration(jackknife: Float) -> Float:
    """Acceleration of every statistic from the jackknife (Efron 1987, Eq. 6.6 and section 7).

    Parameters
    ----------
    jackknife : ndarray, shape (g, s)
        The statistics without each of the g units in turn.

    Returns
    -------
    ndarray, shape (s,)
        A sixth of the skewness of the jackknife values, over the root of g, sign reversed; zero
        where they are all the same, NaN where one is NaN.
    """
    deviation = jackknife.mean(axis=0) - jackknife
    squares = (deviation**2).sum(axis=0)
    cubes = (deviation**3).sum(axis=0)
    skewness: Float = cubes / (6.0 * np.where(squares == 0.0, 1.0, squares) ** 1.5)
    return skewness


def _finite(values: Float) -> Float:
    return values[np.isfinite(values)]


def _quantiles(values: Float, p: Float) -> Float:
    quantiles: Float = np.quantile(values, p, method="weibull")
    return quantiles


def _normal(estimate: float, values: Float, level: float) -> Float:
    from scipy.special import ndtri

    half = ndtri(0.5 + level / 2.0) * values.std(ddof=1)
    centre = 2.0 * estimate - values.mean()
    return np.array([centre - half, centre + half])


def _bca(estimate: float, values: Float, level: float, a: float) -> Float:
    """Efron (1987), Eq. 3.9; replicates equal to the estimate count half below it."""
    from scipy.special import ndtr, ndtri

    below = (np.mean(values < estimate) + np.mean(values <= estimate)) / 2.0
    if not 0.0 < below < 1.0 or np.isnan(a):
        return np.full(2, np.nan)
    z0 = ndtri(below)
    z = z0 + ndtri(np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0]))
    return _quantiles(values, ndtr(z0 + z / (1.0 - a * z)))
