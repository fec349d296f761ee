"""Directions in which the covariance matrix of a term can move and keep its rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import CovarianceKind, Float

__all__ = ["tangent_directions"]

# Singular values of a (scaled) relative factor below this share of the largest count as zero.
_SINGULAR = 1e-5


def tangent_directions(factor: Float, kind: CovarianceKind) -> Float:
    """Basis of the symmetric matrices that are tangent to those of the same rank at ``L L'``.

    At a matrix of full rank these are all symmetric matrices. At rank r, with U the left singular
    vectors, ``u_i u_j' + u_j u_i'`` for j < r; for independent effects, the variances that are not
    zero.

    Parameters
    ----------
    factor : ndarray, shape (k, k)
        Relative factor L of the term, for columns of mean square one: it shows the rank.
    kind : {"unstructured", "independent"}
        Covariance of the term.

    Returns
    -------
    ndarray, shape (a, k, k)
        ``a = k r - r (r - 1) / 2`` directions, or the number of variances that are not zero.
    """
    if kind == "independent":
        U, s = np.eye(len(factor)), np.abs(factor.diagonal())
    else:
        U, s, _ = np.linalg.svd(factor)
    directions = []
    for j in np.flatnonzero(s > _SINGULAR * max(1.0, float(s.max(initial=0.0)))):
        for i in range(j, j + 1 if kind == "independent" else len(factor)):
            half = np.outer(U[:, i], U[:, j])
            directions.append((half + half.T) / 2.0)
    return np.array(directions).reshape(-1, *factor.shape)
