"""The bootstrap."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitResampling"]


class FitResampling(FitTesting):
    """The bootstrap of a fit."""
