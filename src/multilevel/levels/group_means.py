"""What the fixed part of a model says about the coefficients of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.typing import Float

    Mask = npt.NDArray[np.bool_]

__all__ = ["FixedShares", "fixed_shares"]

# A column is a combination of others if what they leave of it is below this part of its size.
_INSIDE = 1e-8


@dataclass(frozen=True, slots=True)
class FixedShares:
    """How columns of X move the k coefficients of J groups.

    In HLM's notation the coefficients of group j are ``W_j gamma + u_j``: a level-2 predictor moves
    the intercept, a cross-level interaction the slope. A column of X that is no combination of the
    random-effect columns within groups, such as a predictor with the same slope in all groups,
    moves none of them.

    Attributes
    ----------
    shares : ndarray, shape (J, k, p)
        Change of each coefficient per unit of a fixed effect; NaN where the rows of the group do
        not tell.
    inside : ndarray of bool, shape (p,)
        Which columns move the coefficients.
    """

    shares: Float
    inside: Mask

    def coefficients(self, beta: Float) -> Float:
        """Coefficients of all groups by the fixed effects, shape (J, k)."""
        return np.asarray(self.shares[:, :, self.inside] @ beta[self.inside])

    def n_predictors(self) -> npt.NDArray[np.intp]:
        """Independent predictors of each coefficient, its mean among them, shape (k,)."""
        known = self.shares[~np.isnan(self.shares).any(axis=(1, 2))][:, :, self.inside]
        ranks = []
        for W in known.swapaxes(0, 1):
            size = np.abs(W).max(axis=0, initial=0.0)
            ranks.append(int(np.linalg.matrix_rank(W[:, size > 0.0] / size[size > 0.0])))
        return np.array(ranks, dtype=np.intp)


def fixed_shares(effects: FactorEffects, X: Float) -> FixedShares:
    """Find out which columns of X move which coefficients of the groups."""
    factor, z = effects.factor, effects.z
    shares = np.zeros((factor.n_levels, z.shape[1], X.shape[1]))
    inside = np.zeros(X.shape[1], dtype=bool)
    for c, x in enumerate(X.T):
        found = _single_share(x, effects)
        if found is None:
            found = _regression_share(x, c, effects)
        if found is not None:
            shares[:, :, c], inside[c] = found, True
    return FixedShares(shares, inside)


def _single_share(x: Float, effects: FactorEffects) -> Float | None:
    """Share of a column that is in each group a multiple of one random-effect column."""
    codes, J = effects.factor.codes, effects.factor.n_levels
    for q, z in enumerate(effects.z.T):
        square = np.bincount(codes, z * z, J)
        ratio = np.bincount(codes, z * x, J) / np.where(square > 0.0, square, 1.0)
        if _same(x, z * ratio[codes]):
            share = np.zeros((J, effects.z.shape[1]))
            share[:, q] = np.where(square > 0.0, ratio, np.nan)
            return share
    return None


def _regression_share(x: Float, c: int, effects: FactorEffects) -> Float | None:
    """Share of a column that is in each group a combination of random-effect columns."""
    codes, estimable = effects.factor.codes, effects.regression.estimable
    share = effects.regression.coefficients[:, :, c]
    rows = estimable[codes]
    fitted = np.einsum("ij,ij->i", effects.z[rows], share[codes[rows]])
    return share if rows.any() and _same(x[rows], fitted) else None


def _same(x: Float, fitted: Float) -> bool:
    return bool(np.abs(x - fitted).max() <= _INSIDE * np.abs(x).max())
