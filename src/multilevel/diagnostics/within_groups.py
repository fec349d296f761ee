"""Least-squares residuals within groups, which do not depend on the random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.levels.nesting import is_nested

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float, Int

__all__ = ["residuals_within"]

# Singular values of a group's columns below this share of the largest are rounding; over all rows
# the columns are orthonormal.
_DEPENDENT = 1e-8
# Numbers in the columns of the groups that are worked on at a time.
_BATCH = 1_000_000


def residuals_within(matrices: ModelMatrices) -> tuple[Float, Float]:
    """Residuals of ordinary least squares in every group of the finest factor, with leverages.

    The regressors are all columns of the fixed and random effects, as far as they are independent
    within the group, so that no random effect is left in the residuals (Hilden-Minton 1995,
    Multilevel diagnostics for mixed and hierarchical linear models, UCLA; Loy & Hofmann 2014, J.
    Stat. Softw. 56(5), section 3.1).

    Returns
    -------
    residuals, leverages : ndarray, shape (n,)
        Residuals on the scale of the response, and leverages in the regression of the group.

    Raises
    ------
    DataError
        If the model has no random effects.
    NotSupportedError
        If no factor is nested in all others.
    """
    codes = _finest(matrices)
    y = matrices.y if matrices.offset is None else matrices.y - matrices.offset
    root = np.ones(len(y)) if matrices.weights is None else np.sqrt(matrices.weights)
    columns = np.hstack([matrices.X, *(term.z for term in matrices.terms)]) * root[:, None]
    length = np.linalg.norm(columns, axis=0)
    U, values, _ = np.linalg.svd(columns / length, full_matrices=False)
    basis = U[:, values > _DEPENDENT * values[0]]
    return _regress(basis, y * root, codes, root)


def _regress(basis: Float, y: Float, codes: Int, root: Float) -> tuple[Float, Float]:
    """Residuals and leverages, groups of equal size together."""
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    residuals, leverages = np.empty(len(y)), np.empty(len(y))
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        step = max(1, _BATCH // (int(size) * basis.shape[1]))
        for at in range(0, len(alike), step):
            rows = order[starts[alike[at : at + step]][:, None] + np.arange(size)]
            U, values, _ = np.linalg.svd(basis[rows], full_matrices=False)
            U *= (values > _DEPENDENT * values[:, :1])[:, None, :]
            fitted = (U @ (U.swapaxes(1, 2) @ y[rows][:, :, None]))[:, :, 0]
            residuals[rows] = (y[rows] - fitted) / root[rows]
            leverages[rows] = np.einsum("gij,gij->gi", U, U)
    return residuals, leverages


def _finest(matrices: ModelMatrices) -> Int:
    """Codes of the factor that is nested in all others."""
    if not matrices.factors:
        raise DataError(
            "The model has no random effects, so there are no groups for least squares within "
            "groups: take kind='conditional', which is least squares over all rows."
        )
    finest = max(matrices.factors, key=lambda factor: factor.n_levels)
    crossed = [
        factor.name
        for factor in matrices.factors
        if not is_nested(finest.codes, finest.n_levels, factor.codes)
    ]
    if crossed:
        raise NotSupportedError(
            f"Groups of {finest.name!r} lie in several groups of {crossed[0]!r}, whose random "
            "effects least squares within the former does not remove. Take kind='conditional'."
        )
    return finest.codes
