"""Do groups differ? The chi-squared test of Raudenbush & Bryk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.likelihood_ratio import chi_squared_tail
from multilevel.levels.group_means import fixed_shares

if TYPE_CHECKING:
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.typing import Float

__all__ = ["HeterogeneityTests", "heterogeneity_tests"]


@dataclass(frozen=True, slots=True)
class HeterogeneityTests:
    """Tests that the coefficients of groups do not differ beyond what predictors explain.

    Attributes
    ----------
    statistic, df, p_value : ndarray, shape (k,)
        Chi-squared per coefficient; NaN where too few groups have an estimate.
    n_used : int
        Groups that have a least-squares estimate of all coefficients.
    """

    statistic: Float
    df: Float
    p_value: Float
    n_used: int


def heterogeneity_tests(effects: FactorEffects, X: Float, beta: Float) -> HeterogeneityTests:
    """Sum of squared standardised deviations of least-squares estimates from the fixed part.

    Raudenbush & Bryk (2002), ch. 3: ``sum_j (b_qj - W_j gamma)^2 / v_qqj``, chi-squared with
    ``J - S - 1`` degrees of freedom (S predictors beside the mean) if the variance is zero.

    Parameters
    ----------
    effects : FactorEffects
        Random effects of the factor.
    X : ndarray, shape (n, p)
        Fixed-effects columns.
    beta : ndarray, shape (p,)
        Fixed effects.
    """
    used = effects.regression.estimable
    own = effects.regression.coefficients[used]
    deviation = own[:, :, -1] - own[:, :, :-1] @ beta
    variances = np.diagonal(effects.sampling[used], axis1=1, axis2=2)
    df = used.sum() - fixed_shares(effects, X).n_predictors().astype(np.float64)
    statistic = np.where(df > 0.0, (deviation**2 / variances).sum(axis=0), np.nan)
    df = np.where(df > 0.0, df, np.nan)
    return HeterogeneityTests(statistic, df, chi_squared_tail(df, statistic), int(used.sum()))
