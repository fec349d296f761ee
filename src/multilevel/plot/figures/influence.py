"""Influence of groups or rows on the fixed effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.plot.numbers import columns_of
from multilevel.plot.style import BLUE, GREY, VERMILION, dress, new_axes, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel

__all__ = ["influence", "influence_data"]

NAMED = 5
_WORDS = {
    "cooks_distance": "Cook's distance",
    "mdffits": "MDFFITS",
    "covratio": "COVRATIO",
    "covtrace": "COVTRACE",
}


def influence(
    fit: LinearMixedModel,
    by: str | None = None,
    *,
    measure: str = "cooks_distance",
    ax: Axes | None = None,
    **options: Any,
) -> Axes:
    """Draw what leaving out each group or row does to the fixed effects.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    by : str, optional
        ``"rows"`` or the name of a grouping factor, the first by default.
    measure : str
        A column of numbers of :meth:`multilevel.LinearMixedModel.influence`:
        ``"cooks_distance"``, ``"mdffits"``, ``"covratio"``, ``"covtrace"``, or ``"dfbetas__x"`` and
        ``"estimate__x"`` of a coefficient x.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **options
        ``exact``, ``n_jobs``, ``progress``, as in
        :meth:`multilevel.LinearMixedModel.influence`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        For an unknown level or measure.

    Notes
    -----
    Dashed lines, for m units: 4 / m for Cook's distance, +-2 / sqrt(m) for DFBETAS, the value with
    all rows for COVRATIO and estimates. They are where to look, not tests. Units are in the order
    of the data; the five that stand out most are named.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.influence(fit, "Subject").get_ylabel()
    "Cook's distance"
    """
    by = by or next(iter(fit.n_groups), "rows")
    table = columns_of(influence_data(fit, by, **options))
    known = [name for name, values in table.items() if values.dtype.kind == "f"]
    if measure not in known:
        raise DataError(f"There is no measure {measure!r}; there are: {', '.join(known)}.")
    ax = new_axes(ax)
    values = table[measure]
    labels = table["row"] if by == "rows" else table["level"]
    at = np.arange(len(values))
    bounds = _bounds(fit, measure, len(values))
    centre = bounds[0] if len(bounds) == 1 and measure != "cooks_distance" else 0.0
    ax.vlines(at, centre, values, color=BLUE, linewidth=1.0 if len(at) <= 200 else 0.4)
    ax.scatter(at, values, s=9 if len(at) <= 200 else 2, color=BLUE, linewidths=0)
    for bound in bounds:
        ax.axhline(bound, color=VERMILION, linewidth=0.9, linestyle="--")
    away = np.nan_to_num(np.abs(values - centre))
    limit = max((abs(bound - centre) for bound in bounds), default=0.0)
    for i in np.argsort(-away, kind="stable")[:NAMED]:
        if away[i] > limit:
            ax.annotate(text_of(labels[i]), (i, values[i]), xytext=(3, 1), fontsize=7,
                        textcoords="offset points", color=GREY)  # fmt: skip
    kind, _, term = measure.partition("__")
    words = _WORDS.get(measure) or {"dfbetas": "DFBETAS"}.get(kind, kind) + f" of {term}"
    dress(ax, f"{by} left out (order of the data)", words, grid="y")
    ax.set_xticks([])
    return ax


def influence_data(fit: LinearMixedModel, by: str | None = None, **options: Any) -> Any:
    """Give the table of which :func:`influence` draws a column.

    Parameters
    ----------
    fit, by, **options
        As in :func:`influence`.

    Returns
    -------
    data frame
        :meth:`multilevel.LinearMixedModel.influence`.
    """
    return fit.influence(by or next(iter(fit.n_groups), "rows"), **options)


def _bounds(fit: LinearMixedModel, measure: str, m: int) -> list[float]:
    kind, _, term = measure.partition("__")
    if kind == "estimate":
        return [float(fit.beta[fit.coef_names.index(term)])]
    far = 2.0 / np.sqrt(m)
    return {"cooks_distance": [4.0 / m], "covratio": [1.0], "dfbetas": [-far, far]}.get(kind, [])
