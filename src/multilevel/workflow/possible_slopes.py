"""Which random slopes a design has, and which of them it can tell from residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.predictors import varying_groups
from multilevel.workflow.random_part import Slope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["hidden_slopes", "possible_slopes"]

# Units in a group with the same category, on average, that tell differences from their noise.
_UNITS_PER_CELL = 2


def possible_slopes(study: Study, predictors: Iterable[Predictor]) -> list[Slope]:
    """Slopes of predictors that vary within the groups of a factor, the innermost first."""
    return [one for one in _varying(study, predictors) if _told_from_residuals(study, one)]


def hidden_slopes(study: Study) -> list[Slope]:
    """Slopes that may differ between the innermost groups, which have too few rows to show it."""
    inner = study.hierarchy.innermost
    found = [one for one in _varying(study, study.predictors) if one.factor is inner]
    return [one for one in found if not _told_from_residuals(study, one)]


def _varying(study: Study, predictors: Iterable[Predictor]) -> list[Slope]:
    factors, alone = study.hierarchy.factors, len(study.hierarchy.factors) == 1
    return [
        Slope(one, factor, alone=alone)
        for one in predictors
        for factor in reversed(factors)
        if _varies(study, one, factor)
    ]


def _varies(study: Study, one: Predictor, factor: Factor) -> bool:
    """Whether a predictor varies within half of a factor's groups."""
    varying = varying_groups(_values(study, one), study.codes(factor), factor.n_levels)
    return 2 * len(varying) >= study.n_groups(factor)


def _told_from_residuals(study: Study, one: Slope) -> bool:
    """Whether there are more units than random effects, and categories have several each.

    Units are rows; of a predictor that is the same in all rows of groups, these groups.
    """
    x = one.predictor
    units = study.n_rows if x.factor is None else study.n_groups(x.factor)
    if x.kind != "categorical":
        return units > (1 + one.n_effects) * study.n_groups(one.factor)
    codes = study.codes(one.factor).astype(np.int64)
    cells = np.unique(codes * len(x.labels) + _values(study, x).astype(np.int64))
    return units >= _UNITS_PER_CELL * len(cells)


def _values(study: Study, one: Predictor) -> Float:
    """A predictor's own column, codes of categories."""
    if one.own in one.columns:
        return one.columns[one.own]
    column = study.table.column(one.name)
    values = column.values if column.is_numeric else column.codes
    return np.asarray(values[study.rows], dtype=np.float64)
