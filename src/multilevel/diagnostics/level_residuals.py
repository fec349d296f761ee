"""Residuals of rows and of groups, raw and on the scales that the model gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.diagnostics.within_groups import residuals_within
from multilevel.exceptions import NotSupportedError
from multilevel.levels.factor_effects import factor_effects
from multilevel.prediction.predict import fixed_part
from multilevel.solver.prediction_errors import row_variances

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.solver.linear import LinearProblem
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["ResidualKind", "ResidualScale", "Residuals", "group_residuals", "row_residuals"]

ResidualKind = Literal["conditional", "marginal", "least-squares"]
ResidualScale = Literal["raw", "standardized", "studentized"]

# Variance of a residual, relative to that of what it estimates, below which it is zero: rounding.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Residuals:
    """Residuals and their two standard deviations.

    Attributes
    ----------
    raw : ndarray
        On the scale of the response.
    sd : ndarray
        By the model, of the error or random effect that the residual stands for.
    own_sd : ndarray or None
        By the model, of the residual itself, which depends on estimated coefficients; zero where
        the residual is zero whatever the response. None if it is not known.
    """

    raw: Float
    sd: Float
    own_sd: Float | None

    def on(self, scale: ResidualScale) -> Float:
        """Residuals raw or divided by one of the two; NaN where that is zero.

        Raises
        ------
        NotSupportedError
            If that is not known.
        """
        if scale == "raw":
            return self.raw
        sd = self.sd if scale == "standardized" else self.own_sd
        if sd is None:
            raise NotSupportedError(
                "Least-squares residuals of groups that share groups of other factors, or lie in "
                "them, depend on the predicted effects of those, and have no simple variance of "
                "their own. Take scale='standardized', or kind='conditional'."
            )
        return self.raw / np.where(sd > 0.0, sd, np.nan)


def row_residuals(
    matrices: ModelMatrices, state: FitState, fitted: Float, leverage: Float, kind: ResidualKind
) -> Residuals:
    """Residuals of the rows, arrays of shape (n,).

    With the leverage h of a row and its prior weight w, the variance of a conditional residual is
    ``sigma**2 (1 - h) / w``, that of a least-squares residual the same with the leverage in its
    group, and the covariance matrix of the marginal residuals ``V - X Phi X'`` (Nobre & Singer
    2007, Biometrical J. 49, 863-875).

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    fitted : ndarray, shape (n,)
        Fitted values, random effects included.
    leverage : ndarray, shape (n,)
        Derivative of each fitted value by its own response.
    kind : str
        Which residuals.
    """
    error = np.full(matrices.n_rows, state.sigma**2)
    if matrices.weights is not None:
        error /= matrices.weights
    if kind == "marginal":
        variance = error.copy()
        for term, estimated in zip(matrices.terms, state.terms, strict=True):
            variance += np.square(term.z @ (state.sigma * estimated.relative_factor)).sum(axis=1)
        known = np.einsum("ij,jk,ik->i", matrices.X, state.vcov, matrices.X)
        raw = matrices.y - fixed_part(matrices.X, state.beta, matrices.offset)
        return Residuals(raw, np.sqrt(variance), _root(variance - known, variance))
    if kind == "conditional":
        raw = matrices.y - fitted
    else:
        raw, leverage = residuals_within(matrices)
    return Residuals(raw, np.sqrt(error), _root(error * (1.0 - leverage), error))


def group_residuals(
    problem: LinearProblem, state: FitState, f: int, kind: ResidualKind
) -> Residuals:
    """Residuals of the groups of factor ``f``, arrays of shape (n_levels, effects).

    Conditional ones are the empirical-Bayes predictions, the modes; their variance is that of the
    random effects less that of the error of prediction (Snijders & Berkhof 2008, in de Leeuw &
    Meijer (eds), Handbook of Multilevel Analysis, section 3.3.3). Least-squares ones are what the
    rows of the group alone say, less what the fixed effects say.

    Raises
    ------
    NotSupportedError
        For marginal residuals, which are of rows.
    """
    if kind == "marginal":
        raise NotSupportedError(
            "Marginal residuals are of rows: level='rows'. Groups have kind='conditional' or "
            "'least-squares'."
        )
    if kind == "conditional":
        terms = [
            estimated
            for term, estimated in zip(problem.matrices.terms, state.terms, strict=True)
            if term.factor == f
        ]
        modes = np.hstack([term.modes for term in terms])
        prior = np.concatenate([term.covariance.diagonal() for term in terms])
        variance = prior - _prediction_errors(problem, state, f)
        return Residuals(
            modes, np.broadcast_to(np.sqrt(prior), modes.shape), _root(variance, prior)
        )
    effects = factor_effects(problem.matrices, state, f)
    regression, p = effects.regression, len(state.beta)
    C = regression.coefficients[:, :, :p]
    sampling = np.diagonal(effects.sampling, axis1=1, axis2=2)
    variance = effects.covariance.diagonal() + sampling
    own = variance - np.einsum("jkp,pq,jkq->jk", C, state.vcov, C)
    raw = regression.coefficients[:, :, p] - C @ state.beta
    return Residuals(raw, np.sqrt(variance), _root(own, variance) if effects.alone else None)


def _prediction_errors(problem: LinearProblem, state: FitState, f: int) -> Float:
    """Variances of ``b_hat - b`` of a factor, errors of beta included: (n_levels, effects)."""
    matrices = problem.matrices
    factor = matrices.factors[f]
    some = np.unique(factor.codes, return_index=True)[1]  # a row of every group
    codes = [g.codes[some] for g in matrices.factors]
    X = np.zeros((len(some), matrices.X.shape[1]))
    columns = []
    for t, term in enumerate(matrices.terms):
        for j in range(len(term.names)) if term.factor == f else ():
            z = [np.zeros((len(some), len(other.names))) for other in matrices.terms]
            z[t][:, j] = 1.0
            columns.append(row_variances(problem, state, X, z, codes))
    return np.column_stack(columns)


def _root(variance: Float, whole: Float) -> Float:
    """Standard deviation; zero where only rounding is left of the whole variance."""
    return np.sqrt(np.where(variance > _NOTHING * whole, variance, 0.0))
