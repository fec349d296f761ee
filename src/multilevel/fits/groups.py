"""What a fit says about its groups."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError
from multilevel.fits.testing import FitTesting
from multilevel.inference.wald import check_level
from multilevel.randomness import random_generator

if TYPE_CHECKING:
    import numpy as np

    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.state import FitState

__all__ = ["FitGroups"]


class FitGroups(FitTesting):
    """What a fit says about its groups."""

    def reliability(self, group: str | None = None, *, per_group: bool = False) -> Any:
        """Reliability of the estimates of groups: the share of their variance that is true.

        Of coefficient q of group j it is ``tau_qq / (tau_qq + v_qqj)``: the variance of the random
        effect, and the sampling variance of the least-squares estimate from the rows of the group
        (Raudenbush & Bryk 2002, ch. 3). For a random intercept that is ``tau / (tau +
        sigma**2 / n_j)``. Effects of factors that are nested in the groups are part of the sampling
        variance; effects of other factors (above the groups or crossed with them) are taken as
        known.

        Parameters
        ----------
        group : str, optional
            Name of a grouping factor; all of them by default.
        per_group : bool
            Every group instead of the mean.

        Returns
        -------
        data frame
            ``group, term, variance, reliability, n_groups, n_used, verdict``. The mean is over the
            ``n_used`` groups in which the random-effect columns are linearly independent, as in
            HLM; the verdict says what it allows. With ``per_group``: ``group, level, term, n_rows,
            reliability``, NaN where the rows of a group (too few, or without variation) do not
            determine all its coefficients.

        Raises
        ------
        DataError
            For a model without random effects, and a factor that it does not have.

        References
        ----------
        Raudenbush, S. W. & Bryk, A. S. (2002). Hierarchical Linear Models, 2nd ed. Sage.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.reliability()["reliability"].round(4).tolist()
        [0.9014]
        """
        from multilevel.fits import group_tables as tables

        found = self._effects_of(group)
        make = tables.reliability_columns if per_group else tables.reliability_means
        return self._emit(make(found))

    def shrinkage(self, group: str | None = None) -> Any:
        """Tabulate estimates of every group without, with partial and with complete pooling.

        Parameters
        ----------
        group : str, optional
            Name of a grouping factor; all of them by default.

        Returns
        -------
        data frame
            ``group, level, term, n_rows`` and

            - ``no_pooling, std_error``: least squares from the rows of the group alone (a predictor
              with the same slope in all groups has that of the model); NaN where they do not
              determine all coefficients of the group;
            - ``partial_pooling``: the prediction of the model, ``population`` plus the conditional
              mode;
            - ``population``: what the fixed effects say of a group with its predictors;
            - ``complete_pooling``: the same by least squares over all rows, groups ignored;
            - ``shrinkage``: one minus the :meth:`reliability`. With one random effect it is the
              part of the way from ``no_pooling`` to ``population`` that the prediction goes.

        Raises
        ------
        DataError
            As :meth:`reliability`.

        Notes
        -----
        With several random effects the prediction is ``population + T (T + V_j)^-1 (no_pooling -
        population)``, T being the covariance of the effects and V_j that of ``no_pooling``
        (Raudenbush & Bryk 2002, ch. 3): a slope borrows from the intercept, so that it may go
        further than its own shrinkage, or the other way.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> table = fit.shrinkage()
        >>> table[["no_pooling", "partial_pooling", "complete_pooling"]].head(2).round(2)
           no_pooling  partial_pooling  complete_pooling
        0      244.19           253.66            251.41
        1       21.76            19.67             10.47
        """
        from multilevel.fits import group_tables as tables

        found = self._effects_of(group)
        return self._emit(
            tables.pooling_columns(self._matrices, self.state, self._without_groups, found)
        )

    def ranks(
        self,
        group: str | None = None,
        term: str | None = None,
        *,
        level: float = 0.95,
        n: int = 2000,
        rng: int | np.random.Generator | None = None,
    ) -> Any:
        """Rank groups by their random effects, and say how uncertain the ranks are.

        The expected rank is one plus the sum, over all other groups, of the probability that they
        are lower, given the data (Laird & Louis 1989; Lingsma et al. 2010). It uses the joint
        distribution of all effects, the errors of the fixed effects included, with variances taken
        as known. Whether ranking is worth it, :meth:`reliability` tells.

        Parameters
        ----------
        group, term : str, optional
            A grouping factor and a random effect, such as ``"Intercept"``; all by default.
        level : float
            Level of the intervals.
        n : int
            Draws from the joint distribution, for the intervals.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        data frame
            ``group, level, term, n_rows, estimate, std_error, expected_rank, percentile, conf_low,
            conf_high, verdict``. Rank 1 is the lowest. ``percentile`` is ``100 (expected_rank -
            1/2) / J``; the interval is that of the rank; the verdict says whether it lies in the
            upper or the lower half. ``std_error`` counts the errors of the fixed effects, that in
            :meth:`ranef` does not.

        Raises
        ------
        DataError
            As :meth:`reliability`, and for an effect that the model does not have.
        NotSupportedError
            For more than 20,000 groups; with crossed factors, and for the lower of nested ones, for
            models of more than 6,000 effects.

        References
        ----------
        Laird, N. M. & Louis, T. A. (1989). Empirical Bayes ranking methods. J. Educ. Statist. 14,
        29-46.
        Lingsma, H. F. et al. (2010). Comparing and ranking hospitals based on outcome: results from
        the Netherlands Stroke Survey. QJM 103, 99-108.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.ranks(rng=1)["expected_rank"].round(1).tolist()[:3]
        [31.3, 92.8, 12.5]
        """
        from multilevel.fits import group_tables as tables

        check_level(level)
        if n < 1:
            raise ValueError(f"n={n!r} is no number of draws; give 1 or more.")
        draws = tables.RankDraws(level, n, random_generator(rng))
        found = self._effects_of(group)
        return self._emit(tables.rank_columns(self._matrices, self.state, found, term, draws))

    def group_differences(
        self, *, n: int = 10_000, rng: int | np.random.Generator | None = None
    ) -> Any:
        """Test whether groups differ, in all ways there are.

        Parameters
        ----------
        n : int
            Number of draws of the exact test.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        data frame
            ``term, test, statistic, df, p_value, note``:

            - ``"chi-squared of group estimates"``, for every random effect: the squared deviations
              of least-squares estimates in the groups from what the fixed effects say, over their
              sampling variances (Raudenbush & Bryk 2002, ch. 3), with as many degrees of
              freedom as groups, less the predictors of the coefficient, its mean among them;
            - ``"likelihood ratio"``: as in :meth:`ranova`, by the mixture of chi-squared
              distributions where it is known;
            - ``"exact likelihood ratio"``, for a variance that is not part of a covariance matrix:
              as in :meth:`exact_rlrt`.

        Raises
        ------
        DataError
            For a model without random effects.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
        >>> table = fit.group_differences(n=1000, rng=1)
        >>> table[["statistic", "df"]].iloc[0].round(3).tolist()
        [1660.232, 159.0]
        """
        from multilevel.fits.group_tests import difference_columns

        found = self._effects_of(None)
        return self._emit(
            difference_columns(self.model, self.state, found, n, random_generator(rng))
        )

    def vs_ols(self, *, cluster: str | None = None) -> Any:
        """Put the fixed effects beside ordinary least squares, which ignores groups.

        Least squares takes all rows as independent. Its standard errors are too small for
        predictors that vary between groups, for which the number of groups counts, and too large
        for those that vary within groups only, which are compared inside groups where the
        differences between groups do not disturb.

        Parameters
        ----------
        cluster : str, optional
            Grouping factor, or column of the data, by which robust standard errors and shares of
            variance are computed; the top-level grouping factor by default.

        Returns
        -------
        data frame
            ``term, estimate_ols, std_error_ols, std_error_robust, estimate, std_error, ratio,
            between, verdict``: least squares with naive and with cluster-robust (CR2) standard
            errors; the estimate and standard error of this fit, and the ratio of that to the naive
            one; the share of the variance of the predictor that lies between clusters; and what it
            means in words.

        Raises
        ------
        DataError
            For a model without random effects, and for crossed factors unless ``cluster`` names
            one.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ ses + sector + (1 | school)", mlm.datasets.load("hsb"))
        >>> print(fit.vs_ols()["verdict"].tolist()[2])
        varies between school only; least squares understates the standard error by 55%
        """
        from multilevel.fits.ols import ols_columns

        self._factors_of(None)
        try:
            name, codes = self._clusters(cluster)
        except DataError as error:
            if cluster is not None:
                raise
            names = list(self.n_groups)
            raise DataError(
                f"No grouping factor contains all others ({', '.join(names)}). Name the one to "
                f"compare by, as in vs_ols(cluster={names[0]!r}); robust standard errors then "
                "allow for that one only."
            ) from error
        made = self.__dict__.setdefault("_ols_made", {})
        if name not in made:
            made[name] = ols_columns(self._matrices, self.state, name, codes)
        return self._emit(copy.deepcopy(made[name]))

    def _factors_of(self, group: str | None) -> list[int]:
        names = list(self.n_groups)
        if not names:
            raise DataError("The model has no random effects.")
        if group is not None and group not in names:
            raise DataError(
                f"There is no grouping factor {group!r}; there are: {', '.join(names)}."
            )
        return [f for f, name in enumerate(names) if group in (None, name)]

    def _effects_of(self, group: str | None) -> list[FactorEffects]:
        from multilevel.levels.factor_effects import factor_effects

        made: dict[int, FactorEffects] = self.__dict__.setdefault("_effects_made", {})
        for f in self._factors_of(group):
            if f not in made:
                made[f] = factor_effects(self._matrices, self.state, f)
        return [made[f] for f in self._factors_of(group)]

    @cached_property
    def _without_groups(self) -> FitState:
        from multilevel.fits.ols import fit_without_groups

        return fit_without_groups(self._matrices)[1]
