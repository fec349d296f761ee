"""Blocks of the inverse covariance matrix for rows that belong together, when factors are crossed.

In rows scaled by the roots of the prior weights, ``V^-1 = I - T (I + T'T)^-1 T'`` with the
spherical columns ``T = W^(1/2) Z Lambda`` of all random effects. The factor with the most levels is
eliminated level by level; of the others, connected effects share a dense matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

__all__ = ["RowBlocks"]

# Random effects that are left connected after elimination: 300 MB, and a few such on the way.
_LARGEST = 6000


class RowBlocks:
    """Blocks of ``V^-1`` without the n x n matrix.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model, with two grouping factors or more.
    state : FitState
        The fit.

    Attributes
    ----------
    fits : bool
        Whether few enough effects are connected; there are no blocks otherwise.
    """

    def __init__(self, matrices: ModelMatrices, state: FitState) -> None:
        from scipy import sparse

        factors = matrices.factors
        finest = max(range(len(factors)), key=lambda f: factors[f].n_levels)
        columns = [_spherical(matrices, state, f) for f in range(len(factors))]
        self._own, self._level = columns[finest], factors[finest].codes
        self._n_levels = factors[finest].n_levels
        self._rest = sparse.hstack(
            [
                _spread(columns[f], factor.codes, factor.n_levels)
                for f, factor in enumerate(factors)
                if f != finest
            ],
            format="csr",
        )
        self._inverse = np.linalg.inv(self._grams() + np.eye(self._own.shape[1]))
        cross = (_spread(self._own, self._level, self._n_levels).T @ self._rest).tocsr()
        self._eliminated = sparse.block_diag(list(self._inverse), format="csr") @ cross
        self.fits = self._invert(self._rest.T @ self._rest - cross.T @ self._eliminated)

    def _grams(self) -> Float:
        """Cross-products of the columns of the finest factor, level by level."""
        k = self._own.shape[1]
        grams = np.empty((self._n_levels, k, k))
        for i, a in enumerate(self._own.T):
            for j, b in enumerate(self._own.T):
                grams[:, i, j] = np.bincount(self._level, a * b, self._n_levels)
        return grams

    def _invert(self, rest: Any) -> bool:
        """Invert what elimination leaves plus the identity, component by component."""
        from scipy.sparse.csgraph import connected_components

        self._component = connected_components(rest, directed=False)[1]
        sizes = np.bincount(self._component)
        if sizes.max() > _LARGEST:
            return False
        order = np.argsort(self._component, kind="stable")
        ends = np.cumsum(sizes)
        self._place = np.empty(len(order), dtype=np.intp)
        self._place[order] = np.arange(len(order)) - (ends - sizes)[self._component[order]]
        rest = rest.tocsr()[order][:, order]
        self._rest_inverse = [
            np.linalg.inv(rest[end - size : end, end - size : end].toarray() + np.eye(size))
            for size, end in zip(sizes, ends, strict=True)
        ]
        return True

    def block(self, rows: IndexArray) -> Float:
        """Rows and columns of ``V^-1`` for m rows, shape (m, m)."""
        own, level = self._own[rows], self._level[rows]
        spread = _spread(own, level, self._n_levels)
        left = (self._rest[rows] - spread @ self._eliminated).tocsc()
        same = np.einsum("ia,iab,jb->ij", own, self._inverse[level], own)
        block: Float = np.eye(len(rows)) - (level[:, None] == level) * same
        touched = np.flatnonzero(np.diff(left.indptr))
        for c in np.unique(self._component[touched]):
            columns = touched[self._component[touched] == c]
            dense, place = left[:, columns].toarray(), self._place[columns]
            block -= dense @ self._rest_inverse[c][np.ix_(place, place)] @ dense.T
        return block


def _spherical(matrices: ModelMatrices, state: FitState, f: int) -> Float:
    """``W^(1/2) Z Lambda`` of a factor, shape (n, effects per level)."""
    columns = np.hstack(
        [
            term.z @ fitted.relative_factor
            for term, fitted in zip(matrices.terms, state.terms, strict=True)
            if term.factor == f
        ]
    )
    root = 1.0 if matrices.weights is None else np.sqrt(matrices.weights)[:, None]
    return columns * root


def _spread(columns: Float, codes: Int, n_levels: int) -> Any:
    """Sparse matrix with the columns of a row at the effects of its level."""
    from scipy import sparse

    n, k = columns.shape
    places = k * codes.astype(np.intp)[:, None] + np.arange(k)
    return sparse.csr_array(
        (columns.ravel(), places.ravel(), k * np.arange(n + 1)), shape=(n, k * n_levels)
    )
