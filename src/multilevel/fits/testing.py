"""How a fit tests its fixed effects: the choice of the method, and covariance matrices by it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.covariance import CovarianceMatrix
from multilevel.fits.rows import FitRows
from multilevel.frames.emit import to_frame
from multilevel.inference.cluster_blocks import top_level_factor
from multilevel.inference.degrees_of_freedom import DfMethod, TabledDf
from multilevel.inference.kenward_roger import kenward_roger
from multilevel.inference.level_df import between_within, level_based, residual_df
from multilevel.inference.robust import robust_tests
from multilevel.inference.satterthwaite import satterthwaite
from multilevel.inference.wald import wald_tests
from multilevel.prediction.joint_covariance import joint_covariance
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.inference.robust import RobustKind, RobustTests
    from multilevel.inference.wald import WaldTests
    from multilevel.report.tidy import Columns
    from multilevel.solver.curvature import Curvature
    from multilevel.typing import Float, Int

__all__ = ["FitTesting"]


class FitTesting(FitRows):
    """Choice of the method by which the fixed effects of a fit are tested."""

    @cached_property
    def vcov(self) -> CovarianceMatrix:
        """Covariance matrix of :attr:`beta`, shape (p, p); NaN for dropped columns.

        Called, it gives other forms: ``fit.vcov(robust="CR2", cluster="school")``,
        ``fit.vcov(df_method="kenward-roger")``, ``fit.vcov(full=True)``.
        """
        return CovarianceMatrix.of(self._expand_square(self.state.vcov), self)

    def _covariance(
        self,
        df_method: DfMethod | None,
        robust: RobustKind | None,
        cluster: str | None,
        full: bool,
    ) -> Float:
        if full:
            if any(option is not None for option in (df_method, robust, cluster)):
                raise ValueError(
                    "full=True gives the joint covariance by the model; leave df_method=, robust= "
                    "and cluster= out."
                )
            return joint_covariance(self._matrices, self.state)
        return self._expand_square(self._fixed_tests(df_method, robust, cluster).vcov)

    def _expand_square(self, matrix: Float) -> Float:
        return self._expand(self._expand(matrix).T).T

    def _fixed_tests(
        self,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> FixedTests:
        """Tests of the fixed effects by a method, Satterthwaite's by default; made once."""
        cache = self.__dict__.setdefault("_tests_made", {})
        key = (df_method, robust, cluster)
        if key not in cache:
            cache[key] = self._make_tests(*key)
        made: FixedTests = cache[key]
        return made

    def _wald_tests(
        self,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> tuple[WaldTests, FixedTests]:
        """Tests of all coefficients (NaN for dropped ones), and the method."""
        method = self._fixed_tests(df_method, robust, cluster)
        df = method.df(np.eye(len(method.beta)))
        # without degrees of freedom (a coefficient that rests on one cluster) there is no error
        errors = self._expand(np.where(np.isnan(df), np.nan, np.sqrt(method.vcov.diagonal())))
        return wald_tests(self.beta, errors, self._expand(df)), method

    @cached_property
    def _curvature(self) -> Curvature:
        return self.model.problem.curvature(self.state)

    def _make_tests(
        self, df_method: DfMethod | None, robust: RobustKind | None, cluster: str | None
    ) -> FixedTests:
        if robust is not None or cluster is not None:
            return self._robust_tests(df_method, robust, cluster)
        if df_method is None:
            df_method = self._default_df_method
        check_option("df_method", df_method, DfMethod)
        if df_method == "asymptotic":
            infinite = np.full(len(self.state.beta), np.inf)
            return TabledDf("asymptotic", self.state.beta, self.state.root, infinite)
        if df_method == "satterthwaite":
            return satterthwaite(self.state, self._curvature)
        if df_method == "kenward-roger":
            return kenward_roger(self._matrices, self.state)
        rules = {"between-within": between_within, "m-l-1": level_based, "residual": residual_df}
        return rules[df_method](self._matrices, self.state)

    def _robust_tests(
        self, df_method: DfMethod | None, robust: RobustKind | None, cluster: str | None
    ) -> RobustTests:
        if robust is None:
            raise ValueError(
                f"cluster={cluster!r} needs the kind of robust covariance matrix: robust='CR2' is "
                "the best for few clusters."
            )
        if df_method is not None:
            raise ValueError(
                "Robust tests have degrees of freedom of their own: give robust= or df_method=, "
                "not both."
            )
        name, codes = self._clusters(cluster)
        return robust_tests(self._matrices, self.state, robust, codes, name)

    def _clusters(self, cluster: str | None) -> tuple[str, Int]:
        """Name of a grouping factor or column, and the cluster of each row used."""
        factors = {factor.name: factor for factor in self._matrices.factors}
        if cluster is None:
            cluster = self._matrices.factors[top_level_factor(self._matrices)].name
        if cluster in factors:
            return cluster, factors[cluster].codes
        design = self.model.design
        if not design.table.has(cluster):
            known = ", ".join(dict.fromkeys([*factors, *design.table.columns]))
            raise DataError(
                f"cluster={cluster!r} is neither a grouping factor of the model nor a column of "
                f"the data. There are: {known}."
            )
        codes = design.table.column(cluster).codes
        return cluster, codes if design.rows is None else codes[design.rows]

    @property
    def _default_df_method(self) -> DfMethod:
        """Satterthwaite's; without random effects the t tests of least squares, which are exact."""
        if self._matrices.terms:
            return "satterthwaite"
        return "residual" if self.reml else "asymptotic"

    def _emit(self, columns: Columns) -> Any:
        return to_frame(columns, self.model.design.table)
