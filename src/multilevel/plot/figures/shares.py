"""Shares of the variance: explained by what and at which level, and between whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.plot.numbers import columns_of, emit, fits_by_name, response_name, stacked, take
from multilevel.plot.style import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    LIGHT,
    SKY,
    VERMILION,
    dress,
    key,
    label_rows,
    new_axes,
    wrapped,
)
from multilevel.typing import check_option

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["r2", "r2_data", "variance_partition", "variance_partition_data"]

Scale = Literal["share", "variance"]

# Hues of sources, shades of levels.
_SHADES = {
    "fixed": (BLUE, SKY, "#003f63", "#bfe3f7"),
    "slopes": (VERMILION, "#f3a877", "#7a3600", "#fad9c2"),
    "intercepts": (GREEN, "#8ad3bd", "#005a42", "#cdece3"),
    "residual": (LIGHT,),
}

# A smaller part of the longest bar has no room for its number.
_ROOM = 0.07
# Shares below this are rounding.
_NOTHING = 1e-9


def r2(fit: LinearMixedModel, *, ax: Axes | None = None) -> Axes:
    """Draw the decomposition of the variance of Rights and Sterba (2019) as stacked bars.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: a bar for the total variance and one for each level.

    Raises
    ------
    DataError
        For a model without random effects.

    Notes
    -----
    The numbers are those of ``fit.r2("rights-sterba")``.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ cses + meanses + (cses | school)", mlm.datasets.load("hsb"))
    >>> ax = mlm.plot.r2(fit)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['total', 'within groups', 'between school']
    """
    table = columns_of(r2_data(fit))
    last = table["source"] == "residual"
    table = take(table, np.argsort(last, kind="stable"))  # at the end of the bars
    scopes = list(dict.fromkeys(columns_of(r2_data(fit))["scope"]))
    parts, share = _parts(table), np.nan_to_num(table["share"])
    # of a level without variance, shares are shares of rounding errors
    drawn = (share > _NOTHING) & (table["variance"] > _NOTHING * table["variance"].sum())
    colours = _shades(table["source"][drawn], parts[drawn])
    ax = new_axes(ax, (5.4, 0.9 + 0.4 * len(scopes) + 0.18 * len(colours)))
    for i, scope in enumerate(scopes):
        own = drawn & (table["scope"] == scope)
        starts = np.cumsum(share[own]) - share[own]
        if not own.any():
            ax.text(0.02, i, "no variance", va="center", fontsize=8, color=GREY)
        for part, size, start in zip(parts[own], share[own], starts, strict=True):
            ax.barh(i, size, 0.65, start, color=colours[part], edgecolor="white")
            _number(ax, (start + size / 2.0, i), size, 1.0, colours[part])
    dress(ax, f"share of the variance of {response_name(fit)}", grid="x")
    label_rows(ax, [_scope(scope) for scope in scopes], "", first="top")
    ax.set_xlim(0.0, 1.0)
    _legend(ax, colours)
    return ax


def r2_data(fit: LinearMixedModel) -> Any:
    """Give the shares that :func:`r2` draws.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.

    Returns
    -------
    data frame
        ``fit.r2("rights-sterba")``.
    """
    return fit.r2("rights-sterba")


def variance_partition(fits: Any, *, scale: Scale = "share", ax: Axes | None = None) -> Axes:
    """Draw the variance of the response by source as a bar for every fit.

    Parameters
    ----------
    fits : LinearMixedModel, sequence of them, or mapping of str to them
        One fit or several; the keys of a mapping name them, else their formulas do.
    scale : {"share", "variance"}
        Shares of the sum, or variances. Compare models of the same response by variances: a share
        rises as well when another source falls.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Notes
    -----
    The numbers are those of :meth:`multilevel.LinearMixedModel.variance_partition`. With random
    slopes the variance between groups is averaged over the rows.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ ses + (1 | school)", mlm.datasets.load("hsb"))
    >>> mlm.plot.variance_partition_data(fit)["share"].round(3).tolist()
    [0.077, 0.105, 0.818]
    """
    check_option("scale", scale, Scale)
    table = columns_of(variance_partition_data(fits))
    named = fits_by_name(fits)
    ax = new_axes(ax, (5.8, 1.3 + 0.5 * len(named)))
    sources = table["source"]
    colours = _colours(sources)
    whole = max(table[scale][table["model"] == model].sum() for model in named)
    for i, model in enumerate(named):
        start = 0.0
        part = take(table, table["model"] == model)
        for source, size in zip(part["source"], part[scale], strict=True):
            if size > _NOTHING * whole:
                colour = colours[source]
                ax.barh(i, size, 0.6, start, color=colour, edgecolor="white")
                _number(ax, (start + size / 2.0, i), size, whole, colour, percent=scale == "share")
            start += size
    responses = ", ".join(dict.fromkeys(map(response_name, named.values())))
    what = "share of the variance" if scale == "share" else "variance"
    dress(ax, f"{what} of {responses}", grid="x")
    ax.set_yticks(range(len(named)), [wrapped(name, 30) for name in named])
    if len(named) == 1:
        ax.set_yticks([])
    ax.set_ylim(len(named) - 0.5, -0.5)
    ax.set_xlim(0.0, whole)
    drawn = set(sources[table[scale] > _NOTHING * whole])
    _legend(ax, {name: colour for name, colour in colours.items() if name in drawn})
    return ax


def variance_partition_data(fits: Any) -> Any:
    """Give the variances that :func:`variance_partition` draws.

    Parameters
    ----------
    fits
        As in :func:`variance_partition`.

    Returns
    -------
    data frame
        ``model, source, variance, share``, as the kind of the first fit's data.
    """
    named = fits_by_name(fits)
    parts = []
    for name, fit in named.items():
        table = columns_of(fit.variance_partition())
        parts.append({"model": np.full(len(table["source"]), name, dtype=object), **table})
    return emit(stacked(parts), next(iter(named.values())))


def _parts(table: Columns) -> Any:
    """What every row is a share of, in words."""
    words = {"slopes": "random slopes of {}", "intercepts": "means of {}", "residual": "residual"}
    parts = []
    for source, level, group, symbol in zip(
        table["source"], table["level"], table["group"], table["symbol"], strict=True
    ):
        if source == "fixed":
            where = "within groups" if level == "rows" else f"between {level}"
            text = f"predictors {where}"
        else:
            text = words[source].format(group)
            if source == "slopes" and level != "rows":
                text += f", between {level}"
        parts.append(f"{text} ({symbol})")
    return np.array(parts, dtype=object)


def _scope(scope: str) -> str:
    names = {"total": "total", "rows": "within groups"}
    return names.get(scope, f"between {scope}")


def _shades(sources: Any, parts: Any) -> dict[str, str]:
    """A colour for every part: a hue for its source, a shade for its level."""
    found: dict[str, str] = {}
    taken = dict.fromkeys(_SHADES, 0)
    for part, source in dict(zip(parts, sources, strict=True)).items():
        shades = _SHADES[source]
        found[part] = shades[taken[source] % len(shades)]
        taken[source] += 1
    return found


def _colours(parts: Any) -> dict[str, str]:
    """A colour for every part; that of residuals is grey."""
    names = list(dict.fromkeys(parts))
    coloured = [name for name in names if not name.startswith("residual")]
    found = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(coloured)}
    return {name: found.get(name, LIGHT) for name in names}


def _number(
    ax: Axes,
    place: tuple[float, float],
    size: float,
    whole: float,
    colour: str,
    *,
    percent: bool = True,
) -> None:
    if size >= _ROOM * whole:
        number = f"{size:.3g}" if size < 1000.0 else f"{size:,.0f}"
        text = f"{100.0 * size:.0f} %" if percent else number
        ink = "white" if _luminance(colour) < 0.4 else "black"
        ax.text(*place, text, ha="center", va="center", fontsize=8, color=ink)


def _luminance(colour: str) -> float:
    """Relative luminance of a colour, without gamma correction."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _legend(ax: Axes, colours: dict[str, str]) -> None:
    for name, colour in colours.items():
        ax.barh(0.0, 0.0, color=colour, label=name)
    key(ax, place="above", columns=4)
