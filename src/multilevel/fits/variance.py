"""Variance by level and variance explained."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitVariance"]


class FitVariance(FitTesting):
    """Variance by level and variance explained."""
