"""Well-scaled coordinates: what the cross-products are taken of.

X is replaced by the orthonormal Q of its QR decomposition and y by its least-squares residual;
the random-effect columns of a term are orthogonalised and scaled to mean square one (independent
terms: scaled only). The likelihood does not change, but shifting or rescaling a predictor then
changes no digit of it either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel._native import _core
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices, RandomTerm
    from multilevel.typing import Float

__all__ = ["ScaledDesign", "ScaledFactor", "ScaledResponse", "scale_design", "scale_response"]

# Above this number of rows X is orthogonalised by Cholesky of its cross-products, done twice
# (Yamamoto et al. 2015, ETNA 44): one tenth of the time of Householder's QR.
_MANY_ROWS = 20_000
_BLOCK = 1 << 16
# Smallest pivot (columns scaled to length one) for which that is accurate.
_ILL_CONDITIONED = 1e-7
# A random-effect column whose part orthogonal to the others is below this is not orthogonalised.
_DEPENDENT = 1e-9
# Responses outside this range have squares that overflow or vanish.
_SMALLEST, _LARGEST = 1e-140, 1e140
# Sum of squared residuals of the fixed part, relative to the response, below which nothing is left.
_NO_RESIDUAL = 1e-24


@dataclass(frozen=True, slots=True)
class ScaledResponse:
    """The response in the coordinates of the fixed-effects matrix.

    Attributes
    ----------
    coordinates : ndarray, shape (p,)
        ``Q'y``.
    sum_squares : float
        Sum of squares of the (weighted) least-squares residual of the response on X.
    """

    coordinates: Float
    sum_squares: float


@dataclass(frozen=True, slots=True)
class ScaledFactor:
    """The random-effect columns of one grouping factor, all its terms side by side.

    Attributes
    ----------
    factor : int
        Index of the grouping factor.
    terms : tuple of int
        Indices of its terms.
    starts : tuple of int
        First column of each term.
    z : ndarray, shape (n, k), or None
        Columns as in the data; None for a random intercept alone.
    transform : ndarray, shape (k, k)
        Scaled columns are ``z @ transform`` (block diagonal by term).
    inverse : ndarray, shape (k, k)
        Its inverse.
    """

    factor: int
    terms: tuple[int, ...]
    starts: tuple[int, ...]
    z: Float | None
    transform: Float
    inverse: Float


@dataclass(frozen=True, slots=True)
class ScaledDesign:
    """Scaled coordinates of a model.

    Attributes
    ----------
    W : ndarray, shape (n, p + 1)
        ``[Q r]``: orthonormal basis of the (weighted) fixed-effects columns, and a column for the
        residual of a response (see :func:`scale_response`).
    R : ndarray, shape (p, p)
        Upper triangular, ``sqrt(W) X = Q R``.
    root_weights : ndarray, shape (n,), or None
        Square roots of the prior weights.
    sum_log_weights : float
        Sum of the logarithms of the prior weights.
    factors : tuple of ScaledFactor
        One per grouping factor that has terms.
    """

    W: Float
    R: Float
    root_weights: Float | None
    sum_log_weights: float
    factors: tuple[ScaledFactor, ...]

    @property
    def log_det_r(self) -> float:
        """``log |X'WX|``, what REML adds when X is replaced by Q."""
        return float(2.0 * np.log(np.abs(np.diagonal(self.R))).sum())


def scale_design(matrices: ModelMatrices) -> ScaledDesign:
    """Scaled coordinates of the fixed and random columns (not of the response).

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.

    Raises
    ------
    DataError
        If a random-effect column is zero throughout.
    """
    root = None if matrices.weights is None else np.sqrt(matrices.weights)
    W, R = _orthonormal(matrices.X, root)
    log_weights = 0.0 if matrices.weights is None else float(np.log(matrices.weights).sum())
    used = sorted({term.factor for term in matrices.terms})
    factors = tuple(_scale_factor(matrices, factor, root, R) for factor in used)
    return ScaledDesign(W, R, root, log_weights, factors)


