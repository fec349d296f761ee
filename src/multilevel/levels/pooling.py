"""Estimates of groups without pooling, with partial and with complete pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.levels.group_means import fixed_shares
from multilevel.levels.reliability import reliabilities

if TYPE_CHECKING:
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.typing import Float

__all__ = ["Pooling", "pool"]


@dataclass(frozen=True, slots=True)
class Pooling:
    """Coefficients of J groups, arrays of shape (J, k).

    Attributes
    ----------
    none, none_error : ndarray
        Least squares in the group (what has the same slope in all groups is taken from the model),
        and its standard error; NaN where the group's rows do not determine it.
    partial : ndarray
        Prediction by the model: ``population`` plus conditional mode.
    population : ndarray
        What the fixed effects say of a group with these predictors; towards it ``none`` shrinks.
    complete : ndarray
        The same by least squares over all rows, groups ignored.
    reliability : ndarray
        Weight of the group's own rows; one minus it is the shrinkage.
    """

    none: Float
    none_error: Float
    partial: Float
    population: Float
    complete: Float
    reliability: Float


def pool(effects: FactorEffects, X: Float, beta: Float, beta_ols: Float) -> Pooling:
    """Compare the estimates of groups.

    Parameters
    ----------
    effects : FactorEffects
        Random effects of the factor.
    X : ndarray, shape (n, p)
        Fixed-effects columns.
    beta, beta_ols : ndarray, shape (p,)
        Fixed effects of the model, and by least squares without random effects.
    """
    shares = fixed_shares(effects, X)
    population = shares.coefficients(beta)
    outside = ~shares.inside
    own = effects.regression.coefficients
    none = own[:, :, -1] - own[:, :, :-1][:, :, outside] @ beta[outside]
    variances = np.diagonal(effects.sampling, axis1=1, axis2=2)
    return Pooling(
        none,
        np.sqrt(variances),
        population + effects.modes,
        population,
        shares.coefficients(beta_ols),
        reliabilities(effects),
    )
