"""What can be seen in data before a model is fitted: outliers, curvature, collinearity."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from multilevel.levels.centering import group_means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, Int

__all__ = ["Curvature", "curvature", "inflation", "robust_scores", "swept"]

_FEWEST = 3  # rows of a group from which one of them can lie far from the others
_NORMAL = 1.482602218505602  # standard deviation over median absolute deviation, if normal
_SWEEPS = 50
_CLOSE = 1e-10
_CONSTANT = 1e-9


class Curvature(NamedTuple):
    """Share of what a line leaves that a square explains, its p value and its sign."""

    share: float
    p_value: float
    bends_up: bool


def robust_scores(y: Float, factors: Sequence[Int]) -> Float:
    """Distances of rows from the medians of their groups, as multiples of a robust SD of all rows.

    Only rows of groups with at least 3 rows; empty if most rows lie at the median of their group.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Values.
    factors : sequence of ndarray of int, shape (n,)
        Groups; more than one if they cross.
    """
    kept = np.ones(len(y), dtype=bool)
    for codes in factors:
        kept &= np.bincount(codes)[codes] >= _FEWEST
    rest, own = y[kept], [codes[kept] for codes in factors]
    if not len(rest):
        return rest
    for codes in own * (2 if len(own) > 1 else 1):
        rest = rest - _medians(rest, codes)
    size = np.min([np.bincount(codes)[codes] for codes in own], axis=0)
    # Median distance from the median of n normal values, over that from their centre: by
    # simulation, right to .01 from n = 4 on.
    small = np.where(size == _FEWEST, 0.465, 1.0 - 1.25 / size)
    scale = _NORMAL * float(np.median(np.abs(rest))) / float(small.mean())
    if scale <= _CONSTANT * float(np.abs(y).max()):
        return rest[:0]
    return np.asarray(rest / scale)


def _medians(x: Float, codes: Int) -> Float:
    """Median of the group of every row."""
    order = np.lexsort((x, codes))
    counts = np.bincount(codes)
    first = np.cumsum(counts) - counts
    used = counts > 0
    low = np.where(used, first + (counts - 1) // 2, 0)
    high = np.where(used, first + counts // 2, 0)
    inside = x[order]
    medians: Float = (0.5 * (inside[low] + inside[high]))[codes]
    return medians


def swept(x: Float, factors: Sequence[Int]) -> Float:
    """What indicators of all groups leave of a variable: residuals of least squares."""
    rest: Float = x - x.mean()
    scale = float(np.abs(rest).max())
    for _ in range(_SWEEPS):
        before = rest
        for codes in factors:
            rest = rest - group_means(rest, codes, int(codes.max()) + 1)
        if len(factors) == 1 or float(np.abs(rest - before).max()) <= _CLOSE * scale:
            break
    return rest


def curvature(
    y: Float, x: Float, others: Sequence[Float], factors: Sequence[Int]
) -> Curvature | None:
    """What the square of a variable adds to least squares with indicators of all groups.

    None if the square cannot be told from the rest.

    Parameters
    ----------
    y, x : ndarray, shape (n,)
        Outcome and predictor.
    others : sequence of ndarray, shape (n,)
        Other predictors beside it.
    factors : sequence of ndarray of int, shape (n,)
        Groups.
    """
    scaled = (x - x.mean()) / x.std()
    X = np.column_stack([swept(one, factors) for one in (scaled, *others)])
    square, outcome = (_left(swept(one, factors), X) for one in (scaled**2, y))
    n_groups = sum(len(np.unique(codes)) for codes in factors) - len(factors) + 1
    df = len(y) - n_groups - X.shape[1] - 1
    size, total = float(square @ square), float(outcome @ outcome)
    if df < 1 or size <= _CONSTANT * len(y) or total <= 0.0:
        return None
    product = float(square @ outcome)
    share = min(product**2 / (size * total), 1.0)
    F = share / max(1.0 - share, 1e-300) * df
    return Curvature(share, float(stats.f.sf(F, 1, df)), product > 0.0)


def _left(x: Float, X: Float) -> Float:
    """Residuals of a regression on columns."""
    rest: Float = x - X @ np.linalg.lstsq(X, x, rcond=None)[0]
    return rest


def inflation(columns: Sequence[Float]) -> Float:
    """Variance inflation of every column by the others; infinite if they determine it."""
    R = np.asarray(np.corrcoef(np.column_stack(columns), rowvar=False))
    found = np.empty(len(columns))
    for j in range(len(columns)):
        others = np.delete(np.arange(len(columns)), j)
        weights = np.linalg.lstsq(R[np.ix_(others, others)], R[others, j], rcond=None)[0]
        left = 1.0 - float(R[others, j] @ weights)
        found[j] = 1.0 / left if left > _CONSTANT else np.inf
    return found
