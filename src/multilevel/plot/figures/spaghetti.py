"""Data by group: a line for every group, and the curve of all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import spread_out
from multilevel.plot.series import data_rows
from multilevel.plot.smooth import smooth
from multilevel.plot.style import (
    BLUE,
    INK,
    add_note,
    alpha_for,
    dress,
    key,
    new_axes,
    ticks_between,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["spaghetti", "spaghetti_data"]


def spaghetti(
    data: Any, y: str, x: str, group: str, *, max_groups: int | None = 100, ax: Axes | None = None
) -> Axes:
    """Draw a line through the rows of every group, and a curve through all.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows with missing values are left out.
    y, x, group : str
        Columns: a numeric response, a numeric predictor, the groups.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in their order; None for all of them. The curve
        is that of all groups.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If a column does not exist or is not numeric, or no row is complete.

    Notes
    -----
    Where x has up to 20 values the curve joins the means of y, each of the rows there; otherwise
    it is a local regression (Cleveland 1979). Lines join rows in the order of x; where x is not
    time or dose, and groups are large, :func:`random_slopes` and :func:`trellis` show more.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.spaghetti(mlm.datasets.load("sleepstudy"), "Reaction", "Days", "Subject")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Days', 'Reaction')
    """
    columns, n_groups = _columns(data, y, x, group, max_groups)
    ax = new_axes(ax)
    from matplotlib.collections import LineCollection

    points = np.column_stack([columns[x], columns[y]])
    starts = np.flatnonzero(columns[group][1:] != columns[group][:-1]) + 1
    lines = np.split(points, starts)
    alpha = alpha_for(len(lines) + len(points) // 10)
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=0.8, alpha=alpha))
    ax.scatter(points[:, 0], points[:, 1], s=4, color=BLUE, alpha=alpha, linewidths=0)
    at, first = np.unique(columns[x], return_index=True)
    ax.plot(at, columns["smooth"][first], color=INK, linewidth=1.8, label="all groups")
    dress(ax, x, y)
    ticks_between(ax.xaxis, at)
    key(ax, place="above")
    if len(lines) < n_groups:
        add_note(ax, f"{len(lines):,} of {n_groups:,} {group} shown")
    return ax


def spaghetti_data(data: Any, y: str, x: str, group: str, *, max_groups: int | None = 100) -> Any:
    """Give the rows that :func:`spaghetti` draws, by group and x, and its curve.

    Parameters
    ----------
    data, y, x, group, max_groups
        As in :func:`spaghetti`.

    Returns
    -------
    data frame
        The columns ``group``, ``x`` and ``y`` by their names, and ``smooth``, the curve at x.
    """
    return to_frame(_columns(data, y, x, group, max_groups)[0], Table.from_data(data))


def _columns(data: Any, y: str, x: str, group: str, max_groups: int | None) -> tuple[Columns, int]:
    if len({y, x, group, "smooth"}) < 4:
        raise DataError(
            f"y={y!r}, x={x!r} and group={group!r} must be three columns, none of them 'smooth'."
        )
    rows = data_rows(data, y, x, group)
    curve = smooth(rows.x, rows.y)
    chosen = spread_out(len(rows.levels), max_groups)
    order = np.lexsort((rows.x, rows.codes))
    order = order[np.isin(rows.codes[order], chosen)]
    columns = {
        group: rows.levels[rows.codes[order]],
        x: rows.x[order],
        y: rows.y[order],
        "smooth": curve[order],
    }
    return columns, len(rows.levels)