def scale_response(
    W: Float, root_weights: Float | None, y: Float, offset: Float | None
) -> ScaledResponse:
    """Regress a response on Q; the residual goes into the last column of W.

    Parameters
    ----------
    W : ndarray, shape (n, p + 1)
        As in :class:`ScaledDesign`; its last column is overwritten.
    root_weights : ndarray, shape (n,), or None
        Square roots of the prior weights.
    y, offset : ndarray, shape (n,)
        Response and offset (or None).

    Raises
    ------
    DataError
        If the fixed effects reproduce the response exactly, or its squares are out of range.
    """
    Q, residual = W[:, :-1], W[:, -1]
    residual[:] = y if offset is None else y - offset
    if root_weights is not None:
        residual *= root_weights
    largest = np.abs(residual).max()
    if not _SMALLEST < largest < _LARGEST and largest > 0:
        raise DataError(
            f"The response reaches {largest:.3g}; its squares leave the range of floating-point "
            "numbers. Measure it in other units."
        )
    total = residual @ residual
    coordinates = Q.T @ residual
    residual -= Q @ coordinates
    correction = Q.T @ residual
    residual -= Q @ correction
    left = float(residual @ residual)
    if not left > _NO_RESIDUAL * total:
        raise DataError(
            "The fixed effects reproduce the response exactly: there is no residual variance to "
            "estimate. Check that the response is not constant and is not computed from the "
            "predictors."
        )
    return ScaledResponse(coordinates + correction, left)


def _orthonormal(X: Float, root: Float | None) -> tuple[Float, Float]:
    """QR decomposition of (weighted) X (n, p): Q with a spare column at the end, and R."""
    n, p = X.shape
    if n > _MANY_ROWS and p > 0:
        W = np.empty((n, p + 1))
        R = _twice_cholesky(X if root is None else X * root[:, None], W[:, :-1])
        if R is not None:
            return W, R
    return _core.orthonormal(np.ascontiguousarray(X), root)


def _twice_cholesky(X: Float, Q: Float) -> Float | None:
    """QR decomposition by Cholesky on the cross-products, twice; None if X is ill-conditioned.

    In blocks of rows, so that nothing of the size of X is made beside Q.
    """
    norms = np.sqrt(np.einsum("ij,ij->j", X, X))
    np.divide(X, norms, out=Q)
    R = np.diag(norms)
    for _ in range(2):
        try:
            factor = np.linalg.cholesky(Q.T @ Q)
        except np.linalg.LinAlgError:
            return None
        if factor.diagonal().min() < _ILL_CONDITIONED:
            return None
        inverse = np.linalg.inv(factor).T
        for start in range(0, len(Q), _BLOCK):
            Q[start : start + _BLOCK] = Q[start : start + _BLOCK] @ inverse
        R = factor.T @ R
    return R


def _scale_factor(
    matrices: ModelMatrices, factor: int, root: Float | None, R: Float
) -> ScaledFactor:
    indices = tuple(i for i, term in enumerate(matrices.terms) if term.factor == factor)
    terms = [matrices.terms[i] for i in indices]
    if len(terms) == 1:
        z = terms[0].z
        known = R if z is matrices.X else None
        transform, inverse = _scale_term(terms[0], root, known)
        columns = None if _is_intercept(z) else np.ascontiguousarray(z)
        return ScaledFactor(factor, indices, (0,), columns, transform, inverse)
    widths = [term.z.shape[1] for term in terms]
    starts = tuple(int(s) for s in np.cumsum([0, *widths[:-1]]))
    size = sum(widths)
    transform, inverse = np.zeros((size, size)), np.zeros((size, size))
    for term, start, width in zip(terms, starts, widths, strict=True):
        block = slice(start, start + width)
        transform[block, block], inverse[block, block] = _scale_term(term, root, None)
    z = np.hstack([term.z for term in terms])
    return ScaledFactor(factor, indices, starts, z, transform, inverse)


def _is_intercept(z: Float) -> bool:
    return z.shape[1] == 1 and z.strides[0] == 0 and z[0, 0] == 1.0


def _scale_term(term: RandomTerm, root: Float | None, known: Float | None) -> tuple[Float, Float]:
    """Transformation of a term's columns and its inverse; ``known`` is R of their QR, if known."""
    if _is_intercept(term.z) and root is None:
        return np.ones((1, 1)), np.ones((1, 1))
    k = len(term.names)
    if k == 1 or term.covariance == "independent":
        z = term.z if root is None else term.z * root[:, None]
        inverse = np.diag(np.sqrt(np.einsum("ij,ij->j", z, z) / len(z)))
    else:
        R = _orthonormal(term.z, root)[1] if known is None else known
        inverse = R / np.sqrt(len(term.z))
    scale = np.sqrt((inverse * inverse).sum(axis=0))
    if not scale.all():
        name = term.names[int(np.argmin(scale))]
        raise DataError(
            f"Random-effect column {name!r} of {term.label} is zero in every row: its variance "
            "cannot be estimated. Remove it from the term."
        )
    if (np.abs(inverse.diagonal()) < _DEPENDENT * scale).any():
        inverse = np.diag(scale)
    return _core.invert_upper(inverse), inverse
