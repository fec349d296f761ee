"""Two random effects of every group against each other, with the ellipse of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.inference.wald import check_level
from multilevel.plot.numbers import (
    chosen_group,
    chosen_terms,
    columns_of,
    emit,
    spread_out,
    take,
)
from multilevel.plot.style import (
    BLUE,
    GREY,
    VERMILION,
    add_note,
    dress,
    key,
    new_axes,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float

__all__ = ["random_scatter", "random_scatter_data"]

# Groups with points of their own labelled; more would overlap.
MOST_NAMED = 25


def random_scatter(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    terms: Sequence[str] | None = None,
    level: float = 0.95,
    max_groups: int | None = 1000,
    ax: Axes | None = None,
) -> Axes:
    """Draw two random effects of every group against each other.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with two or more random effects of a factor.
    group : str, optional
        Name of a grouping factor, the first by default.
    terms : two str, optional
        Random effects; the first two of the factor by default.
    level : float
        Part of the groups that the ellipse is to hold.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in their order; None for all of them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        For an unknown factor or effect, and if there are not two.

    Notes
    -----
    The ellipse is that of the estimated distribution of the effects, which holds ``level`` of the
    groups of the population. Points are conditional modes; they are shrunken, so that more of them
    lie inside. On a line, the covariance matrix is singular.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.random_scatter(fit).get_ylabel()
    'Days of Subject, deviation from the mean'
    """
    check_level(level)
    columns, names, factor = _columns(fit, group, terms, max_groups)
    ax = new_axes(ax, (4.6, 4.0))
    x, y = columns[names[0]], columns[names[1]]
    for place in (ax.axhline, ax.axvline):
        place(0.0, color=GREY, linewidth=0.6, linestyle="--")
    few = len(x) <= MOST_NAMED
    ax.scatter(x, y, s=12, color=BLUE, alpha=0.9 if len(x) <= 100 else 0.4, linewidths=0)
    if few:
        for label, a, b in zip(columns["level"], x, y, strict=True):
            ax.annotate(text_of(label), (a, b), xytext=(3, 2), textcoords="offset points",
                        fontsize=7, color=GREY)  # fmt: skip
    ellipse = _ellipse(_covariance(fit, factor, names), level)
    ax.plot(*ellipse, color=VERMILION, linewidth=1.2, label=f"{100 * level:g} % of the population")
    dress(ax, *(f"{name} of {factor}, deviation from the mean" for name in names))
    key(ax, place="above")
    if len(x) < fit.n_groups[factor]:
        add_note(ax, f"{len(x):,} of {fit.n_groups[factor]:,} shown")
    return ax


def random_scatter_data(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    terms: Sequence[str] | None = None,
    max_groups: int | None = 1000,
) -> Any:
    """Give the points that :func:`random_scatter` draws.

    Parameters
    ----------
    fit, group, terms, max_groups
        As in :func:`random_scatter`.

    Returns
    -------
    data frame
        ``group, level`` and the two random effects by their names. The ellipse is that of their
        covariance matrix, in :meth:`multilevel.LinearMixedModel.var_corr`.
    """
    return emit(_columns(fit, group, terms, max_groups)[0], fit)


def _columns(
    fit: LinearMixedModel,
    group: str | None,
    terms: Sequence[str] | None,
    max_groups: int | None,
) -> tuple[Columns, list[str], str]:
    factor = list(fit.n_groups)[chosen_group(fit, group)]
    table = columns_of(fit.ranef(factor))
    known = list(dict.fromkeys(table["term"]))
    names = known[:2] if terms is None else chosen_terms(known, terms, factor)
    if len(set(names)) != 2:
        raise DataError(
            f"Two random effects are drawn against each other; {factor} has {', '.join(known)}"
            + ("." if len(known) < 2 else ": name two with terms=[...].")
        )
    first = take(table, table["term"] == names[0])
    found = {"group": first["group"], "level": first["level"]}
    found |= {name: table["estimate"][table["term"] == name] for name in names}
    return take(found, spread_out(len(first["level"]), max_groups)), names, factor


def _covariance(fit: LinearMixedModel, factor: str, names: list[str]) -> Float:
    """Covariance matrix of two effects; zero between different terms."""
    table = columns_of(fit.var_corr())
    own = table["group"] == factor
    sd = [
        float(table["sd"][own & (table["term"] == name) & np.isfinite(table["sd"])][0])
        for name in names
    ]
    pair = own & np.isfinite(table["corr"])
    pair &= np.isin(table["term"], names) & np.isin(table["other_term"], names)
    corr = float(table["corr"][pair][0]) if pair.any() else 0.0
    return np.array([[sd[0] ** 2, corr * sd[0] * sd[1]], [corr * sd[0] * sd[1], sd[1] ** 2]])


def _ellipse(covariance: Float, level: float) -> Float:
    """Points of the ellipse that holds a part of a normal distribution, shape (2, 200)."""
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    radius = np.sqrt(-2.0 * np.log1p(-level))  # chi-squared with two degrees of freedom
    points: Float = radius * (root @ np.vstack([np.cos(angle), np.sin(angle)]))
    return points
