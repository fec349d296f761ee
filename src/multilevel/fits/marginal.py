"""Marginal means, trends and their contrasts."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitMarginal"]


class FitMarginal(FitTesting):
    """Marginal means, trends and their contrasts."""
