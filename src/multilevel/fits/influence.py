"""Residuals of each level and the influence of rows and groups."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitInfluence"]


class FitInfluence(FitTesting):
    """Residuals of each level and the influence of rows and groups."""
