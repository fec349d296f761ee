"""Smooth curves through points: means where values repeat, local regression otherwise.

Cleveland (1979, J. Amer. Statist. Assoc. 74, 829-836), without the robust iterations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["density", "smooth"]

# Part of the points that a local regression uses.
SPAN = 0.6
# Distinct values up to which the curve is that of means.
FEW = 20
REPEATS = 3
KNOTS = 60
BINS = 1024


def smooth(x: Float, y: Float) -> Float:
    """Smooth y over x, at every x, shape (n,).

    Up to 20 distinct values of x that repeat (three times on average) have the mean of y there.
    Otherwise lines are fitted to the nearest 60 % of the points with tricube weights at 60
    quantiles of x, and joined.
    """
    values, places = np.unique(x, return_inverse=True)
    if (len(values) <= FEW and len(x) >= REPEATS * len(values)) or len(values) < 3:
        means: Float = np.bincount(places, y) / np.bincount(places)
        return np.asarray(means[places], dtype=np.float64)
    order = np.argsort(x, kind="stable")
    xs, ys = x[order], y[order]
    knots = np.unique(np.quantile(xs, np.linspace(0.0, 1.0, KNOTS)))
    curve = np.array([_local_line(xs, ys, knot) for knot in knots])
    return np.asarray(np.interp(x, knots, curve), dtype=np.float64)


def _local_line(x: Float, y: Float, at: float) -> float:
    """Value at a point of the weighted line through its neighbours; x ascends."""
    n, k = len(x), max(int(np.ceil(SPAN * len(x))), 3)
    start = int(np.searchsorted(x, at))
    low, high = max(start - k, 0), min(start + k, n)
    away = np.abs(x[low:high] - at)
    reach = np.partition(away, k - 1)[k - 1]
    if reach == 0.0:
        return float(y[low:high][away == 0.0].mean())
    w = np.clip(1.0 - (away / (1.000001 * reach)) ** 3, 0.0, None) ** 3
    dx, part = x[low:high] - at, y[low:high]
    s0, s1, s2 = w.sum(), w @ dx, w @ dx**2
    spread = s0 * s2 - s1**2
    if spread <= 1e-12 * s0 * s2:
        return float(w @ part / s0)
    return float((s2 * (w @ part) - s1 * (w @ (dx * part))) / spread)


def density(values: Float, grid: Float) -> Float:
    """Density of values on an evenly spaced grid by a Gaussian kernel.

    The bandwidth is Silverman's (1986, Eq. 3.31): 0.9 n^(-1/5) times the smaller of the standard
    deviation and the interquartile range over 1.34.
    """
    from scipy.ndimage import gaussian_filter1d

    step = grid[1] - grid[0]
    low, high = np.quantile(values, [0.25, 0.75])
    spread = min(s for s in (values.std(ddof=1), (high - low) / 1.34, np.inf) if s > 0.0)
    width = 0.9 * spread * len(values) ** -0.2 if np.isfinite(spread) else step
    edges = np.append(grid - step / 2.0, grid[-1] + step / 2.0)
    counts = np.histogram(values, edges)[0] / (len(values) * step)
    curve: Float = gaussian_filter1d(counts.astype(np.float64), width / step, mode="constant")
    return curve
