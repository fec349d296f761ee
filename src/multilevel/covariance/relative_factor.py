"""theta and the relative covariance factor Lambda of one random-effects term.

The covariance of a term's k effects within a group is ``sigma**2 * Lambda @ Lambda.T`` with Lambda
lower triangular; theta holds its free entries, column by column (Bates et al. 2015, Eq. 12).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from multilevel._native import _core

if TYPE_CHECKING:
    from multilevel.typing import CovarianceKind, Float

__all__ = ["entries", "from_theta", "lower_factor", "to_theta"]


@lru_cache(maxsize=256)
def entries(kind: CovarianceKind, k: int) -> tuple[tuple[int, int], ...]:
    """(row, column) of the free entries of Lambda, in the order of theta.

    Parameters
    ----------
    kind : {"unstructured", "independent"}
        Covariance of the term.
    k : int
        Number of random-effect columns.
    """
    if kind == "independent":
        return tuple((j, j) for j in range(k))
    return tuple((i, j) for j in range(k) for i in range(j, k))


def from_theta(kind: CovarianceKind, k: int, theta: Float) -> Float:
    """Lambda, shape (k, k), from the term's part of theta."""
    factor = np.zeros((k, k))
    for value, (i, j) in zip(theta, entries(kind, k), strict=True):
        factor[i, j] = value
    return factor


def to_theta(kind: CovarianceKind, factor: Float) -> Float:
    """The term's part of theta from Lambda, shape (k, k)."""
    return np.array([factor[i, j] for i, j in entries(kind, len(factor))])


def lower_factor(matrix: Float) -> Float:
    """Lower-triangular L with nonnegative diagonal and ``L @ L.T == matrix @ matrix.T``.

    By rotations, so that singular covariances lose no accuracy.
    """
    return _core.lower_factor(np.ascontiguousarray(matrix))
