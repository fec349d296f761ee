"""Likelihood-ratio tests of a sequence of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, IndexArray

__all__ = [
    "BoundaryMixture",
    "LikelihoodRatioTests",
    "chi_squared_tail",
    "likelihood_ratio",
    "likelihood_ratio_tests",
]

# Criteria are minimised to about 1e-9 and rounded to 1e-13 of their size: where a larger model
# gains less, it gains nothing. It matters where a variance is zero: then the p value is 1.
_NOTHING, _ROUNDING = 1e-8, 1e-13


@dataclass(frozen=True, slots=True)
class LikelihoodRatioTests:
    """Each model against the one before it, from few to many parameters.

    Attributes
    ----------
    order : ndarray of intp, shape (m,)
        Positions of the models in the order of the rows.
    statistic, df, p_value : ndarray, shape (m,)
        Twice the gain in log-likelihood, parameters added, upper tail of chi-squared. NaN in the
        first row; the p value is NaN, too, where no parameter was added.
    """

    order: IndexArray
    statistic: Float
    df: Float
    p_value: Float


def likelihood_ratio(small: float | Float, big: float | Float) -> Float:
    """Likelihood-ratio statistic: by how much a larger model lowers the criterion.

    Not below zero: a larger criterion of a larger model is possible only where the models are not
    nested.

    Parameters
    ----------
    small, big : float or ndarray
        Minimised criteria, -2 times the (restricted) log-likelihood.
    """
    gain = np.asarray(small, dtype=np.float64) - big
    return np.where(gain > _NOTHING + _ROUNDING * np.abs(small), gain, 0.0)


def likelihood_ratio_tests(
    loglik: Sequence[float], n_parameters: Sequence[int]
) -> LikelihoodRatioTests:
    """Compare maximum-likelihood fits by the likelihood ratio.

    Parameters
    ----------
    loglik : sequence of float, length m
        Log-likelihoods at the optimum.
    n_parameters : sequence of int, length m
        Parameters of each model.
    """
    order = np.argsort(np.asarray(n_parameters), kind="stable")
    df = np.diff(np.asarray(n_parameters, dtype=np.float64)[order], prepend=np.nan)
    criterion = -2.0 * np.asarray(loglik, dtype=np.float64)[order]
    statistic = np.full(len(order), np.nan)
    statistic[1:] = likelihood_ratio(criterion[:-1], criterion[1:])
    return LikelihoodRatioTests(order, statistic, df, chi_squared_tail(df, statistic))


def chi_squared_tail(df: Float, statistic: Float) -> Float:
    """Upper tail of chi-squared; NaN without degrees of freedom."""
    from scipy.special import chdtrc

    return np.where(df > 0.0, chdtrc(np.where(df > 0.0, df, 1.0), statistic), np.nan)


@dataclass(frozen=True, slots=True)
class BoundaryMixture:
    """Distribution of the statistic where the smaller model sets one variance to zero.

    An equal mixture of chi-squared with ``df - 1`` and ``df`` degrees of freedom: the larger model
    adds one random effect, a variance and ``df - 1`` covariances, and all else is inside the
    parameter space (Self & Liang 1987, J. Amer. Statist. Assoc. 82, 605-610, case 6; Stram & Lee
    1994, Biometrics 50, 1171-1177, case 3).

    Attributes
    ----------
    df : int
        Parameters added, at least 1.
    """

    df: int

    def __str__(self) -> str:
        return f"0.5 chi2({self.df - 1}) + 0.5 chi2({self.df})"

    def p_value(self, statistic: float) -> float:
        """Upper tail; chi-squared without degrees of freedom is zero."""
        from scipy.special import chdtrc

        lower = chdtrc(self.df - 1, statistic) if self.df > 1 else float(statistic <= 0.0)
        return float(0.5 * lower + 0.5 * chdtrc(self.df, statistic))
