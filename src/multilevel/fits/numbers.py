"""The numbers of a fit as attributes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.inference.information import aic, aicc, bic

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.model import MixedModel
    from multilevel.state import FitState, OptSummary
    from multilevel.typing import Float

__all__ = ["FitNumbers"]


class FitNumbers:
    """What is known as soon as the optimum is found; arrays are read-only.

    Attributes
    ----------
    model : MixedModel
        The problem that was solved.
    state : FitState
        The estimates, for use by other functions.
    """

    model: MixedModel
    state: FitState

    def __init__(self, model: MixedModel, state: FitState) -> None:
        self.__dict__.update(model=model, state=state)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"A fit does not change: {name!r} cannot be set.")

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "state": self.state}

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.model.formula

    @property
    def reml(self) -> bool:
        """Whether the fit is by REML (else by maximum likelihood)."""
        return self.state.reml

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.state.nobs

    @property
    def n_groups(self) -> dict[str, int]:
        """Number of levels of every grouping factor."""
        return {factor.name: factor.n_levels for factor in self._matrices.factors}

    @property
    def coef_names(self) -> tuple[str, ...]:
        """Names of the fixed effects, length p; dropped columns are among them."""
        return self._matrices.coef_names

    @cached_property
    def beta(self) -> Float:
        """Fixed effects in the order of :attr:`coef_names`, shape (p,); NaN if dropped."""
        return _read_only(self._expand(self.state.beta))

    @cached_property
    def std_errors(self) -> Float:
        """Standard errors of :attr:`beta`, shape (p,)."""
        return _read_only(self._expand(np.sqrt(self.state.vcov.diagonal())))

    @cached_property
    def theta(self) -> Float:
        """Free entries of the relative covariance factors, shape (n_theta,).

        Term by term in the order of the formula, each lower triangle column by column.
        """
        return _read_only(self.state.theta.copy())

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return self.state.sigma

    @property
    def loglik(self) -> float:
        """Log-likelihood; the restricted one for a REML fit."""
        return self.state.loglik

    @property
    def deviance(self) -> float:
        """Minus twice the log-likelihood of a maximum-likelihood fit.

        Raises
        ------
        AttributeError
            For a REML fit, which has a :attr:`reml_criterion` instead.
        """
        if self.reml:
            raise AttributeError(
                "A fit by REML has no deviance: see reml_criterion, or refit(reml=False).deviance."
            )
        return self.state.objective

    @property
    def reml_criterion(self) -> float:
        """REML criterion: minus twice the restricted log-likelihood.

        Raises
        ------
        AttributeError
            For a maximum-likelihood fit, which has a :attr:`deviance` instead.
        """
        if not self.reml:
            raise AttributeError(
                "A fit by maximum likelihood has no REML criterion: see deviance, or "
                "refit(reml=True).reml_criterion."
            )
        return self.state.objective

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return aic(self.loglik, self.state.n_parameters)

    @property
    def aicc(self) -> float:
        """Akaike's information criterion with the small-sample term of Hurvich & Tsai."""
        return aicc(self.loglik, self.state.n_parameters, self.nobs)

    @property
    def bic(self) -> float:
        """Schwarz's information criterion, for the number of rows."""
        return bic(self.loglik, self.state.n_parameters, self.nobs)

    @property
    def df_residual(self) -> int:
        """Rows minus parameters (fixed effects, theta and sigma)."""
        return self.nobs - self.state.n_parameters

    @property
    def is_singular(self) -> bool:
        """Whether a variance is zero or a correlation is +-1: ``summary()`` says which."""
        return self.state.is_singular

    @property
    def converged(self) -> bool:
        """Whether the optimiser met its criterion."""
        return self.state.optimizer.converged

    @property
    def optimizer(self) -> OptSummary:
        """How the optimum was found."""
        return self.state.optimizer

    @property
    def weights(self) -> Float | None:
        """Prior weights of the rows used, shape (nobs,), or None."""
        weights = self._matrices.weights
        return None if weights is None else _read_only(weights.view())

    @property
    def offset(self) -> Float | None:
        """Offset of the rows used, shape (nobs,), or None."""
        offset = self._matrices.offset
        return None if offset is None else _read_only(offset.view())

    @property
    def _matrices(self) -> ModelMatrices:
        return self.model.matrices

    def _expand(self, values: Float) -> Float:
        """Put values of the kept columns in the places of all columns."""
        full = np.full((len(self.coef_names), *values.shape[1:]), np.nan)
        full[self._matrices.kept] = values
        return full


def _read_only(array: Float) -> Float:
    array.flags.writeable = False
    return array
