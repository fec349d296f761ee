"""Standardised coefficients, by the standard deviations of the level of each predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table

if TYPE_CHECKING:
    from multilevel.typing import Float
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.study import Study

__all__ = ["standardised"]


def standardised(study: Study, coefficients: tuple[Coefficient, ...]) -> list[float]:
    """Coefficients with predictors in standard deviations of their level; NaN for the intercept.

    Standard deviations of group-level columns are over groups, those of others over rows;
    categories keep their 0 and 1. The outcome is in standard deviations over all rows.
    """
    spread = float(study.y.std(ddof=1))
    table = Table.from_data(study.data)
    return [
        float(np.prod([_sd(study, table, piece) for piece in one.pieces])) * one.estimate / spread
        if one.pieces
        else float("nan")
        for one in coefficients
    ]


def _sd(study: Study, table: Table, piece: Piece) -> float:
    if piece.role == "category":
        return 1.0
    predictor = piece.predictor
    if piece.role == "mean":
        factor = piece.factor
        x = predictor.columns[_mean_name(piece)]
    else:
        factor = predictor.factor
        x = table.column(predictor.own).values
        x = x**2 if piece.role == "square" else x
    if factor is not None:
        x = _one_per_group(x, study.codes(factor))
    return float(np.std(x, ddof=1)) if len(x) > 1 else float("nan")


def _mean_name(piece: Piece) -> str:
    return next(name for name, factor in piece.predictor.means if factor is piece.factor)


def _one_per_group(x: Float, codes: np.ndarray) -> Float:
    _, first = np.unique(codes, return_index=True)
    values: Float = x[first]
    return values
