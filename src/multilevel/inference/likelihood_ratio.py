"""Likelihood-ratio tests of a sequence of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, IndexArray

__all__ = ["LikelihoodRatioTests", "likelihood_ratio_tests"]


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


def likelihood_ratio_tests(
    loglik: Sequence[float], n_parameters: Sequence[int]
) -> LikelihoodRatioTests:
    """Compare maximum-likelihood fits by the likelihood ratio.

    The statistic is not below zero: a smaller log-likelihood of a larger model is possible only
    where the models are not nested.

    Parameters
    ----------
    loglik : sequence of float, length m
        Log-likelihoods at the optimum.
    n_parameters : sequence of int, length m
        Parameters of each model.
    """
    from scipy.special import chdtrc

    order = np.argsort(np.asarray(n_parameters), kind="stable")
    df = np.diff(np.asarray(n_parameters, dtype=np.float64)[order], prepend=np.nan)
    gain = np.diff(np.asarray(loglik, dtype=np.float64)[order], prepend=np.nan)
    statistic = 2.0 * np.maximum(gain, 0.0)
    p_value = np.where(df > 0.0, chdtrc(np.where(df > 0.0, df, 1.0), statistic), np.nan)
    return LikelihoodRatioTests(order, statistic, df, p_value)
