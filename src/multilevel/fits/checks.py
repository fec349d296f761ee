"""Checks of assumptions."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitChecks"]


class FitChecks(FitTesting):
    """Checks of assumptions."""
