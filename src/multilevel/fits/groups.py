"""What a fit says about its groups."""

from __future__ import annotations

from multilevel.fits.testing import FitTesting

__all__ = ["FitGroups"]


class FitGroups(FitTesting):
    """What a fit says about its groups."""
