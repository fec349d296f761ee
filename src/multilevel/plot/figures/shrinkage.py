"""Shrinkage: arrows from no pooling to partial pooling, and where complete pooling is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.plot.numbers import (
    chosen_group,
    chosen_terms,
    columns_of,
    emit,
    response_name,
    spread_out,
    stacked,
    take,
)
from multilevel.plot.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    dress,
    key,
    label_rows,
    new_axes,
    row_height,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float

__all__ = ["shrinkage", "shrinkage_data"]

# Relative: complete pooling that differs by less is the same for all groups.
_SAME = 1e-8


def shrinkage(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    terms: str | Sequence[str] | None = None,
    max_groups: int | None = 100,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far the model moves every group from its own estimate.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.
    group : str, optional
        Name of a grouping factor, the first by default.
    terms : str or sequence of str, optional
        One random effect, drawn on a line for each group, or two, drawn against each other; the
        first two of the factor by default.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in order; None for all of them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        For an unknown factor or effect, more than two effects, and without random effects.

    Notes
    -----
    The numbers are those of :meth:`multilevel.LinearMixedModel.shrinkage`. Arrows lead from least
    squares in the group alone to the prediction of the model; a group that has no estimate of its
    own is drawn without an arrow. With complete pooling all groups whose predictors are the same
    are at the same place.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> ax = mlm.plot.shrinkage(fit)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Intercept of Subject', 'Days of Subject')
    """
    columns, n_groups = _columns(fit, group, terms, max_groups)
    names = list(dict.fromkeys(columns["term"]))
    factor = columns["group"][0]
    parts = [take(columns, columns["term"] == name) for name in names]
    n = len(parts[0]["level"])
    if len(parts) == 2:
        ax = new_axes(ax, (5.0, 4.2))
        _draw_plane(ax, parts[0], parts[1])
        dress(ax, f"{names[0]} of {factor}", f"{names[1]} of {factor}")
        if n < n_groups:
            ax.annotate(f"{n:,} of {n_groups:,} shown", (1.0, 0.0), xytext=(-2, 2), fontsize=7,
                        xycoords="axes fraction", textcoords="offset points", ha="right",
                        color=GREY)  # fmt: skip
    else:
        ax = new_axes(ax, (5.2, row_height(n) + 0.2))
        _draw_lines(ax, parts[0])
        dress(ax, f"{names[0]} of {factor} ({response_name(fit)})", grid="x")
        label_rows(ax, parts[0]["level"], factor, total=n_groups)
    key(ax, place="above", columns=3)
    return ax


def shrinkage_data(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    terms: str | Sequence[str] | None = None,
    max_groups: int | None = 100,
) -> Any:
    """Give the estimates that :func:`shrinkage` draws.

    Parameters
    ----------
    fit, group, terms, max_groups
        As in :func:`shrinkage`.

    Returns
    -------
    data frame
        Rows of :meth:`multilevel.LinearMixedModel.shrinkage`.
    """
    return emit(_columns(fit, group, terms, max_groups)[0], fit)


def _columns(
    fit: LinearMixedModel,
    group: str | None,
    terms: str | Sequence[str] | None,
    max_groups: int | None,
) -> tuple[Columns, int]:
    name = list(fit.n_groups)[chosen_group(fit, group)]
    table = columns_of(fit.shrinkage(name))
    known = list(dict.fromkeys(table["term"]))
    names = known[:2] if terms is None else chosen_terms(known, terms, name)
    if not 1 <= len(names) <= 2:
        raise DataError(f"terms must be one random effect or two of {', '.join(known)}.")
    parts = [take(table, table["term"] == effect) for effect in names]
    order = np.arange(fit.n_groups[name])
    if len(names) == 1:
        order = np.argsort(parts[0]["partial_pooling"], kind="stable")
    chosen = order[spread_out(len(order), max_groups)]
    return stacked([take(part, chosen) for part in parts]), len(order)


def _draw_plane(ax: Axes, x: Columns, y: Columns) -> None:
    start = np.column_stack([x["no_pooling"], y["no_pooling"]])
    end = np.column_stack([x["partial_pooling"], y["partial_pooling"]])
    _draw_moves(ax, start, end, size=14)
    pooled = np.unique(np.column_stack([x["complete_pooling"], y["complete_pooling"]]), axis=0)
    size, marker = (60, "*") if len(pooled) == 1 else (5, "o")
    style: dict[str, Any] = {
        "s": size,
        "marker": marker,
        "color": VERMILION,
        "label": "complete pooling",
    }
    ax.scatter(pooled[:, 0], pooled[:, 1], zorder=4, **style)


def _draw_lines(ax: Axes, part: Columns) -> None:
    at = np.arange(len(part["level"]))
    start = np.column_stack([part["no_pooling"], at])
    end = np.column_stack([part["partial_pooling"], at])
    size = 14 if len(at) <= 60 else 5
    _draw_moves(ax, start, end, size)
    pooled = part["complete_pooling"]
    if np.ptp(pooled) <= _SAME * np.abs(pooled).max():
        ax.axvline(pooled[0], color=VERMILION, linewidth=1.0, label="complete pooling")
    else:
        ax.scatter(pooled, at, s=size + 12, marker="|", color=VERMILION, label="complete pooling")


def _draw_moves(ax: Axes, start: Float, end: Float, size: int) -> None:
    """Arrows from estimates of groups alone, where there are any, to predictions."""
    own = np.isfinite(start).all(axis=1)
    for a, b in zip(start[own].tolist(), end[own].tolist(), strict=True):
        style: Any = {"arrowstyle": "->", "color": INK, "linewidth": 0.6, "alpha": 0.6,
                 "shrinkA": 0, "shrinkB": 1, "mutation_scale": 6}  # fmt: skip
        ax.annotate("", b, a, arrowprops=style, annotation_clip=False)
    ring: dict[str, Any] = {"facecolor": "white", "edgecolor": GREY, "linewidth": 0.8}
    ax.scatter(start[own, 0], start[own, 1], s=size, zorder=2, label="no pooling", **ring)
    dot: dict[str, Any] = {"color": BLUE, "linewidths": 0, "label": "partial pooling"}
    ax.scatter(end[:, 0], end[:, 1], s=size, zorder=3, **dot)
