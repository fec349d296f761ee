"""Blocks of the marginal covariance matrix, one per cluster of rows, without the n x n matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

__all__ = ["Clusters", "check_clusters", "top_level_factor"]

# Numbers in one dense array: a gigabyte of them.
_LARGEST = 125_000_000


def top_level_factor(matrices: ModelMatrices) -> int:
    """Index of the grouping factor in which all others are nested.

    Raises
    ------
    DataError
        If there is none: no grouping factor at all, or crossed ones.
    """
    factors = matrices.factors
    if not factors:
        raise DataError(
            "The model has no grouping factor to cluster by; name a column of the data, as in "
            "cluster='school'."
        )
    top = min(range(len(factors)), key=lambda f: factors[f].n_levels)
    crossing = [f.name for f in factors if not _nests(f.codes, f.n_levels, factors[top].codes)]
    if crossing:
        raise DataError(
            f"The grouping factors {factors[top].name!r} and {crossing[0]!r} are crossed, so no "
            "factor of the model separates independent clusters. Name a column of the data in "
            "which all of them are nested, as in cluster='district', or test with df_method=."
        )
    return top


def check_clusters(matrices: ModelMatrices, codes: Int, name: str) -> None:
    """Raise unless the rows of different clusters are independent by the model.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    codes : ndarray of int, shape (n,)
        Cluster of each row; negative where it is missing.
    name : str
        What the clusters are called.

    Raises
    ------
    DataError
        If a row has no cluster, a group lies in several clusters, or there is one cluster only.
    """
    missing = int((codes < 0).sum())
    if missing:
        raise DataError(
            f"The cluster column {name!r} has missing values in {missing} of the rows that the "
            "model uses. Fill them, or fit the model without these rows."
        )
    for factor in matrices.factors:
        if not _nests(factor.codes, factor.n_levels, codes):
            raise DataError(
                f"The grouping factor {factor.name!r} crosses the clusters {name!r}: some of its "
                f"groups have rows in several clusters, which are not independent then. Cluster "
                f"by {factor.name!r} or by something in which both are nested."
            )
    if len(codes) == 0 or (codes == codes[0]).all():
        raise DataError(
            f"All rows are in one cluster of {name!r}: robust standard errors are computed from "
            "the differences between clusters. Cluster by a factor with more levels."
        )


def _nests(inner: Int, n_inner: int, outer: Int) -> bool:
    """Whether all rows of each inner group have the same outer code."""
    first = np.empty(n_inner, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one cluster, seen from an orthonormal basis of all that matters.

    Outside the span of its columns of X and Z, the covariance matrix of the cluster is a multiple
    of the identity when its prior weights are equal; the basis U then has few columns. Otherwise
    it is the identity.

    Attributes
    ----------
    X : ndarray, shape (r, p)
        ``U' X``.
    e : ndarray, shape (r,)
        ``U'`` times the marginal residuals ``y - X beta``.
    V : ndarray, shape (r, r)
        ``U' V U``, relative to the residual variance.
    """

    X: Float
    e: Float
    V: Float


class Clusters:
    """The rows of a model, sorted by cluster.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    codes : ndarray of int, shape (n,)
        Cluster of each row, in which all grouping factors are nested.
    X : ndarray, shape (n, p)
        Fixed-effects columns, in any basis.

    Attributes
    ----------
    n_clusters : int
        Clusters that occur.
    """

    def __init__(self, matrices: ModelMatrices, state: FitState, codes: Int, X: Float) -> None:
        self._order = np.argsort(codes, kind="stable")
        sorted_codes = codes[self._order]
        starts = np.flatnonzero(np.diff(sorted_codes, prepend=sorted_codes[0] - 1))
        self._bounds: Sequence[int] = [*starts.tolist(), len(codes)]
        self.n_clusters = len(starts)
        self._X = X
        self._matrices = matrices
        offset = 0.0 if matrices.offset is None else matrices.offset
        self._e = matrices.y - offset - matrices.X @ state.beta
        self._factors = [term.relative_factor for term in state.terms]

    def information(self) -> Iterator[tuple[Float, Float]]:
        """For every cluster ``X' V^-1 X``, shape (p, p), and the score ``X' V^-1 e``, shape (p,).

        By Woodbury's identity where the cluster has fewer random effects than rows.
        """
        for rows in self._rows():
            root = self._root_weights(rows)
            T = self._effects(rows) * root[:, None]
            B = np.column_stack([self._X[rows], self._e[rows]]) * root[:, None]
            n, q = T.shape
            if q < n:
                TB = T.T @ B
                inner = np.linalg.solve(np.eye(q) + T.T @ T, TB)
                product = B.T @ B - TB.T @ inner
            else:
                product = B.T @ np.linalg.solve(np.eye(n) + T @ T.T, B)
            yield product[:-1, :-1], product[:-1, -1]

    def blocks(self) -> Iterator[Block]:
        """Every cluster's block; one is in memory at a time."""
        for rows in self._rows():
            root = self._root_weights(rows)
            T, X, e = self._effects(rows), self._X[rows], self._e[rows]
            n, width = len(rows), T.shape[1] + X.shape[1]
            if width < n and np.ptp(root) == 0.0:
                basis = np.linalg.qr(np.column_stack([T, X]))[0]
                T, X, e, root = basis.T @ T, basis.T @ X, basis.T @ e, root[:width]
            _check_size(len(X), len(X))
            yield Block(X, e, T @ T.T + np.diag(root**-2.0))

    def _rows(self) -> Iterator[IndexArray]:
        for start, stop in zip(self._bounds[:-1], self._bounds[1:], strict=True):
            yield self._order[start:stop]

    def _root_weights(self, rows: IndexArray) -> Float:
        weights = self._matrices.weights
        return np.ones(len(rows)) if weights is None else np.sqrt(weights[rows])

    def _effects(self, rows: IndexArray) -> Float:
        """``Z Lambda`` of some rows, shape (len(rows), effects of their groups)."""
        parts = [np.empty((len(rows), 0))]
        for term, factor in zip(self._matrices.terms, self._factors, strict=True):
            codes = self._matrices.factors[term.factor].codes[rows]
            groups, local = np.unique(codes, return_inverse=True)
            _check_size(len(rows), len(groups) * len(factor))
            part = np.zeros((len(rows), len(groups), factor.shape[1]))
            part[np.arange(len(rows)), local] = term.z[rows] @ factor
            parts.append(part.reshape(len(rows), -1))
        return np.column_stack(parts)


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > _LARGEST:
        raise NotSupportedError(
            f"A cluster is too large: it needs a dense array of {rows} by {columns} numbers. "
            "Use robust='CR1' or 'CR3' if the weights vary within clusters, cluster by a lower "
            "level, or test with df_method=."
        )
