"""Blocks of the marginal covariance matrix, one per cluster of rows, without the n x n matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

__all__ = ["Clusters", "check_clusters", "top_level_factor"]

# Numbers in one dense array: a gigabyte of them.
_LARGEST = 125_000_000
# Numbers in the columns of the clusters that are worked on at a time.
_BATCH = 1_000_000


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
class Blocks:
    """Clusters of equal shape, each seen from an orthonormal basis of all that matters.

    Outside the span of its columns of X and Z, the covariance matrix of a cluster is a multiple of
    the identity when its prior weights are equal; the basis U then has few columns. Otherwise it
    is the identity.

    Attributes
    ----------
    clusters : ndarray of intp, shape (b,)
        Which clusters they are.
    X : ndarray, shape (b, r, p)
        ``U' X``.
    e : ndarray, shape (b, r)
        ``U'`` times the marginal residuals ``y - X beta``.
    V : ndarray, shape (b, r, r)
        ``U' V U``, relative to the residual variance.
    """

    clusters: IndexArray
    X: Float
    e: Float
    V: Float


class Clusters:
    """The rows of a model by cluster.

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
        cluster, sizes = np.unique(codes, return_inverse=True, return_counts=True)[1:]
        self.n_clusters = len(sizes)
        self._order = np.argsort(cluster, kind="stable")
        self._starts = np.cumsum(sizes) - sizes
        self._X, self._matrices = X, matrices
        offset = 0.0 if matrices.offset is None else matrices.offset
        self._e = matrices.y - offset - matrices.X @ state.beta
        n = matrices.n_rows
        self._root = np.ones(n) if matrices.weights is None else np.sqrt(matrices.weights)
        self._factors = [term.relative_factor for term in state.terms]
        places = [_places(f.codes, f.n_levels, cluster, len(sizes)) for f in matrices.factors]
        self._place = [place for place, _ in places]
        sorted_root = self._root[self._order]
        unequal = np.maximum.reduceat(sorted_root, self._starts) > np.minimum.reduceat(
            sorted_root, self._starts
        )
        self._shapes = np.column_stack([sizes, unequal, *(count for _, count in places)])

    def information(self) -> tuple[Float, Float]:
        """``X' V^-1 X`` of every cluster, shape (m, p, p), and ``X' V^-1 e``, shape (m, p).

        By Woodbury's identity where a cluster has fewer random effects than rows.
        """
        p = self._X.shape[1]
        S, scores = np.empty((self.n_clusters, p, p)), np.empty((self.n_clusters, p))
        for clusters, rows in self._batches():
            root = self._root[rows][:, :, None]
            T = self._effects(rows) * root
            B = np.concatenate([self._X[rows], self._e[rows][:, :, None]], axis=2) * root
            n, q = T.shape[1:]
            Tt, Bt = T.swapaxes(1, 2), B.swapaxes(1, 2)
            if q < n:
                product = Bt @ B - (Bt @ T) @ np.linalg.solve(np.eye(q) + Tt @ T, Tt @ B)
            else:
                product = Bt @ np.linalg.solve(np.eye(n) + T @ Tt, B)
            S[clusters], scores[clusters] = product[:, :-1, :-1], product[:, :-1, -1]
        return S, scores

    def blocks(self) -> Iterator[Blocks]:
        """All clusters, some of equal shape at a time."""
        for clusters, rows in self._batches():
            T, X, e = self._effects(rows), self._X[rows], self._e[rows][:, :, None]
            n, width = T.shape[1], T.shape[2] + X.shape[2]
            root = self._root[rows]
            if width < n and not self._shapes[clusters[0], 1]:
                Ut = np.linalg.qr(np.concatenate([T, X], axis=2))[0].swapaxes(1, 2)
                T, X, e, root = Ut @ T, Ut @ X, Ut @ e, root[:, :width]
            _check_size(X.shape[1], X.shape[1])
            V = T @ T.swapaxes(1, 2)
            diagonal = np.arange(X.shape[1])
            V[:, diagonal, diagonal] += root**-2.0
            yield Blocks(clusters, X, e[:, :, 0], V)

    def _batches(self) -> Iterator[tuple[IndexArray, IndexArray]]:
        """Clusters of equal shape (b,) and their rows (b, n), as many as fit in the memory."""
        shapes, which = np.unique(self._shapes, axis=0, return_inverse=True)
        which = which.reshape(-1)
        members = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
        for (n, unequal, *counts), alike in zip(shapes.tolist(), members, strict=True):
            columns = self._X.shape[1] + sum(
                counts[t.factor] * len(t.names) for t in self._matrices.terms
            )
            _check_size(n, columns)
            step = max(1, _BATCH // (n * max(columns + 1, n if unequal else 0)))
            for start in range(0, len(alike), step):
                clusters = alike[start : start + step]
                yield clusters, self._order[self._starts[clusters][:, None] + np.arange(n)]

    def _effects(self, rows: IndexArray) -> Float:
        """``Z Lambda`` of clusters of equal shape, (b, n, effects of their groups)."""
        b, n = rows.shape
        parts = [np.empty((b, n, 0))]
        for term, factor in zip(self._matrices.terms, self._factors, strict=True):
            place = self._place[term.factor][rows]
            part = np.zeros((b, n, int(place.max()) + 1, len(factor)))
            np.put_along_axis(
                part, place[:, :, None, None], (term.z[rows] @ factor)[:, :, None], axis=2
            )
            parts.append(part.reshape(b, n, -1))
        return np.concatenate(parts, axis=2)


def _places(
    codes: Int, n_levels: int, cluster: IndexArray, m: int
) -> tuple[IndexArray, IndexArray]:
    """Position of each row's group among those of its cluster (n,), and their number (m,)."""
    home = np.empty(n_levels, dtype=np.intp)
    home[codes] = cluster
    counts = np.bincount(home, minlength=m)
    order = np.argsort(home, kind="stable")
    place = np.empty(n_levels, dtype=np.intp)
    place[order] = np.arange(n_levels) - (np.cumsum(counts) - counts)[home[order]]
    return place[codes], counts


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > _LARGEST:
        raise NotSupportedError(
            f"A cluster is too large: it needs a dense array of {rows} by {columns} numbers. "
            "Use robust='CR1' or 'CR3' if the weights vary within clusters, cluster by a lower "
            "level, or test with df_method=."
        )
