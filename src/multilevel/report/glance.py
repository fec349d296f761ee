"""One row of numbers about a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.inference.information import aic, aicc, bic

if TYPE_CHECKING:
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState

__all__ = ["glance_columns"]


def glance_columns(state: FitState) -> Columns:
    """Size, criteria and verdicts, as columns of length one."""
    k = state.n_parameters
    name = "reml_criterion" if state.reml else "deviance"
    row = {
        "nobs": state.nobs,
        "n_parameters": k,
        "df_residual": state.nobs - k,
        "sigma": state.sigma,
        "loglik": state.loglik,
        name: state.objective,
        "aic": aic(state.loglik, k),
        "aicc": aicc(state.loglik, k, state.nobs),
        "bic": bic(state.loglik, k, state.nobs),
        "is_singular": state.is_singular,
        "converged": state.optimizer.converged,
    }
    return {key: [value] for key, value in row.items()}
