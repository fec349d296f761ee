"""Tests of terms: analysis of variance, contrasts, random-effects terms."""

from __future__ import annotations

from typing import Any

from multilevel.fits.testing import FitTesting

__all__ = ["FitHypotheses"]


class FitHypotheses(FitTesting):
    """Hypothesis tests of a fit."""

    def anova(self, *others: FitHypotheses) -> Any:
        """Test this fit against others by the likelihood ratio; see :func:`multilevel.anova`."""
        from multilevel.fits.compare import anova

        return anova(self, *others)
