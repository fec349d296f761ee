"""Influence of single rows on a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["cooks_distance"]


def cooks_distance(pearson: Float, leverage: Float, sigma: float, p: int) -> Float:
    """Cook's distance of every row at the estimated variance components (Cook 1977).

    Parameters
    ----------
    pearson : ndarray, shape (n,)
        Pearson residuals.
    leverage : ndarray, shape (n,)
        Derivative of each fitted value by its own response.
    sigma : float
        Residual standard deviation.
    p : int
        Number of estimated fixed effects.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the leverage is 1, or where there is no fixed effect.
    """
    if p == 0:
        return np.full(len(pearson), np.nan)
    free = np.where(leverage < 1.0, 1.0 - leverage, np.nan)
    return np.square(pearson / (sigma * free)) * leverage / p
