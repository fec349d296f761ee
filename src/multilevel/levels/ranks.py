"""Ranks of groups, and how uncertain they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError

if TYPE_CHECKING:
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["Posterior", "expected_ranks", "independent_groups", "rank_intervals"]

# Groups of which all pairs are compared: 400 million of them, some ten seconds.
_MOST_GROUPS = 20_000
# Numbers in one array at a time: 32 MB.
_CHUNK = 4_000_000
# Two effects whose difference has less than this part of their variances are one.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Posterior:
    """Normal distribution of one random effect of J groups given the data.

    Its covariance matrix is ``diag(own) + shared @ shared.T``.

    Attributes
    ----------
    mean : ndarray, shape (J,)
        Conditional modes.
    own : ndarray, shape (J,)
        Variance that a group shares with no other.
    shared : ndarray, shape (J, r)
        Root of the rest, such as the error of the fixed effects.
    """

    mean: Float
    own: Float
    shared: Float

    @property
    def variance(self) -> Float:
        """Variances, shape (J,)."""
        return np.asarray(self.own + np.einsum("ij,ij->i", self.shared, self.shared))

    def draw(self, n: int, rng: np.random.Generator) -> Float:
        """Draw n times from the distribution, shape (n, J)."""
        J, r = self.shared.shape
        noise = rng.standard_normal((n, J)) * np.sqrt(self.own)
        return np.asarray(self.mean + noise + rng.standard_normal((n, r)) @ self.shared.T)


def independent_groups(effects: FactorEffects, state: FitState, q: int) -> Posterior:
    """Distribution of effect ``q`` where groups are independent given the fixed effects.

    Given those, the covariance of the effects of group j is ``C_j = (T^-1 + Z_j'Z_j)^-1``, the
    cross-products relative to the residual variance, and the modes change by ``-C_j Z_j'X_j`` per
    unit of the fixed effects, whose errors all groups share.
    """
    T, regression = effects.covariance, effects.regression
    information = regression.information / state.sigma**2
    given = np.linalg.solve(np.eye(len(T)) + T @ information, T)
    change = given[:, q, None] @ regression.moments[:, :, :-1] / state.sigma**2
    own = np.maximum(given[:, q, q], 0.0)
    return Posterior(effects.modes[:, q], own, change[:, 0] @ state.root)


def expected_ranks(posterior: Posterior) -> Float:
    """Expected rank of every group, 1 being the lowest, shape (J,).

    ``1 + sum_k P(b_k < b_j)`` over all other groups k (Laird & Louis 1989, J. Educ. Statist. 14,
    29-46; Lingsma et al. 2010, QJM 103, 99-108); one half for groups that cannot
    differ.

    Raises
    ------
    NotSupportedError
        For more than 20,000 groups.
    """
    from scipy.special import ndtr

    J = len(posterior.mean)
    if J > _MOST_GROUPS:
        raise NotSupportedError(
            f"Ranks compare all pairs of groups, and there are {J:,} groups; at most "
            f"{_MOST_GROUPS:,} are supported. The effects and their standard errors are in ranef()."
        )
    mean, variance, shared = posterior.mean, posterior.variance, posterior.shared
    ranks = np.empty(J)
    step = max(1, _CHUNK // J)
    for start in range(0, J, step):
        i = slice(start, start + step)
        total = variance[i, None] + variance
        spread = total - 2.0 * shared[i] @ shared.T
        differ = spread > _SAME * total
        z = (mean[i, None] - mean) / np.sqrt(np.where(differ, spread, 1.0))
        lower = np.where(differ, ndtr(z), 0.5)
        lower[np.arange(len(lower)), np.arange(J)[i]] = 1.0  # the group itself
        ranks[i] = lower.sum(axis=1)
    return ranks


def rank_intervals(
    posterior: Posterior, level: float, n: int, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Quantiles of the ranks of groups over n draws of all effects together, each shape (J,)."""
    J = len(posterior.mean)
    tied = bool((posterior.variance == 0.0).any())
    ranks = np.empty((n, J), dtype=np.int32)
    step = max(1, _CHUNK // J)
    for start in range(0, n, step):
        drawn = posterior.draw(min(step, n - start), rng)
        if tied:  # lots decide between effects that are all zero
            order = np.lexsort((rng.random(drawn.shape), drawn), axis=1)
        else:
            order = drawn.argsort(axis=1)
        np.put_along_axis(
            ranks[start : start + step], order, np.arange(1, J + 1, dtype=np.int32)[None], axis=1
        )
    tail = (1.0 - level) / 2.0
    ranks.sort(axis=0)
    low, high = int(np.floor(tail * (n - 1))), int(np.ceil((1.0 - tail) * (n - 1)))
    return ranks[low].astype(np.float64), ranks[high].astype(np.float64)
