"""How a fit tests its fixed effects: the choice of the method, and covariance matrices by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.fits.rows import FitRows
from multilevel.frames.emit import to_frame
from multilevel.inference.degrees_of_freedom import DfMethod, TabledDf
from multilevel.inference.satterthwaite import Satterthwaite
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.report.tidy import Columns

__all__ = ["FitTesting"]


class FitTesting(FitRows):
    """Choice of the method by which the fixed effects of a fit are tested."""

    def _fixed_tests(
        self,
        df_method: DfMethod | None = None,
        robust: str | None = None,
        cluster: str | None = None,
    ) -> FixedTests:
        """Tests of the fixed effects by a method, Satterthwaite's by default; made once."""
        cache = self.__dict__.setdefault("_tests_made", {})
        key = (df_method, robust, cluster)
        if key not in cache:
            cache[key] = self._make_tests(*key)
        made: FixedTests = cache[key]
        return made

    def _make_tests(
        self, df_method: DfMethod | None, robust: str | None, cluster: str | None
    ) -> FixedTests:
        if robust is not None or cluster is not None:
            raise NotSupportedError("Robust covariance matrices are not there yet.")
        if df_method is None:
            df_method = "satterthwaite" if self._matrices.terms else "residual"
        check_option("df_method", df_method, DfMethod)
        beta, vcov = self.state.beta, self.state.vcov
        if df_method == "asymptotic":
            return TabledDf("asymptotic", beta, vcov, np.full(len(beta), np.inf))
        if df_method == "satterthwaite":
            return Satterthwaite(beta, vcov, self.model.problem.curvature(self.state))
        raise NotSupportedError(f"df_method={df_method!r} is not there yet.")

    def _emit(self, columns: Columns) -> Any:
        return to_frame(columns, self.model.design.table)
