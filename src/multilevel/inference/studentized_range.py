"""The studentized range: the distribution behind Tukey's comparisons of all pairs of means.

Both integrals are by the trapezoidal rule on the whole line, which converges exponentially for
analytic integrands that vanish at both ends (Trefethen & Weideman 2014, SIAM Review 56, 385-458).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["studentized_range_isf", "studentized_range_sf"]

# Half width and spacing of the grid of the standard normal: what is beyond is below 1e-17, and the
# rule's error is of the order exp(-2 (pi / spacing)^2), with k in the hundreds still below 1e-12.
NORMAL_REACH, NORMAL_STEP = 9.0, 0.125
# Density of log S, relative to its peak, that is left out at either end.
NEGLIGIBLE = 1e-18
SCALE_POINTS, SCALE_STEP = 64, 0.05  # at least so many points, at most so far apart


def studentized_range_sf(q: float, k: int, df: float) -> float:
    """Probability that the range of k means exceeds q standard errors.

    Parameters
    ----------
    q : float
        Range over the standard error of one mean, not negative.
    k : int
        Number of means, at least 2.
    df : float
        Degrees of freedom of the standard error; infinite if it is known.
    """
    if not q > 0.0:
        return float("nan") if np.isnan(q) else 1.0
    if np.isinf(df):
        return float(_range_sf(np.array([q]), k)[0])
    scale, density = _log_scale(df)
    return float(density @ _range_sf(q * np.exp(scale), k))


def studentized_range_isf(p: float, k: int, df: float) -> float:
    """Range, in standard errors of one mean, that k means exceed with probability p."""
    from scipy.optimize import brentq

    upper = 4.0
    while studentized_range_sf(upper, k, df) > p:
        upper *= 2.0
    return float(brentq(lambda q: studentized_range_sf(q, k, df) - p, 0.0, upper, xtol=1e-10))


def _range_sf(width: Float, k: int) -> Float:
    """Probability that the range of k standard normals exceeds each width.

    The density of the largest being at z, the others are not all within ``width`` below it:
    ``k int phi(z) Phi(z)^(k-1) {1 - [1 - Phi(z - width) / Phi(z)]^(k-1)} dz``, without the
    cancellation of the usual formula.
    """
    from scipy.special import log_ndtr

    z = np.arange(-NORMAL_REACH, NORMAL_REACH + NORMAL_STEP, NORMAL_STEP)
    log_below = log_ndtr(z)
    log_largest = np.log(k) - z**2 / 2.0 - np.log(2.0 * np.pi) / 2.0 + (k - 1) * log_below
    ratio = np.exp(np.minimum(log_ndtr(z - width[:, None]) - log_below, 0.0))
    with np.errstate(divide="ignore"):
        outside = -np.expm1((k - 1) * np.log1p(-ratio))
    probability: Float = NORMAL_STEP * (outside @ np.exp(log_largest))
    return probability


def _log_scale(df: float) -> tuple[Float, Float]:
    """Points and weights for the logarithm of ``S = sqrt(chi2(df) / df)``.

    Its density is proportional to ``exp{df (x - (e^{2x} - 1) / 2)}``, with the peak at 0.
    """
    depth = -np.log(NEGLIGIBLE) / df
    # Left of 0 the exponent falls faster than both of these, right of 0 faster than -x^2.
    lower = -min(depth + 0.5, max(np.sqrt(3.0 * depth), depth))
    upper = np.sqrt(depth)
    x = np.linspace(lower, upper, max(SCALE_POINTS, int((upper - lower) / SCALE_STEP)))
    density = np.exp(df * (x - np.expm1(2.0 * x) / 2.0))
    return x, density / density.sum()
