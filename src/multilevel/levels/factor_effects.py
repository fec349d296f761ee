"""The random effects of one grouping factor beside least squares in its groups.

Given all other effects, the conditional modes b of group j are ``T (T + V_j)^-1`` times the least
squares estimate from the group's rows alone, T being the covariance of the effects and V_j that of
the estimate (Raudenbush & Bryk 2002, Hierarchical Linear Models, 2nd ed., ch. 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.levels.group_regression import NestedEffects, regress_in_groups
from multilevel.levels.nesting import is_nested

if TYPE_CHECKING:
    from multilevel.design.matrices import GroupingFactor, ModelMatrices
    from multilevel.levels.group_regression import GroupRegression
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["FactorEffects", "factor_effects"]


@dataclass(frozen=True, slots=True)
class FactorEffects:
    """Random effects of a factor with J groups and k effects, and their estimates by group.

    Attributes
    ----------
    factor : GroupingFactor
        The factor.
    terms : tuple of int
        Positions of its terms in the model.
    names : tuple of str, length k
        Names of the effects, of all its terms.
    z : ndarray, shape (n, k)
        Their columns.
    covariance : ndarray, shape (k, k)
        Covariance T of the effects.
    modes : ndarray, shape (J, k)
        Conditional modes.
    regression : GroupRegression
        Least squares in the groups: of the columns of X, and last of the response without its
        offset and without the effects of all factors that are not nested in this one. Effects of
        a chain of factors nested in it are part of the error.
    sampling : ndarray, shape (J, k, k)
        Covariance V of the least-squares estimates; NaN where there is none.
    alone : bool
        Whether all other factors are nested in this one in a chain, so that its groups are
        independent.
    """

    factor: GroupingFactor
    terms: tuple[int, ...]
    names: tuple[str, ...]
    z: Float
    covariance: Float
    modes: Float
    regression: GroupRegression
    sampling: Float
    alone: bool


def factor_effects(matrices: ModelMatrices, state: FitState, f: int) -> FactorEffects:
    """Collect the effects of grouping factor ``f`` and fit its groups by least squares."""
    factor = matrices.factors[f]
    chain = _chain_inside(matrices, f)
    terms = [t for t, term in enumerate(matrices.terms) if term.factor == f]
    z = np.hstack([matrices.terms[t].z for t in terms])
    response = matrices.y.copy() if matrices.offset is None else matrices.y - matrices.offset
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        if term.factor != f and term.factor not in chain:
            modes = fitted.modes[matrices.factors[term.factor].codes]
            response -= np.einsum("ij,ij->i", term.z, modes)
    regression = regress_in_groups(
        z,
        factor.codes,
        factor.n_levels,
        [*(np.ascontiguousarray(x) for x in matrices.X.T), response],
        matrices.weights,
        [_nested_effects(matrices, state, inner) for inner in chain],
    )
    return FactorEffects(
        factor,
        tuple(terms),
        tuple(name for t in terms for name in matrices.terms[t].names),
        z,
        _block_diagonal([state.terms[t].covariance for t in terms]),
        np.hstack([state.terms[t].modes for t in terms]),
        regression,
        state.sigma**2 * regression.unscaled,
        len(chain) + 1 == len({term.factor for term in matrices.terms}),
    )


def _chain_inside(matrices: ModelMatrices, f: int) -> list[int]:
    """Factors nested in ``f`` and in each other, the finest first."""
    factors = matrices.factors
    used = {term.factor for term in matrices.terms} - {f}
    chain: list[int] = []
    last = factors[f]
    for g in sorted(used, key=lambda g: factors[g].n_levels):
        if factors[g].n_levels > last.n_levels and is_nested(
            factors[g].codes, factors[g].n_levels, last.codes
        ):
            chain.insert(0, g)
            last = factors[g]
    return chain


def _nested_effects(matrices: ModelMatrices, state: FitState, f: int) -> NestedEffects:
    parts = [
        term.z @ fitted.relative_factor
        for term, fitted in zip(matrices.terms, state.terms, strict=True)
        if term.factor == f
    ]
    factor = matrices.factors[f]
    return NestedEffects(factor.codes, factor.n_levels, np.hstack(parts))


def _block_diagonal(blocks: list[Float]) -> Float:
    size = sum(len(block) for block in blocks)
    whole, start = np.zeros((size, size)), 0
    for block in blocks:
        stop = start + len(block)
        whole[start:stop, start:stop] = block
        start = stop
    return whole
