"""A panel for every group: its rows, its own line, and what the model says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import emit, is_fit, spread_out, stacked
from multilevel.plot.series import data_rows, fit_rows, group_lines, population_line, separate
from multilevel.plot.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    dress,
    new_panels,
    text_of,
    ticks_between,
)

if TYPE_CHECKING:
    from multilevel.plot.numbers import Columns

__all__ = ["trellis", "trellis_data"]

_LINES = {
    "no pooling": {"color": GREY, "linestyle": "--", "linewidth": 1.0},
    "population": {"color": INK, "linestyle": ":", "linewidth": 1.0},
    "partial pooling": {"color": VERMILION, "linestyle": "-", "linewidth": 1.4},
}


def trellis(
    source: Any,
    x: str,
    *,
    y: str | None = None,
    group: str | None = None,
    max_groups: int | None = 20,
    columns: int = 5,
    ax: Any = None,
) -> Any:
    """Draw every group in a panel of its own, with fitted lines.

    Parameters
    ----------
    source : LinearMixedModel, data frame or dict of arrays
        A fit, or data.
    x : str
        A numeric predictor.
    y : str, optional
        For data: the response. That of a fit is known.
    group : str, optional
        The groups: for data a column; for a fit a grouping factor, its first by default.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in their order; None for all of them.
    columns : int
        Panels side by side.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, as many as groups; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_groups_drawn,)
        The panels.

    Raises
    ------
    DataError
        For unknown columns, predictors and grouping factors, and a predictor that is not numeric.
    ValueError
        For data without ``y`` or ``group``, and for a fit with ``y``.

    Notes
    -----
    "No pooling" is the line by least squares in the group alone; "partial pooling" the fitted
    values of the group, averaged over its rows where other predictors vary; "population" the fixed
    part, averaged over all rows.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> len(mlm.plot.trellis(fit, "Days"))
    18
    """
    table, names, n_groups = _columns(source, x, y, group, max_groups)
    levels = table["level"][table["series"] == "data"]
    drawn = [label for i, label in enumerate(levels) if i == 0 or label != levels[i - 1]]
    panels = new_panels(
        ax, len(drawn), columns=columns, size=(1.7, 1.6), share_x=True, share_y=True
    )
    for panel, label in zip(panels, drawn, strict=True):
        _draw(panel, table, label)
        dress(panel, heading=text_of(label))
    ticks_between(panels[0].xaxis, table["x"][table["series"] == "data"])
    _label(panels, names, len(drawn), n_groups)
    return panels


def trellis_data(
    source: Any,
    x: str,
    *,
    y: str | None = None,
    group: str | None = None,
    max_groups: int | None = 20,
) -> Any:
    """Give the points and lines that :func:`trellis` draws.

    Parameters
    ----------
    source, x, y, group, max_groups
        As in :func:`trellis`.

    Returns
    -------
    data frame
        ``series, level, x, y``; the series are ``"data"``, ``"no pooling"`` and, of a fit,
        ``"partial pooling"`` and ``"population"``, which is no group's.
    """
    table = _columns(source, x, y, group, max_groups)[0]
    return emit(table, source) if is_fit(source) else to_frame(table, Table.from_data(source))


def _columns(
    source: Any, x: str, y: str | None, group: str | None, max_groups: int | None
) -> tuple[Columns, tuple[str, str, str], int]:
    if is_fit(source):
        if y is not None:
            raise ValueError(f"y={y!r} is for data; the response of a fit is known.")
        rows = fit_rows(source, x, group)
    elif y is None or group is None:
        raise ValueError("For data give the response y= and the groups group=, too.")
    else:
        rows = data_rows(source, y, x, group)
    chosen = spread_out(len(rows.levels), max_groups)
    parts = [rows.series(chosen), separate(rows, chosen)]
    if is_fit(source):
        line = population_line(source, rows)
        kept = {name: line[name] for name in ("series", "level", "x", "y")}
        parts += [group_lines(source, rows, chosen), kept]
    return stacked(parts), rows.names, len(rows.levels)


def _draw(panel: Any, table: Columns, label: Any) -> None:
    own = table["level"] == label
    points = own & (table["series"] == "data")
    panel.scatter(table["x"][points], table["y"][points], s=7, color=BLUE, alpha=0.7, linewidths=0)
    for series, style in _LINES.items():
        line = (table["series"] == series) & (own | (series == "population"))
        if line.any():
            panel.plot(table["x"][line], table["y"][line], label=series, **style)


def _label(panels: Any, names: tuple[str, str, str], drawn: int, n_groups: int) -> None:
    """Common labels of the axes, one legend, and what is left out."""
    figure = panels[0].figure
    figure.supxlabel(names[1], fontsize=9)
    figure.supylabel(names[0], fontsize=9)
    handles: dict[Any, Any] = {}
    for panel in panels:
        handles |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
    title = names[2] if drawn == n_groups else f"{names[2]}: {drawn:,} of {n_groups:,} shown"
    legend = figure.legend(
        handles.values(),
        handles,
        loc="outside upper left",
        ncols=len(handles) or 1,
        frameon=False,
        fontsize=8,
        title=title,
        alignment="left",
    )
    legend.get_title().set_fontsize(8)
