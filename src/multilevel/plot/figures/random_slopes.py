"""Lines of groups over their data, and the line of the population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import emit, spread_out, stacked, take
from multilevel.plot.series import fit_rows, group_lines, population_line
from multilevel.plot.style import (
    BLUE,
    GREY,
    VERMILION,
    add_note,
    alpha_for,
    dress,
    key,
    new_axes,
    ticks_between,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["random_slopes", "random_slopes_data"]

# Points drawn beside the lines; more hide them.
MOST_POINTS = 5000


def random_slopes(
    fit: LinearMixedModel,
    x: str,
    *,
    group: str | None = None,
    max_groups: int | None = 200,
    ax: Axes | None = None,
    **options: Any,
) -> Axes:
    """Draw the fitted line of every group over the data, and that of the population.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.
    x : str
        A numeric predictor.
    group : str, optional
        Name of a grouping factor, the first by default.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in their order; None for all of them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **options
        For the line of the population, as in :meth:`multilevel.LinearMixedModel.emmeans`:
        ``level``, ``df_method``, ``robust``, ``cluster``, ``weights`` (``"proportional"`` by
        default).

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If x is no numeric predictor of the fixed part, and for an unknown factor.

    Notes
    -----
    The line of a group are its fitted values along its range of x, averaged over its rows where
    other predictors vary. That of the population are marginal means, with a confidence band: it is
    for the mean, not for groups.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.random_slopes(fit, "Days").get_xlabel()
    'Days'
    """
    table, names, n_groups = _columns(fit, x, group, max_groups, options)
    ax = new_axes(ax)
    points = take(table, table["series"] == "data")
    shown = spread_out(len(points["x"]), MOST_POINTS)
    ax.scatter(points["x"][shown], points["y"][shown], s=5, color=GREY, linewidths=0,
               alpha=0.5 if len(shown) < 500 else 0.2)  # fmt: skip
    n = _draw_groups(ax, take(table, table["series"] == "partial pooling"), names[2])
    line = take(table, table["series"] == "population")
    ax.fill_between(line["x"], line["conf_low"], line["conf_high"], color=VERMILION, alpha=0.2,
                    linewidth=0, zorder=3)  # fmt: skip
    ax.plot(line["x"], line["y"], color=VERMILION, linewidth=1.8, label="population", zorder=4)
    dress(ax, names[1], names[0])
    ticks_between(ax.xaxis, points["x"])
    key(ax, place="above", columns=2)
    if n < n_groups:
        add_note(ax, f"{n:,} of {n_groups:,} {names[2]} shown")
    return ax


def random_slopes_data(
    fit: LinearMixedModel,
    x: str,
    *,
    group: str | None = None,
    max_groups: int | None = 200,
    **options: Any,
) -> Any:
    """Give the points and lines that :func:`random_slopes` draws.

    Parameters
    ----------
    fit, x, group, max_groups, **options
        As in :func:`random_slopes`.

    Returns
    -------
    data frame
        ``series, level, x, y, conf_low, conf_high``; the series are ``"data"`` (of at most 5,000
        rows, evenly spaced, points are drawn), ``"partial pooling"`` and ``"population"``, which
        alone has intervals.
    """
    return emit(_columns(fit, x, group, max_groups, options)[0], fit)


def _columns(
    fit: LinearMixedModel,
    x: str,
    group: str | None,
    max_groups: int | None,
    options: dict[str, Any],
) -> tuple[Columns, tuple[str, str, str], int]:
    rows = fit_rows(fit, x, group)
    chosen = spread_out(len(rows.levels), max_groups)
    lines = [group_lines(fit, rows, chosen), population_line(fit, rows, **options)]
    return stacked([rows.series(chosen), *lines]), rows.names, len(rows.levels)


def _draw_groups(ax: Axes, lines: Columns, group: str) -> int:
    """Lines of the groups; their number."""
    from matplotlib.collections import LineCollection

    points = np.column_stack([lines["x"], lines["y"]])
    level = lines["level"]
    parts = np.split(points, np.flatnonzero(level[1:] != level[:-1]) + 1)
    collection = LineCollection(
        parts, colors=BLUE, linewidths=0.9, alpha=max(alpha_for(len(parts)), 0.2), label=group
    )
    ax.add_collection(collection)
    return len(parts)
