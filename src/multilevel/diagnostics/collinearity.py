"""Collinearity of the fixed effects: variance inflation factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, IndexArray

__all__ = ["variance_inflation"]


def variance_inflation(vcov: Float, terms: Sequence[IndexArray]) -> Float:
    """Generalised variance inflation factors.

    How many times larger the confidence region of the coefficients of a term is, squared, than
    with predictors that do not go together (Fox & Monette 1992, J. Am. Stat. Assoc. 87, 178-183):
    ``|R_tt| |R_rr| / |R|`` with the correlation matrix R of the estimates, of the term (t) and of
    the rest (r). For a single coefficient that is the variance inflation factor, by which its
    variance is multiplied.

    Parameters
    ----------
    vcov : ndarray, shape (p, p)
        Covariance matrix of the fixed effects.
    terms : sequence of ndarray of intp
        Positions of the coefficients of every term; the intercept is in none.

    Returns
    -------
    ndarray, shape (terms,)
    """
    used = np.concatenate(terms)
    sd = np.sqrt(vcov.diagonal())
    R = vcov / np.outer(sd, sd)
    whole = _log_det(R, used)
    out = [_log_det(R, term) + _log_det(R, np.setdiff1d(used, term)) - whole for term in terms]
    factors: Float = np.exp(np.array(out))
    return factors


def _log_det(R: Float, some: IndexArray) -> float:
    return float(np.linalg.slogdet(R[np.ix_(some, some)])[1])
