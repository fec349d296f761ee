"""Repeated measurements: how many rows there are at each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.series import numeric
from multilevel.plot.style import BLUE, dress, new_axes, text_of, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["occasions", "occasions_data"]

_MOST_BARS = 30


def occasions(data: Any, time: str, *, ax: Axes | None = None) -> Axes:
    """Draw the number of rows at each time, in which drop-out shows.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows without a time are left out.
    time : str
        Column of times, numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If the column does not exist, is not numeric, or is missing in all rows.

    Notes
    -----
    Up to 30 different times have a bar each; more are cut into 30 equal classes.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.occasions(mlm.datasets.load("sleepstudy"), "Days")
    >>> ax.get_xlabel(), len(ax.patches)
    ('Days', 10)
    """
    columns = _columns(data, time)
    low, high, rows = columns[time], columns[f"{time}_high"], columns["n_rows"]
    single = bool((low == high).all())
    gap = float(np.diff(low).min()) if len(low) > 1 else 1.0
    ax = new_axes(ax, (5.2, 2.8))
    ax.bar((low + high) / 2.0, rows, width=(0.8 if single else 0.95) * gap, color=BLUE, linewidth=0)
    dress(ax, time, "rows", grid="y")
    if single and len(low) <= 15 and gap >= float(np.ptp(low)) / 30.0:
        ax.set_xticks(low, [text_of(when) for when in low])
    whole_ticks(ax.yaxis)
    return ax


def occasions_data(data: Any, time: str) -> Any:
    """Give the bars that :func:`occasions` draws.

    Parameters
    ----------
    data, time
        As in :func:`occasions`.

    Returns
    -------
    data frame
        The column of times by its name, the same name with ``_high`` (the end of the class, equal
        to its begin for single times), ``n_rows``.
    """
    return to_frame(_columns(data, time), Table.from_data(data))


def _columns(data: Any, time: str) -> Columns:
    when = numeric(Table.from_data(data), time, "time")
    when = when[np.isfinite(when)]
    if not len(when):
        raise DataError(f"No row has a value of {time!r}.")
    times, rows = np.unique(when, return_counts=True)
    high = times
    if len(times) > _MOST_BARS:
        rows, edges = np.histogram(when, bins=_MOST_BARS)
        times, high = edges[:-1], edges[1:]
    return {time: times, f"{time}_high": high, "n_rows": rows}
