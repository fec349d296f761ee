"""Distribution of a variable at every level: rows, deviations within groups, means of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import stacked
from multilevel.plot.series import numeric
from multilevel.plot.style import BLUE, GREY, dress, new_panels, whole_ticks

if TYPE_CHECKING:
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float

__all__ = ["distribution", "distribution_data"]

_FEW = 20  # values up to which each has a bar of its own
_MOST_BINS = 40


def distribution(data: Any, y: str, group: str, *, ax: Any = None) -> Any:
    """Draw histograms of a variable, of its deviations within groups, and of its group means.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows with missing values are left out.
    y, group : str
        Columns: a numeric variable, the groups.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, three of them; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (3,)
        The panels.

    Raises
    ------
    DataError
        If a column does not exist or is not numeric, or no group has more than one row.

    Notes
    -----
    A variable with up to 20 different values has a bar for each; otherwise the width of the bars
    is that of Freedman & Diaconis (1981), with 40 bars at most. The dashed line is the mean.

    Examples
    --------
    >>> import multilevel as mlm
    >>> panels = mlm.plot.distribution(mlm.datasets.load("hsb"), "math", "school")
    >>> [panel.get_xlabel() for panel in panels]
    ['math', 'math minus mean of school', 'mean of math']
    """
    table, names, means = _columns(data, y, group)
    panels = new_panels(ax, len(names), columns=3, size=(2.5, 2.3))
    units = ("rows", "rows", f"groups ({group})")
    labels = (y, f"{y} minus mean of {group}", f"mean of {y}")
    for i, (panel, name) in enumerate(zip(panels, names, strict=True)):
        own = table["series"] == name
        low, high, count = (table[column][own] for column in ("low", "high", "count"))
        panel.bar(
            low, count, high - low, align="edge", color=BLUE, edgecolor="white", linewidth=0.4
        )
        panel.axvline(means[i], color=GREY, linewidth=0.8, linestyle="--")
        dress(panel, labels[i], units[i], grid="y")
        whole_ticks(panel.yaxis)
    return panels


def distribution_data(data: Any, y: str, group: str) -> Any:
    """Give the counts that :func:`distribution` draws.

    Parameters
    ----------
    data, y, group
        As in :func:`distribution`.

    Returns
    -------
    data frame
        ``series, low, high, count``: the ends of every bar and what it counts; the series are
        ``"rows"``, ``"within groups"`` and ``"group means"``.
    """
    return to_frame(_columns(data, y, group)[0], Table.from_data(data))


def _columns(data: Any, y: str, group: str) -> tuple[Columns, tuple[str, ...], tuple[float, ...]]:
    table = Table.from_data(data)
    values, codes = numeric(table, y, "y"), table.column(group).codes
    complete = np.isfinite(values) & (codes >= 0)
    if not complete.any():
        raise DataError(f"No row has values of both {y!r} and {group!r}.")
    seen, own = np.unique(codes[complete], return_inverse=True)
    if len(seen) == complete.sum():
        raise DataError(f"Every {group!r} has one row: nothing varies within.")
    kept = values[complete]
    means = np.bincount(own, kept) / np.bincount(own)
    parts = {"rows": kept, "within groups": kept - means[own], "group means": means}
    counted = [_histogram(name, one) for name, one in parts.items()]
    return stacked(counted), tuple(parts), tuple(float(one.mean()) for one in parts.values())


def _histogram(name: str, values: Float) -> Columns:
    distinct = np.unique(values)
    if 2 <= len(distinct) <= _FEW:
        half = float(np.diff(distinct).min()) / 2.0
        low, high = distinct - half, distinct + half
        count = np.unique(values, return_counts=True)[1]
    else:
        edges = np.histogram_bin_edges(values, "fd")
        if len(edges) > _MOST_BINS + 1:
            edges = np.histogram_bin_edges(values, _MOST_BINS)
        count, edges = np.histogram(values, edges)
        low, high = edges[:-1], edges[1:]
    series = np.full(len(low), name, dtype=object)
    return {"series": series, "low": low, "high": high, "count": count}
