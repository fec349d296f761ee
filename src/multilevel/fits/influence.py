"""Residuals of each level and the influence of rows and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.diagnostics.level_residuals import ResidualKind, ResidualScale
from multilevel.exceptions import DataError
from multilevel.fits.testing import FitTesting
from multilevel.prediction.cases import ROWS
from multilevel.typing import check_flag, check_option

if TYPE_CHECKING:
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float

__all__ = ["FitInfluence"]


class FitInfluence(FitTesting):
    """Residuals of each level and the influence of rows and groups."""

    def hatvalues(self) -> Float:
        """Leverages of the rows used, shape (nobs,).

        They are the derivatives of each fitted value by its own response. Random effects are
        counted, so that the sum lies between the number of fixed effects and
        that of fixed and random effects (Hodges & Sargent 2001, Biometrika 88, 367-379).

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", mlm.datasets.load("sleepstudy"))
        >>> round(float(fit.hatvalues().sum()), 5)
        17.89245
        """
        return self._leverage.copy()

    def level_residuals(
        self,
        level: str = ROWS,
        *,
        kind: ResidualKind = "conditional",
        scale: ResidualScale = "raw",
    ) -> Any:
        """Tabulate the residuals of the rows or of the groups of a factor.

        Parameters
        ----------
        level : str
            ``"rows"``, or the name of a grouping factor.
        kind : {"conditional", "marginal", "least-squares"}
            Of rows: ``"conditional"``, the response minus the fitted value, which depends on the
            predicted random effects; ``"marginal"``, the response minus the fixed part;
            ``"least-squares"``, residuals of a regression within each group of the finest factor
            on all predictors that vary there, which are free of random effects and so show the
            distribution of the errors alone (Hilden-Minton 1995; Loy & Hofmann 2014).
            Of groups: ``"conditional"``, the empirical-Bayes predictions of the random effects;
            ``"least-squares"``, the coefficients from the rows of the group alone (after the
            predicted effects of factors that are not nested in it are subtracted) minus what the
            fixed effects say of the group.
        scale : {"raw", "standardized", "studentized"}
            ``"standardized"``: divided by the standard deviation by the model of what the residual
            stands for: sigma (divided by the root of the prior weight), the marginal standard
            deviation of the response, or the standard deviation of the random effect
            (least-squares residuals of groups: with their sampling error). ``"studentized"``:
            divided by the standard deviation of the residual itself, which is smaller because
            coefficients were estimated and effects predicted; these have variance 1 if the model
            is right.

        Returns
        -------
        data frame
            Of rows: ``row`` (position in the data, from 0), ``fitted`` (what was subtracted from
            the response), ``residual``, ``note``. Of groups: ``group, level, term, residual,
            note``. The note says why a residual is missing, or why it is zero whatever the
            response.

        Raises
        ------
        DataError
            If there is no such factor, or, for least squares, no random effects.
        NotSupportedError
            For marginal residuals of groups; for least-squares residuals of rows in crossed
            groups, and studentized ones of groups of a factor that others are not nested in.

        See Also
        --------
        residuals : Conditional residuals of the rows as an array.
        ranef : Conditional modes with their standard deviations.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> table = fit.level_residuals(kind="least-squares", scale="studentized")
        >>> table["residual"].abs().nlargest(2).round(2).tolist()
        [5.54, 4.66]
        >>> groups = fit.level_residuals("Subject", scale="studentized")
        >>> groups["residual"].head(2).round(2).tolist()
        [0.11, 1.74]
        """
        check_option("kind", kind, ResidualKind)
        check_option("scale", scale, ResidualScale)
        if level == ROWS:
            return self._emit(self._row_residuals(kind, scale))
        return self._emit(self._group_residuals(self._factor(level), kind, scale))

    def influence(
        self,
        by: str = ROWS,
        *,
        exact: bool = False,
        n_jobs: int | None = None,
        progress: bool = False,
    ) -> Any:
        """Tabulate what leaving out each row or group does to the estimates.

        Parameters
        ----------
        by : str
            ``"rows"``, or the name of a grouping factor: its groups are left out with all their
            rows.
        exact : bool
            Fit again without each unit, starting at the estimates. By default the variance
            parameters are held at the estimates with all rows, which gives the fixed effects
            without a unit in closed form: for the cost of about one fit.
        n_jobs : int, optional
            Number of workers for fits, -1 for all cores; as in :meth:`bootstrap`.
        progress : bool
            Show a progress bar of the fits.

        Returns
        -------
        data frame
            One row per unit: ``row`` (position in the data, from 0) or ``group, level, n_rows``,
            and, beta and C being the fixed effects and their covariance matrix, beta_i and C_i
            those without the unit, and p the number of fixed effects:

            - ``cooks_distance``: ``(beta - beta_i)' C^-1 (beta - beta_i) / p``;
            - ``mdffits``: the same with ``C_i^-1``;
            - ``covratio``: ``|C_i| / |C|``, above 1 if the unit makes the estimates more precise;
            - ``covtrace``: ``|tr(C^-1 C_i) - p|``, zero if it does not change the precision;
            - ``estimate__x``: coefficient of x without the unit;
            - ``dfbetas__x``: coefficient of x minus that without the unit, divided by the standard
              error of the latter;
            - ``rvc__x|g`` and ``rvc__residual`` (exact only): relative change of a variance,
              without the unit over with all rows, minus 1; for variances that are not zero;
            - ``note``: why there are no values for a unit (the rest does not identify the fixed
              effects or the variances).

        Raises
        ------
        DataError
            If there is no such factor, or no fixed effect.

        Notes
        -----
        Cook (1977); Christensen, Pearson & Johnson (1992, Technometrics 34, 38-45); the table is
        that of Loy & Hofmann (2014, J. Stat. Softw. 56(5), section 4), who hold the variances, and
        of Nieuwenhuis, te Grotenhuis & Pelzer (2012, R J. 4(2), 38-47), who do not. With m units,
        look at those with a Cook's distance above ``4 / m`` or DFBETAS beyond ``2 / sqrt(m)``, and
        at conclusions that change; these are advice on where to look, not tests.

        R's lme4 multiplies Cook's distances by groups by ``(m - p) / m``. :meth:`augment` has
        another Cook's distance of rows, that of fixed and random effects together.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> table = fit.influence("Subject", exact=True)
        >>> largest = table.nlargest(2, "cooks_distance")
        >>> dict(zip(largest["level"], largest["cooks_distance"].round(3)))
        {'309': 0.149, '335': 0.129}
        """
        from multilevel.fits.deletions import influence_columns

        check_flag("exact", exact)
        if not len(self.state.beta):
            raise DataError("The model has no fixed effects that rows or groups could influence.")
        f = None if by == ROWS else self._factor(by)
        return self._emit(influence_columns(self, f, exact, n_jobs, progress))

    def _factor(self, name: str) -> int:
        """Position of a grouping factor."""
        names = list(self.n_groups)
        if name not in names:
            known = ", ".join(map(repr, [ROWS, *names]))
            raise DataError(f"{name!r} is no level of the model; the levels are {known}.")
        return names.index(name)

    def _used_rows(self) -> Any:
        """Positions in the data of the rows used."""
        rows = self.model.design.rows
        return np.arange(self.nobs) if rows is None else rows

    def _row_residuals(self, kind: ResidualKind, scale: ResidualScale) -> Columns:
        from multilevel.diagnostics.level_residuals import row_residuals

        found = row_residuals(self._matrices, self.state, self._fitted, self._leverage, kind)
        return {
            "row": self._used_rows(),
            "fitted": self._matrices.y - found.raw,
            "residual": found.on(scale),
            "note": _notes(found.own_sd == 0.0, "fitted exactly whatever the response"),
        }

    def _group_residuals(self, f: int, kind: ResidualKind, scale: ResidualScale) -> Columns:
        from multilevel.diagnostics.level_residuals import group_residuals

        found = group_residuals(self.model.problem, self.state, f, kind)
        factor = self._matrices.factors[f]
        terms = [term for term in self._matrices.terms if term.factor == f]
        names = [name for term in terms for name in term.names]
        values = found.on(scale)
        zero = _notes(found.sd == 0.0, "its variance is estimated as zero")
        lost = np.isnan(found.raw)
        return {
            "group": [factor.name] * values.size,
            "level": np.repeat(factor.levels, len(names)),
            "term": names * factor.n_levels,
            "residual": values.ravel(),
            "note": np.where(lost, "the group's rows do not determine it", zero).ravel(),
        }


def _notes(where: Any, text: str) -> Any:
    """Column of notes: the text at some places."""
    return np.where(where, text, "").astype(object)
