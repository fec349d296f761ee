"""Information criteria.

Akaike (1974), Schwarz (1978), Hurvich & Tsai (1989). The number of observations is that of the
rows, for REML as for maximum likelihood, as in lme4.
"""

from __future__ import annotations

import numpy as np

__all__ = ["aic", "aicc", "bic"]


def aic(loglik: float, n_parameters: int) -> float:
    """Akaike's criterion."""
    return -2.0 * loglik + 2.0 * n_parameters


def aicc(loglik: float, n_parameters: int, nobs: int) -> float:
    """Akaike's criterion with the small-sample term; infinite when parameters exhaust the rows."""
    spare = nobs - n_parameters - 1
    if spare <= 0:
        return np.inf
    return aic(loglik, n_parameters) + 2.0 * n_parameters * (n_parameters + 1) / spare


def bic(loglik: float, n_parameters: int, nobs: int) -> float:
    """Schwarz's Bayesian criterion."""
    return -2.0 * loglik + float(np.log(nobs)) * n_parameters
