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
    k = max(int(np.ceil(SPAN * len(x))), 3)
    low = _nearest(x, at, k)
    reach = max(at - x[low], x[low + k - 1] - at)
    high = int(np.searchsorted(x, at + reach, side="right"))
    low = int(np.searchsorted(x, at - reach))
    if reach == 0.0:
        return float(y[low:high].mean())
    scaled = np.abs(x[low:high] - at) / (1.000001 * reach)
    w = np.clip(1.0 - scaled * scaled * scaled, 0.0, None)
    w *= w * w
    dx, part = x[low:high] - at, y[low:high]
    s0, s1, s2 = w.sum(), w @ dx, w @ (dx * dx)
    spread = s0 * s2 - s1**2
    if spread <= 1e-12 * s0 * s2:
        return float(w @ part / s0)
    return float((s2 * (w @ part) - s1 * (w @ (dx * part))) / spread)


def _nearest(x: Float, at: float, k: int) -> int:
    """Where the k values nearest to a point begin; x ascends."""
    low, high = 0, len(x) - k
    while low < high:
        middle = (low + high) // 2
        if at - x[middle] > x[middle + k] - at:
            low = middle + 1
        else:
            high = middle
    return low


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
