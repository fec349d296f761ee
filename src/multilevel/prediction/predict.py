"""The linear predictor: fixed part, offset and conditional modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.typing import Float, Int

    Mask = npt.NDArray[np.bool_]

__all__ = ["fixed_part", "random_part"]


def fixed_part(X: Float, beta: Float, offset: Float | None) -> Float:
    """Fixed part of the linear predictor, offset included.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Columns that have an estimate; a row with NaN gives NaN.
    beta : ndarray, shape (p,)
        Their coefficients.
    offset : ndarray, shape (n,), or None
        Known part.
    """
    eta = X @ beta
    return eta if offset is None else eta + offset


def random_part(z: Float, codes: Int, modes: Float, chosen: Mask | None = None) -> Float:
    """What one random-effects term adds to the linear predictor.

    Parameters
    ----------
    z : ndarray, shape (n, k)
        Random-effects columns; a row with NaN gives NaN.
    codes : ndarray of int, shape (n,)
        Group of each row; -1 for a group without an estimate, whose effects are 0.
    modes : ndarray, shape (n_levels, k)
        Effects of the groups.
    chosen : ndarray of bool, shape (k,), optional
        Which of the effects to include; all by default.
    """
    if (codes < 0).any():
        modes = np.vstack([modes, np.zeros(modes.shape[1])])  # what the code -1 picks
    total = np.zeros(len(codes))
    for j in range(modes.shape[1]) if chosen is None else np.flatnonzero(chosen):
        part = modes[:, j].take(codes)
        part *= z[:, j]
        total += part
    return total
