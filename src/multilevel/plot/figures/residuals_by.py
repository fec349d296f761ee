"""Residuals of rows, or predicted effects of groups, against a predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.plot.numbers import (
    chosen_terms,
    columns_of,
    emit,
    spread_out,
    stacked,
    take,
    used_column,
)
from multilevel.plot.smooth import smooth
from multilevel.plot.style import (
    BLUE,
    GREY,
    VERMILION,
    add_note,
    alpha_for,
    dress,
    new_panels,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["residuals_by", "residuals_by_data"]


def residuals_by(
    fit: LinearMixedModel,
    x: str,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
    max_points: int | None = 5000,
    ax: Any = None,
) -> Any:
    """Draw residuals of rows, or predicted effects of groups, against a column of the data.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    x : str
        A column of its data, in the model or not: numbers, or categories. For groups it must be
        the same in all rows of a group.
    level : str
        ``"rows"``, or the name of a grouping factor.
    term : str or sequence of str, optional
        For a grouping factor: random effects; all by default, a panel each.
    max_points : int or None
        Draw at most so many points in a panel, evenly spaced along x; None for all of them. The
        curve is that of all.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, one for each effect; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The panels: one for rows, one for each effect of groups.

    Raises
    ------
    DataError
        For an unknown column, level or effect, and a column that varies within groups.

    Notes
    -----
    Residuals are studentized conditional ones, effects studentized empirical-Bayes predictions
    (:meth:`multilevel.LinearMixedModel.level_residuals`). Points that rise or bend along x: it, or
    its square, is missing in the model (for a random slope: its product with that predictor).
    Points that spread more at one end: variances are not the same. Categories have boxes from
    quartile to quartile, with whiskers to the farthest value within 1.5 times their length.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ ses + (ses | school)", mlm.datasets.load("hsb"))
    >>> panels = mlm.plot.residuals_by(fit, "meanses", "school")
    >>> [panel.get_ylabel() for panel in panels]
    ['studentized Intercept of school', 'studentized ses of school']
    """
    table = _columns(fit, x, level, term)
    terms = list(dict.fromkeys(table["term"]))
    panels = new_panels(ax, len(terms), columns=2, size=(3.4, 2.9))
    for panel, name in zip(panels, terms, strict=True):
        part = take(table, table["term"] == name)
        panel.axhline(0.0, color=GREY, linewidth=0.8, linestyle="--")
        if part["x"].dtype.kind == "f":
            _points(panel, part, max_points)
        else:
            _boxes(panel, part)
        what = "residual" if level == "rows" else f"{name} of {level}"
        dress(panel, x, f"studentized {what}")
    return panels


def residuals_by_data(
    fit: LinearMixedModel,
    x: str,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
) -> Any:
    """Give the points and curves that :func:`residuals_by` draws.

    Parameters
    ----------
    fit, x, level, term
        As in :func:`residuals_by`.

    Returns
    -------
    data frame
        ``term, x, residual, smooth``, by ascending x; the curve is NaN for categories, and ``term``
        is ``"residual"`` for rows.
    """
    return emit(_columns(fit, x, level, term), fit)


def _columns(
    fit: LinearMixedModel, x: str, level: str, term: str | Sequence[str] | None
) -> Columns:
    if not fit.model.design.table.has(x):
        raise DataError(f"x={x!r} is no column of the data of the fit.")
    table = columns_of(fit.level_residuals(level, scale="studentized"))
    values = np.asarray(used_column(fit, x))
    if level == "rows":
        if term is not None:
            raise ValueError(f"term={term!r} is for a grouping factor; rows have residuals only.")
        return _sorted("residual", values, table["residual"])
    values = _of_groups(fit, x, level, values)
    known = list(dict.fromkeys(table["term"]))
    return stacked(
        [
            _sorted(name, values, table["residual"][table["term"] == name])
            for name in chosen_terms(known, term, level)
        ]
    )


def _of_groups(fit: LinearMixedModel, x: str, level: str, values: Any) -> Any:
    """The value of every group."""
    factor = next(one for one in fit.model.matrices.factors if one.name == level)
    first = np.unique(factor.codes, return_index=True)[1]
    if (values != values[first][factor.codes]).any():
        raise DataError(f"x={x!r} varies within groups of {level!r}: draw it with level='rows'.")
    return values[first]


def _sorted(name: str, x: Any, residual: Any) -> Columns:
    """Points that have a residual and a value, x ascending."""
    numeric = x.dtype.kind in "fiu"
    x = x.astype(np.float64) if numeric else np.array([text_of(one) for one in x], dtype=object)
    kept = np.isfinite(residual) & (np.isfinite(x) if numeric else np.ones(len(x), dtype=bool))
    x, residual = x[kept], residual[kept]
    order = np.lexsort((residual, x))
    x, residual = x[order], residual[order]
    curve = smooth(x, residual) if numeric and len(x) else np.full(len(x), np.nan)
    term = np.full(len(x), name, dtype=object)
    return {"term": term, "x": x, "residual": residual, "smooth": curve}


def _points(panel: Any, part: Columns, most: int | None) -> None:
    n = len(part["x"])
    drawn = take(part, spread_out(n, most))
    alpha = alpha_for(len(drawn["x"]) // 8)
    panel.scatter(drawn["x"], drawn["residual"], s=7, color=BLUE, alpha=alpha, linewidths=0)
    panel.plot(drawn["x"], drawn["smooth"], color=VERMILION, linewidth=1.4)
    if len(drawn["x"]) < n:
        add_note(panel, f"{len(drawn['x']):,} of {n:,} shown")


def _boxes(panel: Any, part: Columns) -> None:
    labels = list(dict.fromkeys(part["x"]))
    style = {"color": BLUE, "linewidth": 1.0}
    panel.boxplot(
        [part["residual"][part["x"] == label] for label in labels],
        widths=0.5,
        boxprops=style,
        whiskerprops=style,
        capprops=style,
        medianprops={"color": VERMILION, "linewidth": 1.4},
        flierprops={"marker": ".", "markersize": 4, "markeredgecolor": BLUE, "alpha": 0.5},
    )
    panel.set_xticks(range(1, len(labels) + 1), labels)
