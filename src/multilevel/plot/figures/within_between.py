"""A relation taken apart: rows around the means of their groups, and these means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import spread_out, stacked, take
from multilevel.plot.series import data_rows
from multilevel.plot.smooth import smooth
from multilevel.plot.style import (
    BLUE,
    INK,
    VERMILION,
    alpha_for,
    dress,
    key,
    new_panels,
)

if TYPE_CHECKING:
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float

__all__ = ["within_between", "within_between_data"]

_SERIES = ("within groups", "between groups")


def within_between(
    data: Any, y: str, x: str, group: str, *, max_points: int | None = 2000, ax: Any = None
) -> Any:
    """Draw a relation within groups and between them, side by side.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows with missing values are left out.
    y, x, group : str
        Columns: a numeric response, a numeric predictor that varies within groups, the groups.
    max_points : int or None
        Draw at most so many points in a panel, evenly spaced along x; None for all of them. Lines
        and curves are those of all rows and groups.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, two of them; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2,)
        Rows minus the means of their groups; the means of groups.

    Raises
    ------
    DataError
        If a column does not exist or is not numeric, or x does not vary within groups or between
        them.

    Notes
    -----
    The straight lines are those of least squares; curves are local regressions (Cleveland 1979).
    A curve that leaves its line calls for a curved term. Lines of different slope say that the
    relation between groups is another one than within them (Mundlak 1978).

    Examples
    --------
    >>> import multilevel as mlm
    >>> panels = mlm.plot.within_between(mlm.datasets.load("hsb"), "math", "ses", "school")
    >>> [panel.get_title(loc="left") for panel in panels]
    ['within school: slope 2.19', 'between school: slope 5.91']
    """
    table, slopes, sizes = _columns(data, y, x, group, max_points)
    panels = new_panels(ax, 2, columns=2, size=(3.2, 2.9))
    words = (("within", "minus group mean"), ("between", "group mean"))
    for i, panel in enumerate(panels):
        one = take(table, table["series"] == _SERIES[i])
        alpha = alpha_for(len(one["x"]) // 8)
        panel.scatter(one["x"], one["y"], s=6, color=BLUE, alpha=alpha, linewidths=0)
        panel.plot(one["x"], one["line"], color=VERMILION, linewidth=1.4, label="line")
        panel.plot(one["x"], one["smooth"], color=INK, linewidth=1.2, linestyle="--", label="curve")
        where, suffix = words[i]
        heading = f"{where} {group}: slope {slopes[i]:.3g}"
        shown = f" ({len(one['x']):,} of {sizes[i]:,} shown)" if len(one["x"]) < sizes[i] else ""
        dress(panel, f"{x}, {suffix}{shown}", f"{y}, {suffix}", heading=heading)
        key(panel)
    return panels


def within_between_data(
    data: Any, y: str, x: str, group: str, *, max_points: int | None = 2000
) -> Any:
    """Give the points, lines and curves that :func:`within_between` draws.

    Parameters
    ----------
    data, y, x, group, max_points
        As in :func:`within_between`.

    Returns
    -------
    data frame
        ``series, x, y, line, smooth``: of rows the deviations from the means of their groups
        (``"within groups"``), of groups the means (``"between groups"``), by ascending x.
    """
    return to_frame(_columns(data, y, x, group, max_points)[0], Table.from_data(data))


def _columns(
    data: Any, y: str, x: str, group: str, max_points: int | None
) -> tuple[Columns, list[float], list[int]]:
    rows = data_rows(data, y, x, group)
    by_value = np.lexsort((rows.y, rows.x))  # sums must not depend on the order of the data
    codes, values = rows.codes[by_value], (rows.x[by_value], rows.y[by_value])
    counts = np.bincount(codes)
    means = [np.bincount(codes, one) / counts for one in values]
    inside = [one - mean[codes] for one, mean in zip(values, means, strict=True)]
    parts, slopes, sizes = [], [], []
    for name, (u, v) in zip(_SERIES, (inside, means), strict=True):
        if np.ptp(u) <= 1e-9 * np.abs(rows.x).max():
            raise DataError(f"x={x!r} does not vary {name}: there is no relation to draw.")
        slope = float((u - u.mean()) @ v / ((u - u.mean()) @ u))
        order = np.lexsort((v, u))
        order = order[spread_out(len(order), max_points)]
        part = _part(name, u, v, slope)
        parts.append(take(part, order))
        slopes.append(slope)
        sizes.append(len(u))
    return stacked(parts), slopes, sizes


def _part(name: str, u: Float, v: Float, slope: float) -> Columns:
    return {
        "series": np.full(len(u), name, dtype=object),
        "x": u,
        "y": v,
        "line": v.mean() + slope * (u - u.mean()),
        "smooth": smooth(u, v),
    }
