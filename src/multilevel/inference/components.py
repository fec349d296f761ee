"""Cross-products of the connected parts of a model.

Two groups are connected when a row belongs to both; the covariance matrix of the response is block
diagonal over the connected components (top-level groups of a nested design; everything, when
factors are crossed). Components of like size are stacked, so that small ones are handled by
batched linear algebra, and padded with groups that have no rows, which add nothing to any sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float, IndexArray

__all__ = ["Batch", "batches"]

# A component with more random effects than this needs several matrices of more than 500 MB.
_LARGEST = 8_000
# Random effects (padding included) squared, times components, in one batch: 64 MB.
_BATCH = 8_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Cross-products of g components with q random effects each (padding included).

    Attributes
    ----------
    levels : tuple of int
        Groups per component in every term.
    ZZ : ndarray, shape (g, q, q)
        ``Z'Z``, terms in formula order, each group by group.
    ZX : ndarray, shape (g, q, p)
        ``Z'X``.
    """

    levels: tuple[int, ...]
    ZZ: Float
    ZX: Float


def batches(
    matrices: ModelMatrices, columns: list[Float], X: Float, method: str
) -> Iterator[Batch]:
    """Cross-products of all components.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    columns : list of ndarray, shape (n, k)
        Random-effect columns of every term, in any coordinates, weighted.
    X : ndarray, shape (n, p)
        Fixed-effects columns, in any coordinates, weighted.
    method : str
        What they are needed for, for the message.

    Raises
    ------
    NotSupportedError
        If a component has more than 8,000 random effects.
    """
    component = _components(matrices)
    n_components = max((int(c.max()) + 1 for c in component), default=0)
    counts = np.column_stack([np.bincount(c, minlength=n_components) for c in component])
    widths = np.array([term.z.shape[1] for term in matrices.terms])
    factors = np.array([term.factor for term in matrices.terms])
    sizes = counts[:, factors] @ widths
    if sizes.max(initial=0) > _LARGEST:
        raise NotSupportedError(
            f"{method} needs dense matrices of the random effects that are connected with each "
            f"other, which are {sizes.max()} here (at most {_LARGEST} are supported). "
            "Use df_method='satterthwaite', which does not."
        )
    local = [_position(c) for c in component]
    rounded = _rounded(counts)
    for shape in np.unique(rounded, axis=0):
        members = np.flatnonzero((rounded == shape).all(axis=1))
        q = int(shape[factors] @ widths)
        step = max(1, _BATCH // (q * q))
        for start in range(0, len(members), step):
            chosen = members[start : start + step]
            yield _batch(matrices, columns, X, chosen, component, local, shape)


def _components(matrices: ModelMatrices) -> list[IndexArray]:
    """Component of every level, per factor."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    factors = matrices.factors
    if len(factors) == 1:
        return [np.arange(factors[0].n_levels)]
    starts = np.cumsum([0, *(f.n_levels for f in factors)])
    first = np.concatenate([factors[0].codes] * (len(factors) - 1))
    others = np.concatenate([f.codes + s for f, s in zip(factors[1:], starts[1:-1], strict=True)])
    links = np.unique(first.astype(np.int64) * starts[-1] + others)
    ones = np.ones(len(links), dtype=np.int8)
    graph = coo_array((ones, (links // starts[-1], links % starts[-1])), shape=(starts[-1],) * 2)
    labels = connected_components(graph, directed=False)[1]
    return np.split(labels, starts[1:-1])


def _position(component: IndexArray) -> IndexArray:
    """Number of every level among those of its component."""
    order = np.argsort(component, kind="stable")
    ordered = component[order]
    position = np.empty(len(order), dtype=np.intp)
    position[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return position


def _rounded(counts: IndexArray) -> IndexArray:
    """Numbers of levels, large ones rounded up (by at most a quarter) so that many are alike."""
    unit = 2 ** np.maximum(np.floor(np.log2(np.maximum(counts, 1))).astype(int) - 2, 0)
    rounded: IndexArray = -(-counts // unit) * unit
    return np.where(len(counts) == 1, counts, rounded)


def _batch(
    matrices: ModelMatrices,
    columns: list[Float],
    X: Float,
    chosen: IndexArray,
    component: list[IndexArray],
    local: list[IndexArray],
    shape: IndexArray,
) -> Batch:
    place = np.full(int(component[0].max()) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    at = place[component[0][matrices.factors[0].codes]]
    rows = np.flatnonzero(at >= 0) if len(chosen) < len(place) else slice(None)
    at = at[rows]
    effects: list[tuple[IndexArray, Float]] = []  # position among the component's, values
    levels: list[int] = []
    start = 0
    for term, z in zip(matrices.terms, columns, strict=True):
        n_levels, k = int(shape[term.factor]), z.shape[1]
        position = start + local[term.factor][matrices.factors[term.factor].codes[rows]] * k
        effects += [(position + j, z[rows, j]) for j in range(k)]
        levels.append(n_levels)
        start += n_levels * k
    g, q, p = len(chosen), start, X.shape[1]
    ZZ, ZX = np.zeros(g * q * q), np.zeros((p, g * q))
    for a, (i, zi) in enumerate(effects):
        for j, zj in effects[a:]:
            ZZ += np.bincount((at * q + i) * q + j, zi * zj, g * q * q)
        for c in range(p):
            ZX[c] += np.bincount(at * q + i, zi * X[rows, c], g * q)
    half = ZZ.reshape(g, q, q)
    full = half + half.swapaxes(1, 2)  # pairs of columns were visited once,
    full[:, np.arange(q), np.arange(q)] /= 2.0  # those of a column with itself lie on the diagonal
    return Batch(tuple(levels), full, ZX.T.reshape(g, q, p))
