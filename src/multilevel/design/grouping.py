"""Grouping factors of random-effects terms, and the checks that they can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.frame import compress
from multilevel.design.matrices import GroupingFactor, RandomTerm
from multilevel.design.rank import independent_columns
from multilevel.exceptions import DataError
from multilevel.frames.codes import interact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.frames.column import Column
    from multilevel.typing import IndexArray

__all__ = ["check_columns", "check_sizes", "grouping_factor"]


def grouping_factor(
    group: tuple[str, ...], columns: Mapping[str, Column], rows: IndexArray | None
) -> GroupingFactor:
    """Codes and levels of a column, or of the combinations of several, at some rows."""
    coded = [(columns[name].codes, columns[name].levels) for name in group]
    if rows is not None:
        coded = [compress(codes[rows], levels) for codes, levels in coded]
    codes, levels = coded[0]
    if len(group) > 1:
        codes, levels = interact([codes for codes, _ in coded], [labels for _, labels in coded])
    return GroupingFactor(":".join(group), group, codes, levels)


def check_sizes(term: RandomTerm, factor: GroupingFactor) -> None:
    """Refuse a term whose variances and the residual variance cannot be told apart.

    Raises
    ------
    DataError
        For a factor with one level, and when there are not more rows than random effects.
    """
    n, k = term.z.shape
    levels = factor.n_levels
    if levels == 1:
        raise DataError(
            f"Grouping factor {factor.name!r} has only one level ({factor.levels[0]!s}), so there "
            f"is no variation between groups to estimate. Leave out {term.label}."
        )
    if n <= levels:
        raise DataError(
            f"Grouping factor {factor.name!r} has {levels} levels for {n} rows: with one row per "
            f"level the random effects of {term.label} cannot be told from the residuals. Use a "
            "factor with several rows per level."
        )
    # Independent effects need more rows than each has levels, unless each row has only one of them.
    if n <= k * levels and (
        term.covariance == "unstructured" or (np.count_nonzero(term.z, axis=1) <= 1).all()
    ):
        raise DataError(
            f"{term.label} has more random effects than observations allow: {k} for each of "
            f"{levels} levels of {factor.name!r} make {k * levels}, and there are {n} rows, so "
            "they cannot be told from the residuals. Use fewer random slopes."
        )


def check_columns(term: RandomTerm, *, intercept: bool) -> None:
    """Refuse correlated random effects whose columns are linear combinations of one another."""
    if term.covariance != "unstructured" or len(term.names) == 1:
        return
    kept = independent_columns(term.z, intercept=intercept)
    if len(kept) < len(term.names):
        lost = [name for j, name in enumerate(term.names) if j not in kept]
        raise DataError(
            f"In {term.label}, {', '.join(map(repr, lost))} is a linear combination of the columns "
            "before it, so their variances cannot be told apart. Leave it out of the term."
        )
