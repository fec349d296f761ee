"""Fixed effects with their intervals, of one fit or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.plot.numbers import columns_of, emit, fits_by_name, response_name, stacked, take
from multilevel.plot.style import COLOURS, GREY, dress, key, label_rows, new_axes, row_height

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["forest", "forest_data"]


def forest(
    fits: Any,
    *,
    terms: Sequence[str] | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    **options: Any,
) -> Axes:
    """Draw fixed effects with their intervals.

    Parameters
    ----------
    fits : LinearMixedModel, sequence of them, or mapping of str to them
        One fit or several; the keys of a mapping name them, else their formulas do.
    terms : sequence of str, optional
        Coefficients to draw, in this order; by default all but the intercept, which mostly is on
        another scale.
    level : float
        Level of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **options
        ``df_method``, ``robust``, ``cluster``, as in :meth:`multilevel.LinearMixedModel.tidy`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        For a coefficient that no fit has, and if there is nothing to draw.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ ses + minority + (1 | school)", mlm.datasets.load("hsb"))
    >>> mlm.plot.forest_data(fit)["estimate"].round(2).tolist()
    [2.13, -2.94]
    """
    table = _columns(fits, terms, level, options)
    named = fits_by_name(fits)
    names = list(dict.fromkeys(table["term"]))
    n_lines = len(names) * (1 + len(named)) // 2 + len(named) - 1
    ax = new_axes(ax, (5.4, row_height(n_lines, names) + 0.17 * len(named)))
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle="--")
    place = {name: i for i, name in enumerate(names)}
    for i, model in enumerate(named):
        part = take(table, table["model"] == model)
        at = np.array([place[name] for name in part["term"]], dtype=float)
        at += 0.6 * ((i + 0.5) / len(named) - 0.5)
        colour = COLOURS[i % len(COLOURS)]
        ax.hlines(at, part["conf_low"], part["conf_high"], color=colour, linewidth=1.2)
        ax.scatter(part["estimate"], at, s=18, color=colour, zorder=3, linewidths=0, label=model)
    responses = list(dict.fromkeys(map(response_name, named.values())))
    what = f"estimate and {100 * level:g} % interval"
    dress(ax, f"{what} ({', '.join(responses)})", grid="x")
    label_rows(ax, names, "", first="top")
    if len(named) > 1:
        key(ax, place="above")
    return ax


def forest_data(
    fits: Any, *, terms: Sequence[str] | None = None, level: float = 0.95, **options: Any
) -> Any:
    """Give the estimates and intervals that :func:`forest` draws.

    Parameters
    ----------
    fits, terms, level, **options
        As in :func:`forest`.

    Returns
    -------
    data frame
        ``model`` and the columns of :meth:`multilevel.LinearMixedModel.tidy`, as the kind of the
        first fit's data.
    """
    first = next(iter(fits_by_name(fits).values()))
    return emit(_columns(fits, terms, level, options), first)


def _columns(
    fits: Any, terms: Sequence[str] | None, level: float, options: dict[str, Any]
) -> Columns:
    parts = []
    for name, fit in fits_by_name(fits).items():
        table = columns_of(fit.tidy("fixed", conf_int=True, level=level, **options))
        model = np.full(len(table["term"]), name, dtype=object)
        parts.append({"model": model, **table})
    table = stacked(parts)
    table = take(table, np.isfinite(table["estimate"]))  # without dropped columns
    known = list(dict.fromkeys(table["term"]))
    wanted = [name for name in known if name != "Intercept"] if terms is None else list(terms)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise DataError(f"No fit has the coefficient {missing[0]!r}; there are {', '.join(known)}.")
    if not wanted:
        raise DataError(
            "There are no coefficients but the intercept; draw that with terms=['Intercept']."
        )
    rows = [np.flatnonzero(table["term"] == name) for name in wanted]
    return take(table, np.concatenate(rows))
