"""Power curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import columns_of, take
from multilevel.plot.style import COLOURS, GREY, dress, key, new_axes, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["power", "power_data"]

_ALONG = {"n_groups": "number of groups", "n_per_group": "rows per group"}
_EACH = {"n_groups": "groups", "n_per_group": "rows per group"}
_DRAWN = ("term", "n_groups", "n_per_group", "power", "conf_low", "conf_high")


class _Result(Protocol):
    """What is read of a :class:`multilevel.Power`, which lives in a room above this one."""

    @property
    def table(self) -> Any:
        """Power of every design."""
        ...


def power(result: _Result, *, target: float | None = 0.8, ax: Any = None) -> Any:
    """Draw power against the number of groups, or of rows per group if only that varies.

    Parameters
    ----------
    result : Power
        What :func:`multilevel.power` gives.
    target : float or None
        Power at which a line is drawn.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to draw, one for each coefficient; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of them
        The axes.

    Raises
    ------
    DataError
        If the target is no power, or there are more or fewer axes than coefficients.

    Notes
    -----
    Bars are the intervals of the power, which are about the error of the simulation.

    Examples
    --------
    >>> import multilevel as mlm
    >>> trial = {"fixed": {"treated": 0.4}, "level2": {"treated": "treatment"}, "icc": 0.1}
    >>> found = mlm.power(trial, "treated", n_groups=[20, 40], n_per_group=10, nsim=100, rng=1)
    >>> mlm.plot.power(found).get_xlabel()
    'number of groups (10 rows per group)'
    """
    if target is not None and not 0.0 < target < 1.0:
        raise DataError(f"target must be a power between 0 and 1, or None; got {target!r}.")
    columns = _columns(result)
    terms = list(dict.fromkeys(columns["term"].tolist()))
    if len(terms) == 1:
        axes = new_axes(ax)
        _curves(axes, columns, target, f"power to find {terms[0]}")
        return axes
    panels = new_panels(ax, len(terms), columns=2, size=(3.6, 3.0), share_y=True)
    for panel, term in zip(panels, terms, strict=True):
        _curves(panel, take(columns, columns["term"] == term), target, "power", heading=term)
    return panels


def power_data(result: _Result) -> Any:
    """Give the numbers that :func:`power` draws.

    Parameters
    ----------
    result : Power
        What :func:`multilevel.power` gives.

    Returns
    -------
    data frame
        ``term, n_groups, n_per_group, power, conf_low, conf_high``.
    """
    return to_frame(_columns(result), Table.from_data(result.table))


def _columns(result: _Result) -> Columns:
    table = columns_of(result.table)
    return {name: np.asarray(table[name]) for name in _DRAWN}


def _curves(ax: Axes, columns: Columns, target: float | None, what: str, heading: str = "") -> None:
    """One curve for each value of the size that is not on the x axis."""
    along, other = "n_groups", "n_per_group"
    if len(set(columns[along].tolist())) == 1:
        along, other = other, along
    values = sorted(set(columns[other].tolist()))
    x = columns[along].astype(np.float64)
    # curves are set apart a little, so that bars at the same place can be told apart
    apart = 0.006 * (np.ptp(x) or 1.0)
    for i, value in enumerate(values):
        at = columns[other] == value
        place = x[at] + apart * (i - (len(values) - 1) / 2.0)
        order = np.argsort(place)
        colour = COLOURS[i % len(COLOURS)]
        ax.vlines(place, columns["conf_low"][at], columns["conf_high"][at], color=colour, lw=1.2)
        ax.plot(
            place[order], columns["power"][at][order], color=colour, linewidth=1.2, marker="o",
            markersize=4, label=f"{value:.4g}",
        )  # fmt: skip
    if target is not None:
        ax.axhline(target, color=GREY, linewidth=0.8, linestyle="--", zorder=0)
    ax.set_ylim(0.0, 1.02)
    ax.set_xticks(np.unique(x), [f"{value:.4g}" for value in np.unique(x)])
    only = f" ({values[0]:.4g} {_EACH[other]})" if len(values) == 1 else ""
    dress(ax, _ALONG[along] + only, what, heading=heading)
    if len(values) > 1:
        key(ax, title=_ALONG[other])
