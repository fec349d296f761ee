"""Labels of groups that are used again: of the same groups, or numbers that start again.

Classes 1, 2, 3 in every school are different classes; items 1, 2, 3 that every person answers are
the same items. Both look alike in a table. What is asked here depends neither on the order of the
rows nor on how groups are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float, Int

__all__ = ["common_difference", "starts_again"]

# Rows per combination; in designs of people by items there is one.
_ROWS_PER_CELL = 2.0
# Share of combinations that fit "the first k labels in every group"; the others are gaps.
_FIT = 0.9
# Labels that go with a common difference of the outcome, by a test at this level, are the same
# things everywhere.
_ALPHA = 0.001


def starts_again(above: Int, below: Int, y: Float | None) -> bool:
    """Whether the labels of ``below`` start again in every group of ``above``.

    Parameters
    ----------
    above, below : ndarray of int, shape (n,)
        Codes from 0, none missing.
    y : ndarray, shape (n,), or None
        The outcome, by which the same items are told from numbers that start again.
    """
    cells, first, rows = np.unique(_pairs(above, below), return_index=True, return_counts=True)
    outer, inner = above[first], below[first]
    if len(above) < _ROWS_PER_CELL * len(cells) or rows.max() == 1:
        return False
    used = np.bincount(inner)  # in how many groups above a label occurs
    children = np.bincount(outer)
    # with k labels of its own, a group should have the k that are most often used
    rarest = np.sort(used)[::-1][np.maximum(children, 1) - 1]
    if np.mean(used[inner] >= rarest[outer]) < _FIT or used.max() < 2:
        return False
    return y is None or common_difference(above, below, y) >= _ALPHA


def common_difference(above: Int, below: Int, y: Float) -> float:
    """p value of differences of the outcome between labels that all groups above have in common.

    Means of the combinations, as deviations from those of the groups above, are compared between
    labels: an analysis of variance of a two-way table of means, exact if it is complete.
    """
    from scipy.special import fdtrc

    _, cell, rows = np.unique(_pairs(above, below), return_inverse=True, return_counts=True)
    first = np.zeros(len(rows), dtype=np.intp)
    first[cell] = np.arange(len(cell))
    outer, inner = above[first], below[first]
    means = np.bincount(cell, y) / rows
    own = means - _mean_of(means, outer)[outer]
    common = _mean_of(own, inner)[inner]
    labels, groups = len(np.unique(inner)) - 1, len(np.unique(outer)) - 1
    left = len(rows) - 1 - labels - groups
    scatter = float(np.sum((own - common) ** 2))
    between = float(np.sum(common**2))
    if labels < 1 or left < 1 or between <= 0.0:
        return 1.0
    if scatter <= 0.0:
        return 0.0
    return float(fdtrc(labels, left, between / labels / (scatter / left)))


def _pairs(above: Int, below: Int) -> np.ndarray:
    return above.astype(np.int64) * (int(below.max()) + 1) + below


def _mean_of(values: Float, codes: Int) -> Float:
    means: Float = np.bincount(codes, values) / np.maximum(np.bincount(codes), 1)
    return means
