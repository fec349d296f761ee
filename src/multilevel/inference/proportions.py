"""Intervals of proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.typing import Float

__all__ = ["proportion_interval"]


def proportion_interval(
    k: npt.NDArray[np.integer], n: int | npt.NDArray[np.integer], level: float
) -> tuple[Float, Float]:
    """Exact interval of a binomial proportion (Clopper & Pearson 1934, Biometrika 26, 404-413).

    Parameters
    ----------
    k : ndarray of int
        Successes.
    n : int or ndarray of int
        Trials.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    low, high : ndarray of the shape of ``k``
    """
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1.0 - tail), 1.0)
    return low, high
