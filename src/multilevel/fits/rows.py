"""What a fit says about rows: fitted values, residuals, predictions, simulations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.diagnostics.residuals import pearson_residuals
from multilevel.exceptions import NotSupportedError
from multilevel.fits.newdata import NewLevels, new_weights, predicted_rows
from multilevel.fits.numbers import FitNumbers
from multilevel.fits.selection import select_effects
from multilevel.frames.emit import to_frame
from multilevel.inference.degrees_of_freedom import variances
from multilevel.inference.wald import check_level
from multilevel.prediction.predict import fixed_part, random_part
from multilevel.prediction.simulate import simulate_responses
from multilevel.prediction.uncertainty import error_variances, unknown_variances
from multilevel.report.augment import spread
from multilevel.report.tidy import interval_columns
from multilevel.solver.prediction_errors import sensitivity
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.frames.table import Table
    from multilevel.inference.degrees_of_freedom import DfMethod, FixedTests
    from multilevel.prediction.uncertainty import PredictedRows
    from multilevel.solver.curvature import Curvature
    from multilevel.solver.prediction_errors import Sensitivity
    from multilevel.typing import Float

__all__ = ["FitRows"]

ResidualType = Literal["response", "pearson"]
PredictionInterval = Literal["confidence", "prediction"]


class FitRows(FitNumbers):
    """Fitted values, residuals, predictions and simulated responses of a linear mixed model."""

    if TYPE_CHECKING:

        def _fixed_tests(self, df_method: DfMethod | None = None) -> FixedTests:
            """Tests of the fixed effects (:class:`multilevel.fits.testing.FitTesting`)."""

        @cached_property
        def _curvature(self) -> Curvature:
            """Curvature of the criterion (as above)."""

    def fitted(self, re_form: str = "all") -> Float:
        """Fitted values of the rows used, shape (nobs,).

        Parameters
        ----------
        re_form : str
            Random effects to include: ``"all"``, ``"none"``, or terms such as ``"(1 | g)"``.
        """
        return self._fitted.copy() if re_form == "all" else self._linear_predictor(re_form)

    def residuals(self, type: ResidualType = "response") -> Float:  # noqa: A002
        """Residuals of the rows used, shape (nobs,).

        Parameters
        ----------
        type : {"response", "pearson"}
            Response minus fitted value; or that times the root of the prior weight.
        """
        check_option("type", type, ResidualType)
        residual = self._matrices.y - self._fitted
        return pearson_residuals(residual, self.weights) if type == "pearson" else residual

    def predict(
        self,
        newdata: Any = None,
        *,
        re_form: str = "all",
        new_levels: NewLevels = "error",
        interval: PredictionInterval | None = None,
        level: float = 0.95,
        df_method: DfMethod | None = None,
    ) -> Any:
        """Predict the response, with standard errors and intervals if wanted.

        Parameters
        ----------
        newdata : data frame, optional
            Rows to predict, as any data frame or a dict of arrays; the rows of the fit by default.
        re_form : str
            Random effects to include: ``"all"``, ``"none"`` (then grouping columns are not
            needed), or terms such as ``"(1 | g)"``.
        new_levels : {"error", "population"}
            What to do with a group that the fit has not seen: refuse, or predict with its random
            effects at their mean of zero.
        interval : {"confidence", "prediction"}, optional
            ``"confidence"``: for the mean of the responses that such a row would have, in its
            group; where random effects are left out or a group is new, for the mean over all
            groups. It counts the errors of the fixed effects, of the included random effects and
            of their variances. ``"prediction"``: for one new response. It counts, beside these,
            the variance of the random effects that are left out or belong to a new group, and the
            residual variance (divided by the prior weight, which new rows have in the column that
            ``weights=`` named).
        level : float
            Level of the interval.
        df_method : str, optional
            Degrees of freedom where the interval is one of the fixed effects alone
            (``re_form="none"`` and ``"confidence"``, or a model without random effects), as in
            :meth:`summary`. Other intervals are normal: there are no degrees of freedom for them.

        Returns
        -------
        ndarray, shape (n_rows,), or data frame
            Predictions; with ``interval`` a frame of ``fitted, std_error, conf_low, conf_high``
            (and ``df`` where it is used), the standard error being that of what the interval is
            for. NaN for a row with a missing value in a column that is needed.

        Raises
        ------
        DataError
            For a missing column, a new level of a predictor or (by default) of a grouping factor.
        NotSupportedError
            For degrees of freedom that do not exist, a prediction interval with some of the
            correlated effects of a term, and rows that combine groups that never met in a model
            of more than 6,000 effects.
        """
        check_option("new_levels", new_levels, NewLevels)
        future = interval == "prediction"
        rows, table = predicted_rows(
            self.model.design, newdata, re_form, new_levels, all_effects=future
        )
        fitted = rows.means(self._matrices, self.state)
        if interval is None:
            if df_method is not None:
                raise ValueError("df_method is for intervals: give interval='confidence', too.")
            return fitted
        check_option("interval", interval, PredictionInterval)
        check_level(level)
        complete = np.flatnonzero(~np.isnan(fitted))
        residual = self._residual_variances(newdata, table) if future else 0.0
        error, df = self._prediction_errors(rows.take(complete), future, df_method)
        columns = {
            "fitted": fitted,
            "std_error": np.sqrt(spread(error, complete, len(fitted)) + residual),
        }
        if df is not None:
            columns["df"] = spread(df, complete, len(fitted))
        quantiles = columns.get("df", np.inf)
        bounds = interval_columns(fitted, columns["std_error"], level, quantiles)
        return to_frame({**columns, **bounds}, table)

    def _residual_variances(self, newdata: Any, table: Table) -> Float | float:
        """Residual variances of the rows to be predicted."""
        weights = self._matrices.weights
        if weights is not None and newdata is not None:
            weights = new_weights(self.model._arguments["weights"], table)
        return self.sigma**2 if weights is None else self.sigma**2 / weights

    def _prediction_errors(
        self, rows: PredictedRows, future: bool, df_method: DfMethod | None
    ) -> tuple[Float, Float | None]:
        """Variances of predictions of complete rows but for the residual, degrees of freedom."""
        terms = self._matrices.terms
        fixed_only = not any(mask.any() for mask in rows.chosen)
        if not terms or (fixed_only and not future):
            tests = self._fixed_tests(df_method)
            return variances(rows.X, tests.root), tests.df(rows.X)
        if df_method not in (None, "asymptotic"):
            raise NotSupportedError(
                f"df_method={df_method!r} gives degrees of freedom for functions of the fixed "
                "effects, and this interval counts random effects, too: leave df_method out, or "
                "ask for re_form='none' with interval='confidence'."
            )
        variance = error_variances(self.model.problem, self.state, self._sensitivity, rows)
        if future:
            variance += unknown_variances(self._matrices, self.state, rows)
        return variance, None

    def simulate(
        self, n: int = 1, *, rng: int | np.random.Generator | None = None, re_form: str = "none"
    ) -> Float:
        """Simulate responses from the fit.

        Parameters
        ----------
        n : int
            Number of responses.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.
        re_form : str
            Random effects to hold at their conditional modes: ``"none"`` (all are drawn anew),
            ``"all"``, or whole terms such as ``"(1 | g)"``.

        Returns
        -------
        ndarray, shape (n, nobs)
            One response per row, each as :meth:`refit` takes it.
        """
        draws = []
        matrices = self._matrices
        for t, chosen in enumerate(select_effects(self.model.design, re_form)):
            if not chosen.any():
                draws.append(self.model.draw(t, self.sigma * self.state.terms[t].relative_factor))
            elif not chosen.all():
                raise NotSupportedError(
                    f"re_form={re_form!r} holds some effects of {matrices.terms[t].label} and not "
                    "others, but they are correlated; name the whole term or none of it."
                )
        mean = self.fitted(re_form)
        return simulate_responses(mean, draws, self.sigma, matrices.weights, n, rng)

    def _linear_predictor(self, re_form: str) -> Float:
        matrices = self._matrices
        eta = fixed_part(matrices.X, self.state.beta, matrices.offset)
        for t, chosen in enumerate(select_effects(self.model.design, re_form)):
            if chosen.any():
                term = matrices.terms[t]
                codes = matrices.factors[term.factor].codes
                eta += random_part(term.z, codes, self.state.terms[t].modes, chosen)
        return eta

    @cached_property
    def _fitted(self) -> Float:
        return self._linear_predictor("all")

    @cached_property
    def _leverage(self) -> Float:
        return self.model.problem.hat_values(self.state)

    @cached_property
    def _sensitivity(self) -> Sensitivity:
        return sensitivity(self.model.problem, self.state, self._curvature)

    @cached_property
    def _covariances(self) -> tuple[Float, ...]:
        return self.model.problem.conditional_covariances(self.state)
