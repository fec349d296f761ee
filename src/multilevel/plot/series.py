"""Rows and lines by group, as one long table of series.

The table has the columns ``series`` (what is drawn: ``"data"``, ``"no pooling"``, ``"partial
pooling"``, ``"population"``), ``level`` (the group, None for the population), ``x`` and ``y``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.table import Table
from multilevel.plot.numbers import chosen_group, columns_of, response_name, used_column

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float, IndexArray

__all__ = [
    "GroupedRows",
    "data_rows",
    "fit_rows",
    "group_lines",
    "numeric",
    "population_line",
    "separate",
]

POINTS = 15


class GroupedRows:
    """Complete rows of a response and a predictor in groups.

    Attributes
    ----------
    y, x : ndarray, shape (n,)
        Values.
    codes : ndarray of int, shape (n,)
        Group of each row.
    levels : ndarray, shape (n_groups,)
        Labels of the groups.
    names : tuple of str
        Names of response, predictor and grouping factor.
    """

    def __init__(
        self, y: Float, x: Float, codes: Any, levels: Any, names: tuple[str, str, str]
    ) -> None:
        self.y, self.x, self.codes, self.levels, self.names = y, x, codes, levels, names

    def of(self, group: int) -> IndexArray:
        """Rows of a group, x ascending."""
        rows = np.flatnonzero(self.codes == group)
        return rows[np.argsort(self.x[rows], kind="stable")]

    def series(self, groups: IndexArray) -> Columns:
        """The rows of some groups as a series."""
        rows = np.concatenate([self.of(group) for group in groups])
        return _series("data", self.levels[self.codes[rows]], self.x[rows], self.y[rows])


def data_rows(data: Any, y: str, x: str, group: str) -> GroupedRows:
    """Rows of data without missing values in three columns.

    Raises
    ------
    DataError
        If there is no such column, response or predictor are not numeric, or no row is complete.
    """
    table = Table.from_data(data)
    values = [numeric(table, y, "y"), numeric(table, x, "x")]
    codes = table.column(group).codes
    complete = np.isfinite(values[0]) & np.isfinite(values[1]) & (codes >= 0)
    if not complete.any():
        raise DataError(f"No row has values of all of {y!r}, {x!r} and {group!r}.")
    seen, own = np.unique(codes[complete], return_inverse=True)
    levels = table.column(group).levels[seen]
    return GroupedRows(values[0][complete], values[1][complete], own, levels, (y, x, group))


def numeric(table: Table, name: str, what: str) -> Float:
    """Values of a numeric column of data."""
    column = table.column(name)
    if not column.is_numeric:
        raise DataError(f"{what}={name!r} must be numeric, but it holds {column.describe()}.")
    return column.values


def fit_rows(fit: LinearMixedModel, x: str, group: str | None) -> GroupedRows:
    """Rows of a fit by a numeric predictor.

    Raises
    ------
    DataError
        If there is no such predictor, or it is not numeric; for an unknown factor.
    """
    factor = fit.model.matrices.factors[chosen_group(fit, group)]
    design = fit.model.design
    known = _predictors(fit)
    if x not in known:
        raise DataError(
            f"x={x!r} is no predictor of the model; predictors: {', '.join(known) or 'none'}."
        )
    values = numeric(design.table, x, "x")
    values = values if design.rows is None else values[design.rows]
    names = (response_name(fit), x, factor.name)
    return GroupedRows(fit.model.matrices.y, values, factor.codes, factor.levels, names)


def separate(rows: GroupedRows, groups: IndexArray) -> Columns:
    """Lines by least squares within each group, over its range (no pooling)."""
    from multilevel.fits.lm_list import lm_list

    data = {"y": rows.y, "x": rows.x, "g": rows.codes}
    table = columns_of(lm_list("y ~ x", data, by="g").coef())
    intercept, slope = table["Intercept"][groups], table["x"][groups]
    ends = np.array([rows.x[rows.of(group)[[0, -1]]] for group in groups])
    drawn = np.isfinite(slope)
    x = ends[drawn].ravel()
    y = np.repeat(intercept[drawn], 2) + np.repeat(slope[drawn], 2) * x
    return _series("no pooling", np.repeat(rows.levels[groups[drawn]], 2), x, y)


def group_lines(fit: LinearMixedModel, rows: GroupedRows, groups: IndexArray) -> Columns:
    """Fitted values of some groups along x, averaged over what else varies in their rows."""
    columns = _predictor_columns(fit)
    parts, owners, weights, xs = [], [], [], []
    for i, group in enumerate(groups):
        own = rows.of(group)
        grid = np.linspace(rows.x[own[0]], rows.x[own[-1]], POINTS)
        distinct, share = _distinct(columns, own, rows.names[1])
        parts.append(np.repeat(distinct, POINTS))
        xs.append(np.tile(grid, len(distinct)))
        weights.append(np.repeat(share, POINTS))
        owners.append(i * POINTS + np.tile(np.arange(POINTS), len(distinct)))
    place, x = np.concatenate(parts), np.concatenate(xs)
    new = {name: values[place] for name, values in columns.items()}
    new[rows.names[1]] = x
    owner, weight = np.concatenate(owners), np.concatenate(weights)
    y = np.bincount(owner, weight * fit.predict(new))
    at = np.bincount(owner, weight * x)
    return _series("partial pooling", np.repeat(rows.levels[groups], POINTS), at, y)


def population_line(fit: LinearMixedModel, rows: GroupedRows, **options: Any) -> Columns:
    """Marginal means along x with their intervals, other predictors averaged over the rows."""
    name = rows.names[1]
    grid = np.linspace(rows.x.min(), rows.x.max(), 2 * POINTS).tolist()
    options = {"weights": "proportional"} | options
    means = columns_of(fit.emmeans(name, at={name: grid}, **options).to_frame())
    line = _series("population", np.full(len(grid), None), means[name], means["estimate"])
    return line | {"conf_low": means["conf_low"], "conf_high": means["conf_high"]}


def _series(series: str, level: Any, x: Any, y: Any) -> Columns:
    n = len(x)
    return {"series": np.full(n, series, dtype=object), "level": level, "x": x, "y": y}


def _predictor_columns(fit: LinearMixedModel) -> Columns:
    """Columns of the data that a prediction needs, in the rows used."""
    spec = fit.model.design.spec
    names = [*_predictors(fit), *(name for factor in spec.groups for name in factor.columns)]
    if spec.offset_column is not None:
        names.append(spec.offset_column)
    return {name: used_column(fit, name) for name in dict.fromkeys(names)}


def _predictors(fit: LinearMixedModel) -> list[str]:
    """Columns of the data in the fixed part, random effects and offsets."""
    made = fit.model.design.spec.encoders
    encoders = [made.fixed, *made.effects, *made.offsets]
    return list(dict.fromkeys(name for encoder in encoders for name in encoder.columns))


def _distinct(columns: Columns, own: IndexArray, x: str) -> tuple[IndexArray, Float]:
    """Rows of a group that differ in other columns than x, and the share of each."""
    others = [values[own] for name, values in columns.items() if name != x]
    codes = [np.unique(values, return_inverse=True)[1] for values in others]
    table = np.column_stack(codes)
    _, first, counts = np.unique(table, axis=0, return_index=True, return_counts=True)
    return own[first], counts / counts.sum()
