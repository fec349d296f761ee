"""Means of groups with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.lm_list import lm_list
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import columns_of, spread_out, take
from multilevel.plot.series import numeric
from multilevel.plot.style import BLUE, GREY, dress, label_rows, new_axes, row_height

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["group_means", "group_means_data"]


def group_means(
    data: Any,
    y: str,
    group: str,
    *,
    level: float = 0.95,
    max_groups: int | None = 500,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean of every group with its interval, sorted.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows with missing values are left out.
    y, group : str
        Columns: a numeric response, the groups.
    level : float
        Level of the intervals.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in the order of their means; None for all.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If a column does not exist or is not numeric, or no group has more than one row.

    Notes
    -----
    The intervals use the variance within groups, pooled over all (:func:`multilevel.lm_list`), so
    that a group of one row has one, too. They are for single means; the means are not shrunken.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.group_means(mlm.datasets.load("sleepstudy"), "Reaction", "Subject")
    >>> ax.get_xlabel()
    'Reaction: mean and 95 % interval'
    """
    columns, overall, n_groups = _columns(data, y, group, level, max_groups)
    n = len(columns["mean"])
    ax = new_axes(ax, (5.2, row_height(n)))
    at = np.arange(n)
    ax.axvline(overall, color=GREY, linewidth=0.8, linestyle="--")
    thin = 1.0 if n <= 100 else 0.5
    ax.hlines(at, columns["conf_low"], columns["conf_high"], color=BLUE, linewidth=thin)
    ax.scatter(columns["mean"], at, s=12 if n <= 100 else 3, color=BLUE, zorder=3, linewidths=0)
    dress(ax, f"{y}: mean and {100 * level:g} % interval", grid="x")
    label_rows(ax, columns[group], group, total=n_groups)
    return ax


def group_means_data(
    data: Any, y: str, group: str, *, level: float = 0.95, max_groups: int | None = 500
) -> Any:
    """Give the means and intervals that :func:`group_means` draws.

    Parameters
    ----------
    data, y, group, level, max_groups
        As in :func:`group_means`.

    Returns
    -------
    data frame
        The column of the groups by its name, ``n_rows, mean, std_error, df, conf_low, conf_high``,
        by ascending mean.
    """
    return to_frame(_columns(data, y, group, level, max_groups)[0], Table.from_data(data))


def _columns(
    data: Any, y: str, group: str, level: float, max_groups: int | None
) -> tuple[Columns, float, int]:
    table = Table.from_data(data)
    values, codes = numeric(table, y, "y"), table.column(group).codes
    complete = np.isfinite(values) & (codes >= 0)
    if not complete.any():
        raise DataError(f"No row has values of both {y!r} and {group!r}.")
    seen, own = np.unique(codes[complete], return_inverse=True)
    if len(seen) == complete.sum():
        raise DataError(f"Every {group!r} has one row: there is no variance within to go by.")
    kept = values[complete]
    rows = {"y": kept, "g": own}
    found = columns_of(lm_list("y ~ 1", rows, by="g").tidy(conf_int=True, level=level))
    columns = {
        group: table.column(group).levels[seen],
        "n_rows": np.bincount(own),
        "mean": found["estimate"],
        **{name: found[name] for name in ("std_error", "df", "conf_low", "conf_high")},
    }
    order = np.argsort(columns["mean"], kind="stable")[spread_out(len(seen), max_groups)]
    return take(columns, order), float(kept.mean()), len(seen)
