"""Predicted random effects, sorted, with intervals for comparisons and for single groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
    SKY,
    VERMILION,
    dress,
    key,
    label_rows,
    new_panels,
    row_height,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["caterpillar", "caterpillar_data"]


def caterpillar(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    term: str | Sequence[str] | None = None,
    comparison: bool = True,
    max_groups: int | None = 500,
    ax: Any = None,
) -> Any:
    """Draw the conditional modes of the random effects, sorted, with intervals.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.
    group : str, optional
        Name of a grouping factor, the first by default.
    term : str or sequence of str, optional
        Random effects, such as ``"Intercept"``; all of the factor by default, a panel each.
    comparison : bool
        Draw thick intervals of 1.39 standard errors, too.
    max_groups : int or None
        Draw at most so many groups, evenly spaced in rank; None for all of them.
    ax : matplotlib.axes.Axes or array of them, optional
        Where to draw, one for each effect; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        The axes; an array for several effects.

    Raises
    ------
    DataError
        For an unknown factor or effect, and for a model without random effects.

    Notes
    -----
    Two groups whose intervals of 1.39 standard errors do not overlap differ at about the level of
    5 %, if that pair was chosen beforehand (Goldstein & Healy 1995, J. R. Statist. Soc. A 158,
    175-177: exactly so for equal standard errors and independent predictions). Intervals of 1.96
    standard errors are for single groups. Standard errors are those of :meth:`ranef`.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
    >>> mlm.plot.caterpillar(fit).get_xlabel()
    'Intercept of school (math)'
    """
    columns, n_groups = _columns(fit, group, term, max_groups)
    terms = list(dict.fromkeys(columns["term"]))
    n = len(columns["term"]) // len(terms)
    panels = new_panels(ax, len(terms), columns=2, size=(4.2, row_height(n)))
    for panel, name in zip(panels, terms, strict=True):
        part = take(columns, columns["term"] == name)
        _draw(panel, part, comparison)
        factor = part["group"][0]
        dress(panel, f"{name} of {factor} ({response_name(fit)})", grid="x")
        label_rows(panel, part["level"], factor, total=n_groups)
    key(panels[0], place="above", columns=2)  # the same in all panels
    return panels if len(terms) > 1 else panels[0]


def caterpillar_data(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    term: str | Sequence[str] | None = None,
    max_groups: int | None = 500,
) -> Any:
    """Give the modes and intervals that :func:`caterpillar` draws.

    Parameters
    ----------
    fit, group, term, max_groups
        As in :func:`caterpillar`.

    Returns
    -------
    data frame
        ``group, level, term, estimate, std_error, comparison_low, comparison_high, conf_low,
        conf_high``, every effect by ascending estimate.
    """
    return emit(_columns(fit, group, term, max_groups)[0], fit)


def _columns(
    fit: LinearMixedModel,
    group: str | None,
    term: str | Sequence[str] | None,
    max_groups: int | None,
) -> tuple[Columns, int]:
    name = list(fit.n_groups)[chosen_group(fit, group)]
    table = columns_of(fit.ranef(name))
    terms = chosen_terms(list(dict.fromkeys(table["term"])), term, name)
    parts, n_groups = [], fit.n_groups[name]
    for effect in terms:
        part = take(table, table["term"] == effect)
        order = np.argsort(part["estimate"], kind="stable")[spread_out(n_groups, max_groups)]
        parts.append(take(part, order))
    found = stacked(parts)
    for bound, width in (("comparison", 1.39), ("conf", 1.96)):
        found[f"{bound}_low"] = found["estimate"] - width * found["std_error"]
        found[f"{bound}_high"] = found["estimate"] + width * found["std_error"]
    return found, n_groups


def _draw(panel: Any, part: Columns, comparison: bool) -> None:
    n = len(part["level"])
    at, few = np.arange(n), n <= 100
    panel.axvline(0.0, color=GREY, linewidth=0.8, linestyle="--")
    panel.hlines(
        at,
        part["conf_low"],
        part["conf_high"],
        color=SKY,
        linewidth=1.0 if few else 0.5,
        label="± 1.96 SE: one group",
    )
    if comparison:
        panel.hlines(
            at,
            part["comparison_low"],
            part["comparison_high"],
            color=BLUE,
            linewidth=2.2 if few else 0.8,
            label="± 1.39 SE: two groups",
        )
    panel.scatter(part["estimate"], at, s=9 if few else 2, color=VERMILION, zorder=3, linewidths=0)
