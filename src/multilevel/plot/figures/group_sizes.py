"""Sizes of groups: how many groups have how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.style import BLUE, VERMILION, dress, key, new_axes, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["group_sizes", "group_sizes_data"]

_MOST_BARS = 30


def group_sizes(data: Any, group: str, *, ax: Axes | None = None) -> Axes:
    """Draw a histogram of the numbers of rows in groups.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation.
    group : str
        Column of the groups; rows without one are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If the column does not exist, is no grouping factor, or is missing in all rows.

    Notes
    -----
    Up to 30 different sizes have a bar each where they are close to each other; wider ranges are
    cut into equal classes.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.group_sizes(mlm.datasets.load("hsb"), "school")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('rows per group', 'groups (school)')
    """
    sizes = _sizes(data, group)
    columns = _columns(sizes)
    ax = new_axes(ax, (5.2, 2.8))
    low, high = columns["size_low"], columns["size_high"]
    ax.bar(
        (low + high) / 2.0,
        columns["n_groups"],
        width=0.9 * (high - low + 1.0),
        color=BLUE,
        linewidth=0,
    )
    mean = float(sizes.mean())
    ax.axvline(mean, color=VERMILION, linewidth=1.2, linestyle="--", label=f"mean {mean:.3g}")
    dress(ax, "rows per group", f"groups ({group})", grid="y")
    for axis in (ax.xaxis, ax.yaxis):
        whole_ticks(axis)
    ax.set_xlim(low[0] - 1.5, high[-1] + 1.5)
    key(ax, place="above")
    return ax


def group_sizes_data(data: Any, group: str) -> Any:
    """Give the bars that :func:`group_sizes` draws.

    Parameters
    ----------
    data, group
        As in :func:`group_sizes`.

    Returns
    -------
    data frame
        ``size_low``, ``size_high`` (both inclusive), ``n_groups``.
    """
    return to_frame(_columns(_sizes(data, group)), Table.from_data(data))


def _sizes(data: Any, group: str) -> np.ndarray:
    codes = Table.from_data(data).column(group).codes
    if not (codes >= 0).any():
        raise DataError(f"No row has a value of {group!r}.")
    sizes = np.bincount(codes[codes >= 0])
    return sizes[sizes > 0]


def _columns(sizes: np.ndarray) -> Columns:
    low, high = int(sizes.min()), int(sizes.max())
    step = -(-(high - low + 1) // _MOST_BARS)
    n_bars = (high - low) // step + 1
    start = low + step * np.arange(n_bars)
    return {
        "size_low": start,
        "size_high": start + step - 1,
        "n_groups": np.bincount((sizes - low) // step, minlength=n_bars),
    }
