"""Residuals of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["pearson_residuals"]


def pearson_residuals(residual: Float, weights: Float | None) -> Float:
    """Residuals times the root of the prior weights: all have the variance ``sigma**2``."""
    return residual if weights is None else residual * np.sqrt(weights)
