"""What a fit says about rows: fitted values, residuals, predictions, simulations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from multilevel.diagnostics.residuals import pearson_residuals
from multilevel.exceptions import NotSupportedError
from multilevel.fits.newdata import NewLevels, predict_new
from multilevel.fits.numbers import FitNumbers
from multilevel.fits.selection import select_effects
from multilevel.prediction.predict import fixed_part, random_part
from multilevel.prediction.simulate import simulate_responses
from multilevel.typing import check_option

if TYPE_CHECKING:
    import numpy as np

    from multilevel.typing import Float

__all__ = ["FitRows"]

ResidualType = Literal["response", "pearson"]


class FitRows(FitNumbers):
    """Fitted values, residuals, predictions and simulated responses of a linear mixed model."""

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
        self, newdata: Any = None, *, re_form: str = "all", new_levels: NewLevels = "error"
    ) -> Float:
        """Predict the response.

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

        Returns
        -------
        ndarray, shape (n_rows,)
            NaN for a row with a missing value in a column that is needed.

        Raises
        ------
        DataError
            For a missing column, a new level of a predictor or (by default) of a grouping factor.
        """
        check_option("new_levels", new_levels, NewLevels)
        if newdata is None:
            return self.fitted(re_form)
        return predict_new(self.model.design, self.state, newdata, re_form, new_levels)

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
    def _covariances(self) -> tuple[Float, ...]:
        return self.model.problem.conditional_covariances(self.state)
