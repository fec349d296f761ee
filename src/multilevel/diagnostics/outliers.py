"""Rows and groups that lie outside what a normal distribution gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float, IndexArray

__all__ = ["group_distances", "outlying"]

# Variance of a direction, relative to that of the random effects, that is zero within rounding.
_NOTHING = 1e-9


def outlying(p_value: Float, alpha: float) -> tuple[IndexArray, float]:
    """Positions of units that are too far out, by Bonferroni's inequality.

    Parameters
    ----------
    p_value : ndarray, shape (m,)
        Probability of a value as far out, for every unit.
    alpha : float
        Probability that any is found if all come from the distribution.

    Returns
    -------
    positions : ndarray of intp
        Units found.
    p_largest : float
        Adjusted p value of the one farthest out.
    """
    adjusted = np.minimum(1.0, p_value * len(p_value))
    return np.flatnonzero(adjusted < alpha), float(adjusted.min())


def group_distances(modes: Float, own: Float, prior: Float) -> tuple[Float, Float]:
    """Mahalanobis distances of groups from the centre of their random effects.

    Parameters
    ----------
    modes : ndarray, shape (J, k)
        Conditional modes.
    own : ndarray, shape (J, k, k)
        Their covariance matrices: that of the effects less the conditional one.
    prior : ndarray, shape (k, k)
        Covariance matrix of the effects.

    Returns
    -------
    distance, p_value : ndarray, shape (J,)
        Empty if the effects do not vary. Squared distances are chi-squared with as many degrees of
        freedom as the group has directions (Raudenbush & Bryk 2002, Hierarchical Linear Models,
        2nd ed., p. 274).
    """
    from scipy import stats

    sd = np.sqrt(prior.diagonal())
    varies = sd > 0.0
    if not varies.any():
        return np.empty(0), np.empty(0)
    sd = sd[varies]
    scaled = own[:, varies][:, :, varies] / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(scaled)
    kept = values > _NOTHING
    along = np.einsum("jk,jkc->jc", modes[:, varies] / sd, vectors)
    squares = np.divide(along**2, values, out=np.zeros_like(along), where=kept).sum(axis=1)
    rank = kept.sum(axis=1)
    p_value = np.where(rank > 0, stats.chi2.sf(squares, np.maximum(rank, 1)), 1.0)
    return np.sqrt(squares), p_value
