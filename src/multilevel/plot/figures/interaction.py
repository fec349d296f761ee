"""Interactions: marginal means along a predictor at values of another (simple slopes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.plot.numbers import columns_of, emit, response_name, used_column
from multilevel.plot.style import (
    COLOURS,
    dress,
    key,
    new_axes,
    text_of,
    ticks_between,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["interaction", "interaction_data"]

POINTS = 50
DASHES = ("-", "--", "-.", ":")


def interaction(
    fit: LinearMixedModel,
    x: str,
    by: str,
    *,
    at: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
    **options: Any,
) -> Axes:
    """Draw marginal means along a predictor at values of another, with intervals.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    x : str
        Predictor on the horizontal axis: numbers are drawn as lines over their range, with
        confidence bands; factors as points with intervals.
    by : str
        The other predictor: a factor at its levels, a numeric one at its mean and one standard
        deviation (of the rows used) below and above.
    at : mapping of str to value or sequence, optional
        Other values, of any predictors: ``{"meanses": [-0.5, 0.5]}``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **options
        ``weights``, ``level``, ``df_method``, ``robust``, ``cluster``, as in
        :meth:`multilevel.LinearMixedModel.emmeans`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If x or by are no predictors of the fixed part, or the same.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("hsb")
    >>> fit = mlm.lmer("math ~ cses * sector + (cses | school)", data)
    >>> ax = mlm.plot.interaction(fit, "cses", "sector")
    >>> ax.get_ylabel()
    'math: mean and 95 % interval'
    """
    table = _columns(fit, x, by, at, options)
    ax = new_axes(ax)
    groups = list(dict.fromkeys(table[by]))
    names = _texts(groups)
    numeric = x in fit._reference_grid.covariates
    ticks = list(dict.fromkeys(table[x]))
    for i, value in enumerate(groups):
        own = table[by] == value
        mean, low, high = (table[name][own] for name in ("estimate", "conf_low", "conf_high"))
        colour = COLOURS[i % len(COLOURS)]
        if numeric:
            ax.fill_between(table[x][own], low, high, color=colour, alpha=0.15, linewidth=0)
            ax.plot(table[x][own], mean, color=colour, linewidth=1.6, label=names[i],
                    linestyle=DASHES[i % len(DASHES)])  # fmt: skip
        else:
            where = np.arange(len(ticks)) + 0.4 * ((i + 0.5) / len(groups) - 0.5)
            ax.vlines(where, low, high, color=colour, linewidth=1.2)
            ax.plot(where, mean, "o", color=colour, markersize=4, label=names[i])
    if numeric:
        ticks_between(ax.xaxis, used_column(fit, x))
    else:
        ax.set_xticks(range(len(ticks)), [text_of(tick) for tick in ticks])
    level = options.get("level", 0.95)
    dress(ax, x, f"{response_name(fit)}: mean and {100 * level:g} % interval")
    key(ax, title=by, place="right")
    return ax


def interaction_data(
    fit: LinearMixedModel, x: str, by: str, *, at: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """Give the means and intervals that :func:`interaction` draws.

    Parameters
    ----------
    fit, x, by, at, **options
        As in :func:`interaction`.

    Returns
    -------
    data frame
        The table of :meth:`multilevel.LinearMixedModel.emmeans`.
    """
    return emit(_columns(fit, x, by, at, options), fit)


def _columns(
    fit: LinearMixedModel, x: str, by: str, at: Mapping[str, Any] | None, options: dict[str, Any]
) -> Columns:
    if x == by:
        raise DataError(f"x and by are both {x!r}; they must be two predictors.")
    given = dict(at or {})
    known = fit.model.design.spec.encoders.fixed.columns
    for name, what in ((x, "x"), (by, "by")):
        if name not in known:
            raise DataError(
                f"{what}={name!r} is no predictor of the fixed part; predictors: "
                f"{', '.join(known) or 'none'}."
            )
    for name, default in ((x, _range), (by, _around)):
        if name not in given and name in fit._reference_grid.covariates:
            given[name] = default(used_column(fit, name).astype(np.float64))
    return columns_of(fit.emmeans([x, by], at=given, **options).to_frame())


def _range(values: Any) -> Sequence[float]:
    if len(np.unique(values)) == 2:
        return [float(v) for v in np.unique(values)]
    return [float(v) for v in np.linspace(values.min(), values.max(), POINTS)]


def _around(values: Any) -> Sequence[float]:
    """Mean and one standard deviation below and above; values themselves if there are two."""
    distinct = np.unique(values)
    if len(distinct) == 2:
        return [float(v) for v in distinct]
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return [mean - sd, mean if abs(mean) > 1e-12 * sd else 0.0, mean + sd]


def _texts(values: Sequence[Any]) -> list[str]:
    """Labels; numbers with as many decimals as tell them apart."""
    if not all(isinstance(value, float | np.floating) for value in values):
        return [text_of(value) for value in values]
    if all(float(value).is_integer() for value in values):
        return [f"{value:.0f}" for value in values]
    decimals = max(0, 2 - int(np.floor(np.log10(np.ptp(values) or 1.0))))
    return [f"{value:.{decimals}f}" for value in values]
