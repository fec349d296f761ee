"""Residuals of rows and groups along fitted values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import (
    chosen_terms,
    columns_of,
    emit,
    response_name,
    spread_out,
    stacked,
    take,
)
from multilevel.plot.smooth import smooth
from multilevel.plot.style import BLUE, GREY, VERMILION, add_note, dress, new_axes, new_panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["residuals", "residuals_data", "scale_location", "scale_location_data"]

# Relative: fixed parts of groups that differ by less are the same.
_SAME = 1e-9


def residuals(
    fit: LinearMixedModel,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
    max_points: int | None = 5000,
    ax: Any = None,
    **options: Any,
) -> Any:
    """Draw residuals of rows or groups against fitted values, with a smooth curve.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    level : str
        ``"rows"``, or the name of a grouping factor.
    term : str or sequence of str, optional
        For a grouping factor: random effects; all by default, a panel each.
    max_points : int or None
        Draw at most so many points, evenly spaced in their order; None for all of them. The curve
        is that of all.
    ax : matplotlib.axes.Axes or array of them, optional
        Where to draw, one for each effect; a new figure by default.
    **options
        ``kind`` and ``scale``, as in :meth:`multilevel.LinearMixedModel.level_residuals`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        The axes; an array for several effects.

    Raises
    ------
    DataError
        For an unknown level or effect.

    Notes
    -----
    Rows are drawn against what was subtracted from the response, groups against the mean of the
    fixed part over their rows; where that is the same for all, against their order in the data.
    Conditional residuals of rows rise a little with the fitted values even if the model is right,
    as these are shrunken.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.residuals(fit).get_xlabel()
    'fitted Reaction'
    """
    table, n = _columns(fit, level, term, max_points, options)
    terms = list(dict.fromkeys(table["term"])) if "term" in table else [None]
    panels = new_panels(ax, len(terms), columns=3, size=(3.6, 3.0))
    scale = "" if options.get("scale", "raw") == "raw" else f"{options['scale']} "
    x = f"fitted {response_name(fit)}"
    if level != "rows":
        x = f"order of {level} in the data" if _by_order(fit, level) else f"fixed part of {level}"
    for panel, name in zip(panels, terms, strict=True):
        part = table if name is None else take(table, table["term"] == name)
        panel.axhline(0.0, color=GREY, linewidth=0.8, linestyle="--")
        _draw(panel, part["fitted"], part["residual"], part["smooth"])
        dress(panel, x, f"{scale}{'residual' if name is None else f'{name} of {level}'}")
        if len(part["fitted"]) < n:
            add_note(panel, f"{len(part['fitted']):,} of {n:,} shown")
    return panels if len(terms) > 1 else panels[0]


def residuals_data(
    fit: LinearMixedModel,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
    max_points: int | None = 5000,
    **options: Any,
) -> Any:
    """Give the points and the curve that :func:`residuals` draws.

    Parameters
    ----------
    fit, level, term, max_points, **options
        As in :func:`residuals`.

    Returns
    -------
    data frame
        ``row`` or ``group, level, term``, then ``fitted, residual, smooth``.
    """
    return emit(_columns(fit, level, term, max_points, options)[0], fit)


def scale_location(
    fit: LinearMixedModel, *, max_points: int | None = 5000, ax: Axes | None = None
) -> Axes:
    """Draw roots of absolute studentized residuals, to see whether the spread is the same.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    max_points : int or None
        Draw at most so many points, evenly spaced in their order; None for all of them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Notes
    -----
    The dashed line is what a normal distribution gives, .822; a curve that rises is a residual
    variance that grows.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.scale_location(fit).get_ylabel()
    'root of |studentized residual|'
    """
    table, n = _spread(fit, max_points)
    ax = new_axes(ax, (3.6, 3.0))
    ax.axhline(_ROOT_ABSOLUTE, color=GREY, linewidth=0.8, linestyle="--")
    _draw(ax, table["fitted"], table["root_residual"], table["smooth"])
    dress(ax, f"fitted {response_name(fit)}", "root of |studentized residual|")
    if len(table["fitted"]) < n:
        add_note(ax, f"{len(table['fitted']):,} of {n:,} shown")
    return ax


def scale_location_data(fit: LinearMixedModel, *, max_points: int | None = 5000) -> Any:
    """Give the points and the curve that :func:`scale_location` draws.

    Parameters
    ----------
    fit, max_points
        As in :func:`scale_location`.

    Returns
    -------
    data frame
        ``row, fitted, root_residual, smooth``.
    """
    return emit(_spread(fit, max_points)[0], fit)


# Mean of the root of the absolute value of a standard normal variable: 2^(1/4) G(3/4) / sqrt(pi).
_ROOT_ABSOLUTE = 0.8221789586624


def _columns(
    fit: LinearMixedModel,
    level: str,
    term: str | Sequence[str] | None,
    max_points: int | None,
    options: dict[str, Any],
) -> tuple[Columns, int]:
    table = columns_of(fit.level_residuals(level, **options))
    if level == "rows":
        if term is not None:
            raise ValueError(f"term={term!r} is for a grouping factor; rows have residuals only.")
        names, parts = ("row", "fitted", "residual"), [table]
    else:
        terms = chosen_terms(list(dict.fromkeys(table["term"])), term, level)
        fixed = _fixed_parts(fit, level)
        parts = [take(table, table["term"] == name) for name in terms]
        parts = [{**part, "fitted": fixed} for part in parts]
        names = ("group", "level", "term", "fitted", "residual")  # type: ignore[assignment]
    found = []
    for part in parts:
        finite = take(part, np.isfinite(part["residual"]))
        chosen = spread_out(len(finite["residual"]), max_points)
        curve = smooth(finite["fitted"], finite["residual"])
        found.append(take({**{n: finite[n] for n in names}, "smooth": curve}, chosen))
    return stacked(found), len(parts[0]["residual"])


def _spread(fit: LinearMixedModel, max_points: int | None) -> tuple[Columns, int]:
    table = columns_of(fit.level_residuals(scale="studentized"))
    table = take(table, np.isfinite(table["residual"]))
    root = np.sqrt(np.abs(table["residual"]))
    columns = {
        "row": table["row"],
        "fitted": table["fitted"],
        "root_residual": root,
        "smooth": smooth(table["fitted"], root),
    }
    return take(columns, spread_out(len(root), max_points)), len(root)


def _fixed_parts(fit: LinearMixedModel, level: str) -> Any:
    """Mean of the fixed part over the rows of every group, or the groups' order."""
    means = _group_means(fit, level)
    return np.arange(1.0, len(means) + 1.0) if _by_order(fit, level) else means


def _by_order(fit: LinearMixedModel, level: str) -> bool:
    """Whether the fixed part does not tell groups apart."""
    means = _group_means(fit, level)
    return bool(np.ptp(means) <= _SAME * np.abs(fit.model.matrices.y).max())


def _group_means(fit: LinearMixedModel, level: str) -> Any:
    factor = next(f for f in fit.model.matrices.factors if f.name == level)
    return np.bincount(factor.codes, fit.fitted("none")) / np.bincount(factor.codes)


def _draw(panel: Any, x: Any, y: Any, curve: Any) -> None:
    panel.scatter(x, y, s=6, color=BLUE, linewidths=0, alpha=0.7 if len(x) <= 300 else 0.25)
    at, first = np.unique(x, return_index=True)
    panel.plot(at, curve[first], color=VERMILION, linewidth=1.5)
