"""A column split into what varies between the groups of each factor and what varies within all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import GroupingFactor
    from multilevel.typing import Float

__all__ = ["level_parts"]

# Sweeps over crossed factors stop when a sweep moves nothing by more than this part of the spread.
_SETTLED = 1e-10
_MOST_SWEEPS = 10_000


def level_parts(x: Float, factors: Sequence[GroupingFactor]) -> list[Float]:
    """Parts of a column: the mean, an additive part of every factor, and the rest within groups.

    The additive parts are those of least squares. Of nested factors the outer one comes first: it
    has the means of its groups, the inner one the deviations of its groups from these. Crossed
    factors share what they have in common by backfitting in the same order.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Values.
    factors : sequence of GroupingFactor
        Grouping factors of the rows.

    Returns
    -------
    list of ndarray, shape (n,)
        The mean of all rows, one part per factor in the order given, and the rest; they add up to
        `x`.
    """
    mean = np.full(len(x), x.mean())
    rest = x - mean
    spread = float(np.abs(rest).max(initial=0.0))
    parts: list[Float] = [np.zeros(len(x)) for _ in factors]
    order = sorted(range(len(factors)), key=lambda f: factors[f].n_levels)
    sizes = [np.bincount(factor.codes, minlength=factor.n_levels) for factor in factors]
    for _ in range(_MOST_SWEEPS):
        moved = 0.0
        for f in order:
            codes = factors[f].codes
            step = (np.bincount(codes, rest, factors[f].n_levels) / sizes[f])[codes]
            parts[f] += step
            rest = rest - step
            moved = max(moved, float(np.abs(step).max()))
        if moved <= _SETTLED * spread or len(factors) == 1:
            break
    return [mean, *parts, rest]
