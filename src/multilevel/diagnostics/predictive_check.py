"""Statistics of observed responses among those of responses that the model simulates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.normality import skewness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.typing import Float, Int

__all__ = ["PredictiveCheck", "compare_statistics", "response_statistics"]


@dataclass(frozen=True, slots=True)
class PredictiveCheck:
    """Observed statistics beside simulated ones, arrays of shape (statistics,).

    Attributes
    ----------
    observed : ndarray
        Of the data.
    mean, low, high : ndarray
        Mean and bounds of the central part of those of simulated data.
    p_value : ndarray
        Two-sided, from the rank of the observed among all.
    """

    observed: Float
    mean: Float
    low: Float
    high: Float
    p_value: Float


def response_statistics(y: Float, groups: Mapping[str, Int]) -> dict[str, float]:
    """Statistics of a response: of its distribution, and of its spread between and within groups.

    Standard deviations between groups are those of the groups' means, within groups those of rows
    around the means of their groups.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Response.
    groups : mapping of str to ndarray of int32, shape (n,)
        Codes of every grouping factor.
    """
    found = {
        "mean": float(y.mean()),
        "sd": float(y.std(ddof=1)),
        "min": float(y.min()),
        "max": float(y.max()),
        "skewness": skewness(y),
    }
    for name, codes in groups.items():
        counts = np.bincount(codes)
        means = np.bincount(codes, y) / counts
        found[f"sd_between__{name}"] = float(means.std(ddof=1)) if len(counts) > 1 else 0.0
        if len(y) > len(counts):
            inside = float(np.square(y - means[codes]).sum()) / (len(y) - len(counts))
            found[f"sd_within__{name}"] = float(np.sqrt(inside))
    return found


def compare_statistics(observed: Float, simulated: Float, level: float) -> PredictiveCheck:
    """Rank observed among simulated statistics.

    The p value is twice the share of data sets, the observed one among them, with a statistic as
    small or as large: of a statistic to which the model was fitted it is too large, as in all
    predictive checks (Gelman, Meng & Stern 1996, Statistica Sinica 6, 733-760).

    Parameters
    ----------
    observed : ndarray, shape (s,)
        Statistics of the data.
    simulated : ndarray, shape (n, s)
        Those of n simulated data sets.
    level : float
        Probability of the central part.
    """
    n = len(simulated)
    low, high = np.quantile(simulated, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    above = (1 + np.sum(simulated >= observed, axis=0)) / (n + 1)
    below = (1 + np.sum(simulated <= observed, axis=0)) / (n + 1)
    p_value = np.minimum(1.0, 2.0 * np.minimum(above, below))
    return PredictiveCheck(observed, simulated.mean(axis=0), low, high, p_value)
