"""The largest of several correlated t statistics, in absolute value.

With ``T = Z / S``, Z normal with covariance matrix ``A A'``, A of r columns, write ``Z = A R u``:
u is a direction, uniform on the sphere, and ``(R / S)^2 / r`` has the F distribution with r and df
degrees of freedom. So

    P(max |T_j| > t) = E_u P(F > t^2 / (r g(u)^2)),    g(u) = max_j |a_j' u|,

where only the direction has to be sampled (the spherical-radial form of the integral; Genz & Bretz
2009, Computation of Multivariate Normal and t Probabilities, section 4.2). The same average over
all j in the place of the maximum is P(|T_1| > t), known exactly: their ratio has less error than
either, least of all in the tail. Directions are a fixed set of quasi-random points, so that results
are the same every time; singular correlation matrices (all pairs of means) are no special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["LargestT"]

# Directions, and contrasts times directions at most: two to three digits of a p value are right for
# 20 means, more for fewer (see the tests).
LOG2_DIRECTIONS, LEAST_LOG2_DIRECTIONS = 15, 10
MOST_PRODUCTS = 1 << 26
CHUNK = 1 << 21  # of them in memory at a time
# g lies between 0 and 1; P(F > .) is as good as linear within so narrow a bin.
BINS = 4096
# Singular values below this part of the largest are rounding.
RANK_TOLERANCE = 1e-9
SEED = 20080101


@dataclass(frozen=True)
class LargestT:
    """Distribution of ``max |T_j|`` for t statistics with a common scale.

    Attributes
    ----------
    root : ndarray, shape (m, p)
        The estimates' covariance matrix is a multiple of ``root @ root.T`` (which may be singular).
    """

    root: Float

    def sf(self, t: float, df: float) -> float:
        """Probability that the largest of the statistics exceeds t, not negative."""
        from scipy.special import chdtrc, fdtrc

        if not t > 0.0:
            return float("nan") if np.isnan(t) else 1.0
        rank, reach, largest, each = self._reach
        bound = (t / reach) ** 2
        tails = chdtrc(rank, bound) if np.isinf(df) else fdtrc(rank, df, bound / rank)
        single = float(chdtrc(1, t**2) if np.isinf(df) else fdtrc(1, df, t**2))
        average = float(each @ tails)
        return min(single * float(largest @ tails) / average, 1.0) if average > 0.0 else 0.0

    def isf(self, p: float, df: float) -> float:
        """Value that the largest of the statistics exceeds with probability p."""
        from scipy.optimize import brentq

        upper = 4.0
        while self.sf(upper, df) > p:
            upper *= 2.0
        return float(brentq(lambda t: self.sf(t, df) - p, 0.0, upper, xtol=1e-10))

    @cached_property
    def _reach(self) -> tuple[int, Float, Float, Float]:
        """Rank r, values of g, and how often g(u) and any ``|a_j' u|`` take them."""
        scaled = self.root / np.linalg.norm(self.root, axis=1, keepdims=True)
        left, values, _ = np.linalg.svd(scaled, full_matrices=False)
        kept = values > RANK_TOLERANCE * values[0]
        A = left[:, kept] * values[kept]
        directions = _directions(*A.shape)
        largest, each = np.zeros(BINS), np.zeros(BINS)
        step = max(CHUNK // len(A), 1)
        for start in range(0, len(directions), step):
            reach = np.abs(directions[start : start + step] @ A.T)
            bins = np.minimum(reach * BINS, BINS - 1).astype(np.int32)
            largest += np.bincount(bins.max(axis=1), minlength=BINS)
            each += np.bincount(bins.ravel(), minlength=BINS)
        middle = (np.arange(BINS) + 0.5) / BINS
        return A.shape[1], middle, largest / largest.sum(), each / each.sum()


def _directions(m: int, rank: int) -> Float:
    """Points that are spread evenly over the unit sphere, shape (a power of 2, rank)."""
    affordable = int(np.log2(MOST_PRODUCTS / m))
    log2 = min(max(affordable, LEAST_LOG2_DIRECTIONS), LOG2_DIRECTIONS)
    n = 1 << log2
    if rank == 1:
        return np.ones((n, 1))
    if rank == 2:
        angle = np.pi * (np.arange(n) + 0.5) / n
        return np.column_stack([np.cos(angle), np.sin(angle)])
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    shift = np.random.default_rng(SEED).random(rank)
    points = ndtri((Sobol(rank, scramble=False).random_base2(log2) + shift) % 1.0)
    unit: Float = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit
