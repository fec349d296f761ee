"""Least squares in every group of a factor at once, by cross-products of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from multilevel.typing import Float, Int

__all__ = ["GroupRegression", "NestedEffects", "regress_in_groups"]

# A group's columns are dependent if, in coordinates in which those of all rows are orthonormal, the
# smallest eigenvalue of their cross-products is below this part of the largest: 1e-6 of a length,
# well above what rounding leaves of zero.
_DEPENDENT = 1e-12
# All columns, of length one each, are dependent below this part.
_COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True)
class NestedEffects:
    """Random effects of a factor that is nested in the groups, to be integrated out.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Its level in each row.
    n_levels : int
        Number of its levels.
    columns : ndarray, shape (n, k)
        ``Z Lambda``: columns of effects that are independent with the residual variance.
    """

    codes: Int
    n_levels: int
    columns: Float


@dataclass(frozen=True, slots=True)
class GroupRegression:
    """Regressions of c columns on k others in every one of J groups.

    Attributes
    ----------
    coefficients : ndarray, shape (J, k, c)
        NaN in groups that cannot be fitted.
    unscaled : ndarray, shape (J, k, k)
        Their covariance matrix, relative to the residual variance; NaN likewise.
    estimable : ndarray of bool, shape (J,)
        Groups in which the k columns are linearly independent.
    information, moments : ndarray, shape (J, k, k) and (J, k, c)
        Cross-products of the k columns with each other and with the others.
    n_rows : ndarray of intp, shape (J,)
        Rows of every group.
    """

    coefficients: Float
    unscaled: Float
    estimable: npt.NDArray[np.bool_]
    information: Float
    moments: Float
    n_rows: npt.NDArray[np.intp]


def regress_in_groups(
    z: Float,
    codes: Int,
    n_levels: int,
    columns: Sequence[Float],
    weights: Float | None = None,
    nested: Sequence[NestedEffects] = (),
) -> GroupRegression:
    """Regress columns on z in every group by (generalised) least squares.

    Parameters
    ----------
    z : ndarray, shape (n, k)
        Explanatory columns.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    n_levels : int
        Number of groups J.
    columns : sequence of ndarray, shape (n,)
        What is regressed on them, c columns.
    weights : ndarray, shape (n,), optional
        Prior weights.
    nested : sequence of NestedEffects
        Random effects that are part of the error of a row: a chain of factors from the finest to
        the coarsest, each nested in the next and the last one in the groups.
    """
    k = z.shape[1]
    R = _orthonormal(z, weights)
    dependent = R is None
    transform = np.eye(k) if R is None else np.linalg.inv(R)
    gram = _absorbed(transform.T @ z.T, codes, n_levels, columns, weights, nested)
    information, cross = gram[:, :, :k], gram[:, :, k:]
    values = np.linalg.eigvalsh(information)
    estimable = values[:, 0] > _DEPENDENT * np.maximum(values[:, -1], np.finfo(float).tiny)
    estimable &= not dependent
    inverse = np.linalg.inv(np.where(estimable[:, None, None], information, np.eye(k)))
    inverse[~estimable] = np.nan
    back = np.eye(k) if R is None else R
    return GroupRegression(
        coefficients=transform @ (inverse @ cross),
        unscaled=transform @ inverse @ transform.T,
        estimable=estimable,
        information=back.T @ information @ back,
        moments=back.T @ cross,
        n_rows=np.bincount(codes, minlength=n_levels),
    )


def _orthonormal(z: Float, weights: Float | None) -> Float | None:
    """R of the QR decomposition of the columns over all rows; None if they are dependent."""
    weighted = z if weights is None else z * np.sqrt(weights)[:, None]
    R: Float = np.asarray(np.linalg.qr(weighted, mode="r"))
    length = np.linalg.norm(R, axis=0)
    if len(R) < len(length) or (np.abs(R.diagonal()) <= _COLLINEAR * length).any():
        return None
    return R


def _absorbed(
    z: Float,
    codes: Int,
    n_levels: int,
    columns: Sequence[Float],
    weights: Float | None,
    nested: Sequence[NestedEffects],
) -> Float:
    """Cross-products of z (k, n) with itself and with the columns, nested effects integrated out.

    With effects ``v ~ N(0, I)`` of the finest factor in columns T, the cross-products of any A and
    B in the metric of the inverse covariance are ``A'B - A'T (I + T'T)^-1 T'B`` (Woodbury), level
    by level; their sums over levels are those of the next factor of the chain.
    """
    chain = [*((e.codes, e.n_levels) for e in nested), (codes, n_levels)]
    inside = [np.ascontiguousarray(t) for e in reversed(nested) for t in e.columns.T]
    gram = _grams([*z, *inside], [*z, *columns, *inside], *chain[0], weights)
    for (inner, n_inner), (outer, n_outer), effects in zip(chain, chain[1:], nested, strict=False):
        size = effects.columns.shape[1]
        middle = gram[:, -size:, -size:] + np.eye(size)
        gram = gram[:, :-size, :-size] - gram[:, :-size, -size:] @ np.linalg.solve(
            middle, gram[:, -size:, :-size]
        )
        home = np.empty(n_inner, dtype=np.intp)
        home[inner] = outer
        order = np.argsort(home, kind="stable")
        starts = np.searchsorted(home[order], np.arange(n_outer))
        gram = np.add.reduceat(gram[order], starts, axis=0)
    return gram


def _grams(
    left: Sequence[Float],
    right: Sequence[Float],
    codes: Int,
    n_levels: int,
    weights: Float | None,
) -> Float:
    """``left' W right`` of every group, shape (n_levels, l, r)."""
    out = np.empty((n_levels, len(left), len(right)))
    places = codes.astype(np.intp)
    for i, a in enumerate(left):
        weighted = a if weights is None else a * weights
        for j, b in enumerate(right):
            out[:, i, j] = np.bincount(places, weighted * b, n_levels)
    return out
