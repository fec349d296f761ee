"""A fitted linear mixed model: a thin face over the rooms above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from multilevel.diagnostics.influence import cooks_distance
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.fits.checks import FitChecks
from multilevel.fits.groups import FitGroups
from multilevel.fits.hypotheses import FitHypotheses
from multilevel.fits.influence import FitInfluence
from multilevel.fits.intervals import FitIntervals
from multilevel.fits.marginal import FitMarginal
from multilevel.fits.variance import FitVariance
from multilevel.frames.emit import add_columns
from multilevel.inference.varcomp import variance_hessian
from multilevel.inference.wald import check_level
from multilevel.report.augment import name_columns, spread
from multilevel.report.glance import glance_columns
from multilevel.report.summary import summarize
from multilevel.report.tidy import (
    interval_columns,
    tidy_fixed,
    tidy_group_coefficients,
    tidy_modes,
    tidy_parameters,
    variance_table,
)
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind
    from multilevel.report.tidy import Columns
    from multilevel.report.tree import Summary
    from multilevel.typing import Float

__all__ = ["LinearMixedModel"]

Effects = Literal["fixed", "ran_pars", "ran_vals", "ran_coefs"]


class LinearMixedModel(
    FitChecks, FitInfluence, FitGroups, FitVariance, FitMarginal, FitIntervals, FitHypotheses
):
    """A fitted linear mixed model.

    Made by :func:`multilevel.lmer` or :meth:`multilevel.MixedModel.fit`. Numbers are attributes,
    tables are methods; tables come as the kind of data frame that the data were. A fit does not
    change and can be pickled.

    See Also
    --------
    multilevel.anova, multilevel.compare : Compare fits.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    >>> [round(b, 3) for b in fit.beta.tolist()]
    [251.405, 10.467]
    >>> round(fit.reml_criterion, 3)
    1743.628
    """

    # -- what it looks like -----------------------------------------------------------------------

    def __repr__(self) -> str:
        kind = "REML" if self.reml else "maximum likelihood"
        groups = "".join(f", {n} {name}" for name, n in self.n_groups.items())
        return f"<LinearMixedModel {self.formula!r} by {kind}: {self.nobs} rows{groups}>"

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(
        self,
        *,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Summary:
        """Summarise the fit: print it, or render it by ``to_html``, ``to_latex``, ``to_markdown``.

        Parameters
        ----------
        df_method : str, optional
            Degrees of freedom of the tests: ``"satterthwaite"`` (the default for a model with
            random effects), ``"kenward-roger"``, ``"between-within"``, ``"m-l-1"``,
            ``"residual"`` (the default without random effects) or ``"asymptotic"`` (z tests).
        robust : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
            Cluster-robust standard errors in the place of those of the model.
        cluster : str, optional
            What they are clustered by: a grouping factor or a column of the data; the top-level
            grouping factor by default.
        """
        scaled = self.residuals("pearson") / self.sigma
        model = self.model
        tests, method = self._wald_tests(df_method, robust, cluster)
        return summarize(
            model.matrices, self.state, tests, method, scaled, model.facts, model.notes
        )

    # -- tables -----------------------------------------------------------------------------------

    def tidy(
        self,
        effects: Effects = "fixed",
        *,
        conf_int: bool = False,
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Tabulate estimates, one row each.

        Parameters
        ----------
        effects : {"fixed", "ran_pars", "ran_vals", "ran_coefs"}
            Fixed effects; standard deviations and correlations of the random effects; conditional
            modes; coefficients by group.
        conf_int : bool
            Add intervals ``conf_low`` and ``conf_high``: by the t distribution (fixed effects), by
            Wald's method on a transformed scale (``"ran_pars"``; see :meth:`confint`), or from the
            conditional standard deviations (``"ran_vals"``).
        level : float
            Confidence level.
        df_method, robust, cluster
            How fixed effects are tested, as in :meth:`summary`.

        Raises
        ------
        NotSupportedError
            For intervals of ``"ran_coefs"``.
        """
        check_option("effects", effects, Effects)
        check_level(level)
        if conf_int and effects == "ran_coefs":
            raise NotSupportedError(
                "There are no intervals of the coefficients of groups (effects='ran_coefs'): use "
                "effects='ran_vals' for the conditional modes, or predict(interval='confidence')."
            )
        if effects == "fixed":
            tests, _ = self._wald_tests(df_method, robust, cluster)
            columns = tidy_fixed(self.coef_names, tests)
            bounds = interval_columns(tests.estimate, tests.std_error, level, tests.df)
        elif effects == "ran_pars":
            columns = tidy_parameters(self._matrices, self.state)
            random = self._variance_intervals(level)
            columns["std_error"] = random.std_error
            bounds = {"conf_low": random.low, "conf_high": random.high}
        elif effects == "ran_vals":
            columns = self._tidy_modes(self._groups(None))
            bounds = interval_columns(columns["estimate"], columns["std_error"], level)
        else:
            columns, bounds = self._tidy_coefficients(self._groups(None)), {}
        length = len(columns["term"])
        table = {"effect": [effects] * length, **columns}
        return self._emit(table | bounds if conf_int else table)

    def _tidy_modes(self, groups: list[str]) -> Columns:
        return tidy_modes(self._matrices, self.state, self._covariances, groups)

    def _tidy_coefficients(self, groups: list[str]) -> Columns:
        return tidy_group_coefficients(self._matrices, self.state, self.beta, groups)

    def glance(self) -> Any:
        """Tabulate the fit as a whole: one row of size, criteria and verdicts."""
        return self._emit(glance_columns(self.state))

    def augment(self, newdata: Any = None, *, prefix: str = "") -> Any:
        """Give the data back with columns of the fit added.

        Parameters
        ----------
        newdata : data frame, optional
            Rows to predict; they get ``fitted`` and ``fixed_fitted``. Without it, the data of the
            fit get ``resid``, ``leverage`` and ``cooks_distance``, too.
        prefix : str
            Put before the names of the new columns.

        Returns
        -------
        data frame
            All rows of the data; those that were not used for missing values have NaN.

        Raises
        ------
        DataError
            If the data have a column of a name that would be added.
        """
        if newdata is not None:
            from multilevel.frames.table import Table

            table = Table.from_data(newdata)
            columns = {
                "fitted": self.predict(newdata),
                "fixed_fitted": self.predict(newdata, re_form="none"),
            }
        else:
            table = self.model.design.table
            columns = {
                name: spread(values, self.model.design.rows, table.n_rows)
                for name, values in self._row_columns().items()
            }
        return add_columns(table, name_columns(columns, table.columns, prefix))

    def _row_columns(self) -> dict[str, Float]:
        p = len(self.state.beta)
        pearson = self.residuals("pearson")
        return {
            "fitted": self._fitted,
            "fixed_fitted": self.fitted("none"),
            "resid": self.residuals(),
            "leverage": self._leverage,
            "cooks_distance": cooks_distance(pearson, self._leverage, self.sigma, p),
        }

    def fixef(self) -> Any:
        """Tabulate the fixed effects: ``term``, ``estimate``."""
        return self._emit({"term": list(self.coef_names), "estimate": self.beta})

    def ranef(self, group: str | None = None) -> Any:
        """Tabulate the conditional modes of the random effects.

        Parameters
        ----------
        group : str, optional
            Name of a grouping factor; all of them by default.

        Returns
        -------
        data frame
            ``group, level, term, estimate, std_error``: the mode of each effect given the data and
            its conditional standard deviation (Bates et al. 2015, Eqs. 56-59).
        """
        return self._emit(self._tidy_modes(self._groups(group)))

    def coef(self, group: str | None = None) -> Any:
        """Tabulate the coefficients of every group: fixed effect plus conditional mode.

        Parameters
        ----------
        group : str, optional
            Name of a grouping factor; all of them by default.

        Returns
        -------
        data frame
            ``group, level, term, estimate``.
        """
        return self._emit(self._tidy_coefficients(self._groups(group)))

    def var_corr(self) -> Any:
        """Tabulate variances, standard deviations and correlations of the random effects.

        Returns
        -------
        data frame
            ``group, term, other_term, variance, sd, corr``. A row with ``other_term`` is the
            correlation of two effects. The last row is the residual.
        """
        return self._emit(variance_table(self._matrices, self.state))

    # -- other fits, curvature --------------------------------------------------------------------

    def refit(self, y: Any = None, *, reml: bool | None = None) -> LinearMixedModel:
        """Fit the same model to another response, or by the other criterion.

        What was learnt about the structure of the model is used again, so this takes a small part
        of the time of a new fit.

        Parameters
        ----------
        y : array-like, optional
            Response: one value per row used (shape (nobs,)) or per row of the data. A Series is
            matched with the data by its index. It replaces the left-hand side as a whole: of
            ``log(y) ~ x`` it is the logarithm.
        reml : bool, optional
            REML or maximum likelihood; as it is by default.

        Raises
        ------
        DataError
            If the response has another length, or missing or infinite values.
        """
        reml = self.reml if reml is None else reml
        if y is None:
            # At zero the criterion is flat, so a singular theta is no place to start from.
            return self.model.fit(reml=reml, start=None if self.is_singular else self.theta)
        return self.model.with_response(y).fit(reml=reml)

    def update(
        self, formula: str | None = None, *, reml: bool | None = None, **arguments: Any
    ) -> LinearMixedModel:
        """Fit again with some arguments changed.

        Parameters
        ----------
        formula : str, optional
            New formula, in which ``.`` stands for what was on that side: ``". ~ . + x"``,
            ``". ~ . - (x | g) + (1 | g)"``, ``"log(.) ~ ."``.
        reml : bool, optional
            REML or maximum likelihood.
        **arguments
            Other arguments of :func:`multilevel.lmer`: ``data``, ``weights``, ``offset``,
            ``contrasts``, ``na_action``, ``control``.
        """
        changed = self.model.update(formula, **arguments)
        return changed.fit(reml=self.reml if reml is None else reml)

    def hessian(self) -> Float:
        """Hessian of the deviance or REML criterion in theta, shape (n_theta, n_theta)."""
        return self.model.hessian(self.theta, reml=self.reml)

    def varcomp_hessian(self) -> Float:
        """Hessian of the criterion in the variance components and the residual variance.

        Returns
        -------
        ndarray, shape (n_theta + 1, n_theta + 1)
            In the order of theta: the variances and covariances of every term, lower triangle
            column by column; the residual variance last. Twice its inverse estimates their
            covariance matrix.

        Raises
        ------
        NotSupportedError
            If the fit is singular.
        """
        return variance_hessian(self.hessian(), self._matrices, self.state, self.residuals())

    # -- helpers ----------------------------------------------------------------------------------

    def _groups(self, group: str | None) -> list[str]:
        """Names of the grouping factors asked for."""
        names = list(self.n_groups)
        if not names:
            raise DataError("The model has no random effects.")
        if group is not None and group not in names:
            raise DataError(
                f"There is no grouping factor {group!r}; there are: {', '.join(names)}."
            )
        return names if group is None else [group]
