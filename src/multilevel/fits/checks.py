"""Checks of assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.influence import FitInfluence
from multilevel.inference.wald import check_level

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from multilevel.fits.simulated_residuals import Held, SimulatedResiduals
    from multilevel.typing import Float, Int

__all__ = ["FitChecks"]


class FitChecks(FitInfluence):
    """Checks of assumptions."""

    def check(self, *, time: str | None = None, rng: int | np.random.Generator | None = 0) -> Any:
        """Check the assumptions of the model at every level, in one table.

        Parameters
        ----------
        time : str, optional
            Column of the data by which the rows of a group follow one another, for their
            autocorrelation; the order of the data by default.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness of the simulated responses.

        Returns
        -------
        data frame
            ``check, level, term, measure, statistic, df, p_value, verdict, message``, one row for
            each check that applies: ``level`` is ``"model"``, ``"rows"`` or a grouping factor;
            ``measure`` says what the statistic is. The verdict is ``"ok"``; ``"look"`` at it,
            the message says where; ``"problem"``: conclusions may be wrong; or ``"not checked"``,
            with the reason.

            - ``convergence``, ``hessian``: at a minimum, and the only one around;
            - ``singularity``: random effects without variance in some direction, and which to drop
              (:meth:`random_pca`); ``number of groups``, ``group sizes``;
            - ``collinearity``: the largest variance inflation (:meth:`vif`);
            - ``linearity``: F tests of the squares of the fitted values (Ramsey 1969) and of every
              numeric predictor;
            - ``exogeneity``: F test of the means of predictors in groups (Mundlak 1978): whether
              effects within groups are those between them;
            - ``normality``: of the residuals, and of the predictions of every random effect;
            - ``homoscedasticity``: residual variance along fitted values (Koenker 1981), and in
              groups with at least 10 degrees of freedom (H of Raudenbush & Bryk 2002, p. 264);
            - ``outliers``: rows and groups; ``influence``: of groups on conclusions;
            - ``autocorrelation``: of rows that follow one another in a group, beyond that which
              predicted group effects bring about;
            - ``simulated responses``: least and largest value, beside simulations
              (:meth:`predictive_check`).

        Raises
        ------
        DataError
            If there is no column `time`, or it has missing values.

        Notes
        -----
        A verdict needs a small p value (below .01, for a problem .001) and a departure that is
        large enough to matter; p values alone find nothing in small and everything in large data.
        The thresholds and where they come from are in :mod:`multilevel.diagnostics.verdicts`.
        Tests hold the variance parameters at their estimates.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ ses + (1 | school)", mlm.datasets.load("hsb"))
        >>> table = fit.check()
        >>> table.loc[table["verdict"] != "ok", ["check", "level", "verdict"]]
                          check   level  verdict
        5            exogeneity  school  problem
        14  simulated responses    rows     look
        15  simulated responses    rows     look
        """
        from multilevel.fits.check_model import check_model
        from multilevel.fits.check_residuals import check_residuals
        from multilevel.fits.check_simulated import check_simulated
        from multilevel.fits.check_table import as_columns

        checks = [*check_model(self), *check_residuals(self, time), *check_simulated(self, rng)]
        return self._emit(as_columns(checks))

    def vif(self) -> Any:
        """Tabulate the variance inflation of every term of the fixed part.

        Returns
        -------
        data frame
            ``term, df, vif, scaled_vif, tolerance``: the (generalised) variance inflation factor
            of Fox & Monette (1992), the factor ``vif ** (1 / (2 df))`` by which standard errors
            are multiplied, and ``1 / vif``. A term without other terms beside it has 1.

        Raises
        ------
        DataError
            If the model has no fixed effects but the intercept.

        References
        ----------
        Fox, J. & Monette, G. (1992). Generalized collinearity diagnostics. Journal of the American
        Statistical Association 87, 178-183.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ ses + sector + (1 | school)", mlm.datasets.load("hsb"))
        >>> fit.vif()["vif"].round(4).tolist()
        [1.0084, 1.0084]
        """
        from multilevel.fits.inflation import inflation_columns

        columns = inflation_columns(self)
        if not columns["term"]:
            raise DataError("The model has no fixed effects whose variance others could inflate.")
        return self._emit(columns)

    def random_pca(self) -> Any:
        """Tabulate the principal components of the random effects of every term.

        Every effect counts by what it makes of the response: its standard deviation times the root
        mean square of its column, so that the units of predictors do not matter (those of the
        columns of factors are alike as they are; Bates, Kliegl, Vasishth & Baayen 2015,
        arXiv:1506.04967).

        Returns
        -------
        data frame
            ``group, random_term, component, sd, share, term, loading, message``: standard deviation
            of a component in units of the response, its share of the variance of the term, and the
            part that each effect has in it. The message of a component that does not vary says
            what the model could lose.

        Raises
        ------
        DataError
            If the model has no random effects.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> fit.random_pca()[["component", "sd", "term", "loading"]].round(2)
           component     sd       term  loading
        0          1  31.72  Intercept     0.13
        1          1  31.72       Days     0.99
        2          2  24.61  Intercept     0.99
        3          2  24.61       Days    -0.13
        """
        from multilevel.fits.principal_components import component_columns

        if not self._matrices.terms:
            raise DataError("The model has no random effects.")
        return self._emit(component_columns(self))

    def simulated_residuals(
        self,
        n: int = 250,
        *,
        re_form: Held = "none",
        by: str | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> SimulatedResiduals:
        """Find the place of observed responses among responses that the fit simulates.

        Parameters
        ----------
        n : int
            Number of simulations.
        re_form : {"none", "all"}
            Random effects to hold: ``"none"``, all are drawn anew, which checks the whole model;
            ``"all"``, rows are compared with what is predicted for their groups, which checks the
            residual part. A simulation is then a fitted value with a residual that a simulated
            response has when effects are estimated and predicted from it: residuals of a fit vary
            less than errors.
        by : str, optional
            Grouping factor, or column of the data: the means of its groups take the place of the
            rows.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        SimulatedResiduals
            ``residuals``, uniform if the model is right; ``to_frame()``; ``tests()``.

        Raises
        ------
        DataError
            If `by` is neither a grouping factor nor a column, or has missing values.

        References
        ----------
        Dunn, P. K. & Smyth, G. K. (1996). Randomized quantile residuals. Journal of Computational
        and Graphical Statistics 5, 236-244.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> simulated = fit.simulated_residuals(rng=1)
        >>> simulated.tests()[["test", "level", "p_value"]].round(2)
                 test    level  p_value
        0  uniformity     rows     0.60
        1  dispersion     rows     0.77
        2      spread  Subject     0.02
        3    outliers     rows     1.00
        """
        from multilevel.fits.simulated_residuals import simulate_residuals

        return simulate_residuals(self, n, re_form, by, rng)

    def predictive_check(
        self,
        statistic: Callable[[Float], Any] | None = None,
        *,
        n: int = 1000,
        level: float = 0.95,
        rng: int | np.random.Generator | None = None,
    ) -> Any:
        """Compare statistics of the response with those of responses that the fit simulates.

        Parameters
        ----------
        statistic : callable, optional
            Function of a response, shape (nobs,), that gives a number or a dict of numbers. By
            default mean, standard deviation, least and largest value, skewness, and for every
            grouping factor the standard deviation of the groups' means (``sd_between__g``) and of
            rows around them (``sd_within__g``).
        n : int
            Number of simulations.
        level : float
            Level of the interval.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        data frame
            ``statistic, observed, simulated, conf_low, conf_high, p_value``: the mean and the
            central interval of simulated statistics, and a two-sided p value by rank. It is too
            large for what the model was fitted to (mean, standard deviations), and fair for what it
            was not.

        Raises
        ------
        ValueError
            If the statistic gives other names for simulated responses.
        DataError
            If it is not finite.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("math ~ ses + (1 | school)", mlm.datasets.load("hsb"))
        >>> table = fit.predictive_check(n=200, rng=1)
        >>> table[["statistic", "observed", "conf_low", "conf_high"]].round(2)
                    statistic  observed  conf_low  conf_high
        0                mean     12.75     12.27      13.00
        1                  sd      6.88      6.58       6.84
        2                 min     -2.83    -17.23      -9.48
        3                 max     24.99     34.26      43.18
        4            skewness     -0.18     -0.07       0.06
        5  sd_between__school      3.12      2.33       2.84
        6   sd_within__school      6.26      6.17       6.39
        """
        from multilevel.fits.simulated_residuals import predictive_columns

        check_level(level)
        return self._emit(predictive_columns(self, statistic, n, level, rng))

    def _codes_of(self, by: str) -> tuple[Int, npt.NDArray[np.generic]]:
        """Groups of the rows used by a grouping factor or a column, and their labels."""
        for factor in self._matrices.factors:
            if factor.name == by:
                return factor.codes, factor.levels
        design = self.model.design
        if not design.table.has(by):
            known = ", ".join(dict.fromkeys([*self.n_groups, *design.table.columns]))
            raise DataError(
                f"by={by!r} is neither a grouping factor of the model nor a column of the data. "
                f"There are: {known}."
            )
        column = design.table.column(by)
        codes = column.codes if design.rows is None else column.codes[design.rows]
        if (codes < 0).any():
            raise DataError(f"by={by!r} has missing values in rows that the fit uses.")
        found, inverse = np.unique(codes, return_inverse=True)
        return inverse.astype(np.int32), column.levels[found]
