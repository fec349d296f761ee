"""Variance by level and variance explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from multilevel.exceptions import DataError
from multilevel.fits.testing import FitTesting
from multilevel.inference.wald import check_level
from multilevel.typing import check_flag, check_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from multilevel.fits.linear import LinearMixedModel

__all__ = ["FitVariance"]

IntervalMethod = Literal["delta", "profile", "bootstrap"]
R2Method = Literal["nakagawa", "rights-sterba", "raudenbush-bryk", "snijders-bosker"]


class FitVariance(FitTesting):
    """Variance by level and variance explained."""

    def icc(
        self,
        *,
        at: Mapping[str, float] | None = None,
        conf_int: bool = False,
        level: float = 0.95,
        method: IntervalMethod = "delta",
        n: int = 1000,
        rng: int | np.random.Generator | None = None,
    ) -> Any:
        """Intraclass correlations: how much of the variance lies between groups.

        Parameters
        ----------
        at : dict of str to float, optional
            Values of the predictors with random slopes, by the names of the random effects
            (``{"Days": 3}``). With random slopes the variance between groups depends on them; by
            default it is averaged over the rows.
        conf_int : bool
            Add intervals of `icc`.
        level : float
            Confidence level.
        method : {"delta", "profile", "bootstrap"}
            Intervals by the delta method on the logit scale; from the profile of the criterion, for
            models with a single random effect; or percentiles of a parametric bootstrap.
        n : int
            Replicates of the bootstrap.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness of the bootstrap.

        Returns
        -------
        data frame
            One row per grouping factor. ``group, variance``; ``icc``, the share of the variance of
            random effects and residuals that is between these groups (adjusted for predictors: the
            conditional ICC); ``icc_unadjusted``, the share of the total variance, that of the fixed
            effects included (not with `at`); ``correlation`` of two rows of the same group: with
            classes in schools, two rows of a class are of the same school, too; and, if wanted,
            ``std_error, conf_low, conf_high`` (NaN by the delta method for a variance of zero,
            where it does not apply).

        Raises
        ------
        DataError
            For a model without random effects; names in `at` of no random effect, or too few.
        NotSupportedError
            For profile intervals of models with more than one random effect.

        References
        ----------
        Nakagawa, S., Johnson, P. C. D. & Schielzeth, H. (2017). The coefficient of determination
        R2 and intra-class correlation coefficient from generalized linear mixed-effects models
        revisited and expanded. J. R. Soc. Interface 14, 20170213.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.icc()["icc"].round(4).tolist()
        [0.1804]
        """
        from multilevel.fits import variance_tables as tables

        check_flag("conf_int", conf_int)
        check_level(level)
        check_option("method", method, IntervalMethod)
        self._need_groups("intraclass correlation")
        columns = tables.icc_columns(self, at)
        if conf_int:
            columns |= tables.icc_intervals(self, at, level, method, n, rng)
        return self._emit(columns)

    def variance_partition(self, *, at: Mapping[str, float] | None = None) -> Any:
        """Variance of the response by source: predictors, groups, residuals.

        Parameters
        ----------
        at : dict of str to float, optional
            As in :meth:`icc`; the predictors' own variance is left out then.

        Returns
        -------
        data frame
            ``source`` (``"fixed effects"``, the grouping factors, ``"residual"``), ``variance`` and
            ``share`` of the sum (variance partition coefficients).

        Raises
        ------
        DataError
            As :meth:`icc`, but for a model without random effects.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ ses + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.variance_partition()["share"].round(3).tolist()
        [0.077, 0.105, 0.818]
        """
        from multilevel.fits import variance_tables as tables

        return self._emit(tables.partition_columns(self, at))

    def design_effect(self) -> Any:
        """What groups cost: the design effect and the effective number of rows.

        A mean of ``n`` rows in groups of size ``m`` is as precise as one of ``n / (1 + (m - 1)
        icc)`` independent rows (Kish 1965); standard errors of least squares of the mean, and of
        predictors that do not vary within groups, are too small by the root of that.

        Returns
        -------
        data frame
            One row per grouping factor: ``group, n_groups, mean_size, icc, design_effect,
            n_effective, se_ratio``; `icc` is the correlation of two rows of the same group, and
            `se_ratio` by how much least squares understates such standard errors.

        Raises
        ------
        DataError
            For a model without random effects.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.design_effect()[["design_effect", "n_effective"]].round(2).values.tolist()
        [[8.92, 805.62]]
        """
        from multilevel.fits import variance_tables as tables

        self._need_groups("design effect")
        return self._emit(tables.design_columns(self))

    def r2(self, method: R2Method = "nakagawa", *, baseline: LinearMixedModel | None = None) -> Any:
        """Variance explained.

        Parameters
        ----------
        method : {"nakagawa", "rights-sterba", "raudenbush-bryk", "snijders-bosker"}
            - ``"nakagawa"``: marginal (fixed effects) and conditional (fixed and random effects)
              shares of the total variance (Nakagawa, Johnson & Schielzeth 2017).
            - ``"rights-sterba"``: every source of variance, as a share of the total and of the
              variance of its level, for any number of nested or crossed factors (Rights & Sterba
              2019). ``f``: predictors by fixed effects, ``v``: by random slopes, ``m``: differences
              of the means of groups, ``sigma2``: residuals; predictors need not be centred.
            - ``"raudenbush-bryk"``: reduction of each variance of a baseline model.
            - ``"snijders-bosker"``: reduction of the errors of predicting a row and the mean of a
              group; models with random intercepts of one factor.
        baseline : LinearMixedModel, optional
            For the last two: a fit to the same rows; by default the model with a mean and random
            intercepts only, by the same criterion.

        Returns
        -------
        data frame
            ``measure, r2``; by Rights and Sterba ``scope, level, source, group, symbol, variance,
            share, note``, where `scope` is ``"total"`` or a level (without any variance there, its
            shares are NaN); by Raudenbush and Bryk ``level, variance_baseline, variance, r2,
            note``.

        Raises
        ------
        DataError
            For a baseline of other rows, another response or other grouping factors.
        NotSupportedError
            For Snijders and Bosker's measures of models with random slopes or several factors.

        References
        ----------
        Rights, J. D. & Sterba, S. K. (2019). Quantifying explained variance in multilevel models:
        an integrative framework for defining R-squared measures. Psychol. Methods 24, 309-338.
        Raudenbush, S. W. & Bryk, A. S. (2002). Hierarchical Linear Models, 2nd ed., ch. 4.
        Snijders, T. A. B. & Bosker, R. J. (1994). Modeled variance in two-level models. Sociol.
        Methods Res. 22, 342-363.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> fit.r2()["r2"].round(4).tolist()
        [0.2787, 0.7992]
        """
        from multilevel.fits import variance_tables as tables

        check_option("method", method, R2Method)
        if baseline is not None and method in ("nakagawa", "rights-sterba"):
            raise ValueError(f"method={method!r} compares with no baseline; leave baseline out.")
        if method == "nakagawa":
            return self._emit(tables.nakagawa_columns(self))
        self._need_groups("variance by level")
        if method == "rights-sterba":
            return self._emit(tables.rights_sterba_columns(self))
        return self._emit(tables.reduction_columns(self, baseline, method))

    def _need_groups(self, what: str) -> None:
        if not self._matrices.terms:
            raise DataError(
                f"The model has no random effects, and so no {what}; add a term such as "
                "(1 | school)."
            )
