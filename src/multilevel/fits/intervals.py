"""Profiles and confidence intervals."""

from __future__ import annotations

from typing import Any

from multilevel.fits.testing import FitTesting
from multilevel.inference.wald import check_level
from multilevel.report.tidy import interval_columns

__all__ = ["FitIntervals"]


class FitIntervals(FitTesting):
    """Profiles and confidence intervals of a fit."""

    def confint(self, *, level: float = 0.95) -> Any:
        """Tabulate Wald intervals of the fixed effects: ``term, estimate, conf_low, conf_high``."""
        check_level(level)
        bounds = interval_columns(self.beta, self.std_errors, level, self._test_df)
        return self._emit({"term": list(self.coef_names), "estimate": self.beta, **bounds})
