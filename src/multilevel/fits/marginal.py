"""Marginal means, trends and their contrasts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from multilevel.fits.testing import FitTesting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.fits.johnson_neyman import JohnsonNeyman
    from multilevel.fits.marginal_means import MarginalMeans
    from multilevel.fits.reference_grid import Averaging, ReferenceGrid
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.linear_functions import LinearFunctions
    from multilevel.inference.robust import RobustKind

__all__ = ["FitMarginal"]


class FitMarginal(FitTesting):
    """Marginal means, trends and their contrasts."""

    def emmeans(
        self,
        specs: str | Sequence[str] | None = None,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: Averaging = "equal",
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> MarginalMeans:
        """Estimate marginal means (least-squares means, population means).

        These are predictions of the fixed part over a grid of predictor values: factors (text,
        categories, booleans, ``C(x)``) at their levels, numeric predictors at their means over the
        rows used, whatever the number of their values; functions in the formula (``log(x)``,
        ``poly(x, 2)``) are evaluated at the value of the predictor. What is not in ``specs`` or
        ``by`` is averaged over. Offsets are held at their mean. Random effects are at their mean
        of zero.

        Parameters
        ----------
        specs : str or sequence of str, optional
            Predictors whose combinations to show; the first varies fastest. By default those with
            several values in ``at``, and without any the overall mean.
        by : str or sequence of str, optional
            Further ones, within whose combinations contrasts will be made.
        at : mapping of str to value or sequence, optional
            Values of predictors in the grid: ``{"age": [8, 14], "sex": "Male"}``.
        weights : {"equal", "proportional", "cells"}
            Weights of the combinations that are averaged over: equal; their frequencies in the rows
            used; their frequencies within each cell that is shown. Prior weights play no part.
        level : float
            Confidence level.
        df_method, robust, cluster
            How the fixed effects are tested, as in :meth:`summary`.

        Returns
        -------
        MarginalMeans
            A table, with the method ``contrast`` for comparisons. A mean that needs a combination
            of predictors which the data do not have is NaN.

        Raises
        ------
        DataError
            For names that are no predictors, numeric predictors without values, unknown levels.
        NotSupportedError
            If the grid is too large.

        References
        ----------
        Searle, S. R., Speed, F. M. & Milliken, G. A. (1980). Population marginal means in the
        linear model: an alternative to least squares means. The American Statistician 34, 216-221.

        Examples
        --------
        >>> import multilevel as mlm
        >>> data = mlm.datasets.load("sleepstudy")
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
        >>> means = fit.emmeans("Days", at={"Days": [0, 5]})
        >>> means.to_frame()["estimate"].round(3).tolist()
        [251.405, 303.742]
        >>> means.contrast("consec").to_frame()["estimate"].round(3).tolist()
        [52.336]
        """
        from multilevel.fits.marginal_tables import marginal_table

        functions = self._linear_functions(level, df_method, robust, cluster)
        return marginal_table(
            self.model.design, self._reference_grid, functions, specs, by, at, weights, level
        )

    def emtrends(
        self,
        specs: str | Sequence[str] | None,
        var: str,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: Averaging = "equal",
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> MarginalMeans:
        """Estimate the slope of a numeric predictor within levels of others (simple slopes).

        The slope is the derivative of the fixed part in ``var``, at the mean of ``var`` unless
        ``at`` says otherwise: exact for polynomials up to degree four, otherwise by differences of
        high order.

        Parameters
        ----------
        specs : str, sequence of str or None
            Predictors whose combinations to show, as in :meth:`emmeans`. With None those with
            several values in ``at``: ``emtrends(None, "x", at={"z": [-1, 0, 1]})``.
        var : str
            A numeric predictor.
        by, at, weights, level, df_method, robust, cluster
            As in :meth:`emmeans`.

        Returns
        -------
        MarginalMeans
            A table of slopes.

        Raises
        ------
        DataError
            If ``var`` is not a numeric predictor, and as in :meth:`emmeans`.
        """
        from multilevel.fits.marginal_tables import marginal_table

        functions = self._linear_functions(level, df_method, robust, cluster)
        return marginal_table(
            self.model.design, self._reference_grid, functions, specs, by, at, weights, level, var
        )

    def joint_tests(
        self,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Test every term of the model by its marginal means, whatever the contrasts in use.

        The hypothesis of a term is that all its interaction contrasts among equally weighted
        marginal means are zero: for factors that of type III. A numeric predictor stands for its
        slope at its mean (or at the value in ``at``), other numeric predictors are held there.

        Parameters
        ----------
        by : str or sequence of str, optional
            Test the terms of the other predictors within each combination of these: simple effects.
        at, df_method, robust, cluster
            As in :meth:`emmeans`.

        Returns
        -------
        data frame
            The columns of ``by``, then ``term``, ``statistic`` (F), ``df``, ``df_residual``,
            ``p_value``. Where combinations do not occur, the contrasts that are estimable are
            tested, which shows in ``df``.
        """
        from multilevel.fits.marginal_tables import joint_tests

        functions = self._linear_functions(0.95, df_method, robust, cluster)
        return self._emit(joint_tests(self._reference_grid, functions, by, at))

    def johnson_neyman(
        self,
        focal: str,
        moderator: str,
        *,
        at: Mapping[str, Any] | None = None,
        weights: Averaging = "equal",
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> JohnsonNeyman:
        """Find where along a moderator the effect of a predictor differs from zero.

        The moderator may be of any level of the data, so that cross-level interactions are no
        special case. Degrees of freedom are those of the method at every value of the moderator.
        Many values are tested at once; the regions are not adjusted for that.

        Parameters
        ----------
        focal : str
            A numeric predictor (its slope is tested), or a factor of two levels (their difference).
        moderator : str
            A numeric predictor that interacts with it, linearly.
        at, weights, level, df_method, robust, cluster
            As in :meth:`emmeans`.

        Returns
        -------
        JohnsonNeyman
            Regions and bounds, and the effects over the observed range of the moderator.

        Raises
        ------
        DataError
            For names that are no predictors, or that do not interact.
        NotSupportedError
            If the effect is not linear in the moderator.

        References
        ----------
        Johnson, P. O. & Neyman, J. (1936). Tests of certain linear hypotheses and their application
        to some educational problems. Statistical Research Memoirs 1, 57-93.

        Bauer, D. J. & Curran, P. J. (2005). Probing interactions in fixed and multilevel
        regression. Multivariate Behavioral Research 40, 373-400.
        """
        from multilevel.fits.johnson_neyman import johnson_neyman

        functions = self._linear_functions(level, df_method, robust, cluster)
        grid = self._reference_grid
        return johnson_neyman(
            self.model.design, grid, functions, focal, moderator, at, weights, level
        )

    def to_marginaleffects(
        self,
        *,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Give the fixed part in the form that the package ``marginaleffects`` takes.

        ``marginaleffects.avg_slopes(fit.to_marginaleffects())``, likewise ``avg_comparisons``,
        ``avg_predictions``, ``hypotheses`` and the rest. Random effects are at their mean of zero.
        Standard errors are those of the method chosen; tests are t tests only where all fixed
        effects have the same degrees of freedom (``"residual"``), else z tests, since
        ``marginaleffects`` has one number for all. Small-sample tests: :meth:`emmeans`. Its
        standard errors of slopes are by differences with tiny steps, right to about 1e-3;
        ``eps_vcov=1.0`` makes them exact, as the fixed part is linear in its coefficients. An
        offset counts as one more coefficient, which is 1 without error.

        Parameters
        ----------
        df_method, robust, cluster
            How the fixed effects are tested, as in :meth:`summary`: this decides their covariance
            matrix.

        Returns
        -------
        object
            A model for functions of ``marginaleffects``; factors are text in its data.

        Raises
        ------
        ImportError
            If the package ``marginaleffects`` is not installed.
        DataError
            If the model was fitted with an array as offset.
        """
        from multilevel.interop.marginaleffects import marginaleffects_model

        tests = self._fixed_tests(df_method, robust, cluster)
        factors = self._reference_grid.factors
        return marginaleffects_model(self.model.design, tests, factors)

    def _linear_functions(
        self,
        level: float,
        df_method: DfMethod | None,
        robust: RobustKind | None,
        cluster: str | None,
    ) -> LinearFunctions:
        from multilevel.inference.linear_functions import LinearFunctions
        from multilevel.inference.wald import check_level

        check_level(level)
        tests = self._fixed_tests(df_method, robust, cluster)
        aliasing = self._reference_grid.aliasing(self.model.design)
        return LinearFunctions(tests, self._matrices.kept, aliasing)

    @cached_property
    def _reference_grid(self) -> ReferenceGrid:
        from multilevel.fits.reference_grid import ReferenceGrid

        return ReferenceGrid(self.model.design)
