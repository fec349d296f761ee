"""Rank of a matrix of columns: which of them are linear combinations of columns before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float, IndexArray

__all__ = ["independent_columns"]

# A column is kept when what columns before it leave of it is longer than this part of its own
# length: the tolerance of R's lm and lme4.
COLLINEAR = 1e-7
# A column whose deviations from its mean are shorter than this part of it is constant. Rounding
# leaves 1e-16, data shifted by a million standard deviations 1e-6.
CONSTANT = 1e-10
# A Gram matrix squares the lengths, so that only ratios well above sqrt(1e-16) can be read off it;
# anything smaller is looked at again by QR.
CLEAR = 1e-4
CHUNK = 1 << 16
FEW_COLUMNS = 8


def independent_columns(X: Float, *, intercept: bool) -> IndexArray:
    """Positions of the columns of X that are not linear combinations of columns before them.

    Columns are judged by the part of them that is not explained by earlier columns, relative to
    their length about their mean when the first column is the constant and about zero otherwise.
    The verdict therefore does not depend on the scale of a column, nor on its origin.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Columns, all finite.
    intercept : bool
        Whether the first column is the constant 1.

    Returns
    -------
    ndarray of intp, shape (rank,)
        Positions in increasing order.
    """
    n, p = X.shape
    if p <= intercept:
        return np.arange(p)
    with np.errstate(all="ignore"):  # overflow in squares: QR looks at scaled columns
        if n > p and _clearly_independent(X, intercept=intercept):
            return np.arange(p)
    return _independent_by_qr(X, intercept=intercept)


def _clearly_independent(X: Float, *, intercept: bool) -> bool:
    """Whether the Cholesky factor of the (centred) correlation matrix is far from singular.

    Columns with a large mean, whose deviations are lost in the rounding of squares, are not clear.
    """
    gram, raw = _gram(X, intercept=intercept)
    length = gram.diagonal()
    if not (length > CLEAR**2 * raw).all():
        return False
    if len(length) == 1:
        return bool(length[0] < np.inf)
    scale = 1.0 / np.sqrt(length)
    try:
        factor = np.linalg.cholesky(gram * scale * scale[:, None])
    except np.linalg.LinAlgError:
        return False
    return bool(factor.diagonal().min() > CLEAR)


def _gram(X: Float, *, intercept: bool) -> tuple[Float, Float]:
    """Cross-products of the columns, and their squared lengths as they are.

    With an intercept it is left out, and the cross-products are about the means.
    """
    n, p = X.shape
    if not intercept:
        return _cross(X), np.zeros(p)
    step = max(CHUNK // p, 256)
    origin = X[0, 1:]
    gram = np.zeros((p - 1, p - 1))
    total = np.zeros(p - 1)
    for start in range(0, n, step):
        block = X[start : start + step, 1:] - origin
        gram += _cross(block)
        total += block.sum(axis=0)
    raw = gram.diagonal() + n * origin**2
    gram -= total * (total[:, None] / n)
    return gram, raw


def _cross(block: Float) -> Float:
    """``block' block``; a few columns without BLAS, whose threads wait for each other too long."""
    if block.shape[1] > FEW_COLUMNS:
        return block.T @ block
    product: Float = np.einsum("ij,ik->jk", block, block)
    return product


def _independent_by_qr(X: Float, *, intercept: bool) -> IndexArray:
    """Gram-Schmidt on the columns of R of an unpivoted QR: they have the geometry of X's."""
    largest = np.abs(X).max(axis=0, initial=0.0)
    A = X / np.where(largest > 0.0, largest, 1.0)
    length = np.linalg.norm(A, axis=0)
    reference = length
    if intercept:
        A[:, 1:] -= A[:, 1:].mean(axis=0)
        reference = np.linalg.norm(A, axis=0)
    R: Float = np.asarray(np.linalg.qr(A, mode="r"))
    basis = np.empty((len(R), 0))
    kept = []
    for j in range(X.shape[1]):
        left = R[:, j]
        for _ in range(2):  # twice is enough (Kahan, Parlett)
            left = left - basis @ (basis.T @ left)
        size = np.linalg.norm(left)
        if reference[j] > CONSTANT * length[j] and size > COLLINEAR * reference[j]:
            kept.append(j)
            basis = np.column_stack([basis, left / size])
    return np.array(kept, dtype=np.intp)
