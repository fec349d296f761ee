"""A variable split into what differs between groups and what differs within them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, Int

__all__ = ["crossed_parts", "group_means", "nested_parts"]


def group_means(x: Float, codes: Int, n_levels: int) -> Float:
    """Mean of the observed values of each group, for every row, shape (n,).

    NaN where all values of a group are missing. In a group without variation it is the value
    itself, to the last digit.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Values; NaN for missing.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    n_levels : int
        Number of groups.
    """
    there = ~np.isnan(x)
    origin = np.full(n_levels, np.nan)
    origin[codes[there]] = x[there]  # some value of the group, so that equal values leave zeros
    shift = np.where(there, x - origin[codes], 0.0)
    counts = np.bincount(codes, there, n_levels)
    means = origin + np.bincount(codes, shift, n_levels) / np.maximum(counts, 1.0)
    return np.asarray(means[codes])


def nested_parts(x: Float, factors: Sequence[tuple[Int, int]]) -> list[Float]:
    """Parts of a variable by factors from the outermost to the innermost, rest within last.

    The mean of the outermost group, then of every factor the difference of the means of its groups
    from those around it, then the deviation from the mean of the innermost group: they add up to x.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Values; NaN for missing.
    factors : sequence of (codes, n_levels)
        Factors, each nested in the one before it.
    """
    means = [group_means(x, codes, n_levels) for codes, n_levels in factors]
    between = [means[0], *(inner - outer for outer, inner in pairwise(means))]
    return [*between, x - means[-1]]


def crossed_parts(
    x: Float, factors: Sequence[tuple[Int, int]], parents: Sequence[int | None] | None = None
) -> list[Float]:
    """Parts of a variable by crossed factors, rest last.

    The mean of the group of the first factor, the deviations of the means of the groups of the
    others from the grand mean, and what is left: they add up to x. A factor that is nested in one
    of the others has deviations from the means of that one.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Values; NaN for missing.
    factors : sequence of (codes, n_levels)
        Factors that cross each other.
    parents : sequence of int or None, optional
        Position of the factor in which each is nested, a parent before its children.
    """
    grand = group_means(x, np.zeros(len(x), dtype=np.int32), 1)
    means = [group_means(x, codes, n_levels) for codes, n_levels in factors]
    around = parents or [None] * len(means)
    between = [means[0]]
    between += [
        mean - (grand if parent is None else means[parent])
        for mean, parent in zip(means[1:], around[1:], strict=True)
    ]
    return [*between, x - sum(between)]
