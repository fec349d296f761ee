"""The panel of figures that check the assumptions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.figures.influence import influence, influence_data
from multilevel.plot.figures.predictive import predictive, predictive_data
from multilevel.plot.figures.qq import draw_qq, qq_data, simulated_residuals
from multilevel.plot.figures.residuals import (
    residuals,
    residuals_data,
    scale_location,
    scale_location_data,
)
from multilevel.plot.numbers import chosen_group, columns_of, emit, stacked
from multilevel.plot.style import new_panels

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["check", "check_data"]


def check(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    rng: int | np.random.Generator | None = 0,
    ax: Any = None,
) -> Any:
    """Draw what to look at before believing a model.

    Residuals along fitted values (curve at zero?), their spread (curve level?), quantiles of the
    residuals and of every random effect (within the envelope?), influence of groups (one far above
    the others?), and the distribution of the response beside simulated ones (alike?).

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    group : str, optional
        Grouping factor whose effects and influence are looked at, the first by default.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness of envelope and simulated responses.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw: five, and one for each random effect; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (5 + n_effects,)
        The panels. A model without random effects has the influence of rows.

    Raises
    ------
    DataError
        For an unknown grouping factor.

    See Also
    --------
    multilevel.LinearMixedModel.check : The same in numbers and words.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> len(mlm.plot.check(fit))
    7
    """
    name, effects = _group(fit, group)
    n = 5 + len(effects)
    panels = new_panels(ax, n, columns=4 if n in (7, 8) or n > 9 else 3, size=(3.1, 2.7))
    residuals(fit, ax=panels[0])
    scale_location(fit, ax=panels[1])
    simulated = list(simulated_residuals(fit, ["rows", name] if effects else ["rows"], None, rng))
    draw_qq(fit, "rows", simulated, ax=panels[2])
    if effects:
        draw_qq(fit, name, simulated, ax=panels[3:-2])
    influence(fit, name, ax=panels[-2])
    predictive(fit, rng=rng, ax=panels[-1])
    return panels


def check_data(
    fit: LinearMixedModel,
    *,
    group: str | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Any:
    """Give the points that :func:`check` draws.

    Parameters
    ----------
    fit, group, rng
        As in :func:`check`.

    Returns
    -------
    data frame
        ``panel, x, y``; what the points are is in the twins of the single figures.
    """
    name, effects = _group(fit, group)
    parts = [
        _points("residuals", residuals_data(fit), "fitted", "residual"),
        _points("scale_location", scale_location_data(fit), "fitted", "root_residual"),
        _points("qq rows", qq_data(fit, rng=rng), "theoretical", "residual"),
    ]
    if effects:
        for effect in effects:
            table = qq_data(fit, name, term=effect, rng=rng)
            parts.append(_points(f"qq {effect} of {name}", table, "theoretical", "residual"))
    left_out = columns_of(influence_data(fit, name))
    order = np.arange(float(len(left_out["cooks_distance"])))
    panel = np.full(len(order), f"influence of {name}", dtype=object)
    parts.append({"panel": panel, "x": order, "y": left_out["cooks_distance"]})
    parts.append(_points("predictive", predictive_data(fit, rng=rng), "value", "density"))
    return emit(stacked(parts), fit)


def _group(fit: LinearMixedModel, group: str | None) -> tuple[str, list[str]]:
    """The level whose units are left out, and its random effects."""
    if not fit.n_groups and group is None:
        return "rows", []
    f = chosen_group(fit, group)
    terms = [term for term in fit.model.matrices.terms if term.factor == f]
    return list(fit.n_groups)[f], [name for term in terms for name in term.names]


def _points(panel: str, table: Any, x: str, y: str) -> Columns:
    columns = columns_of(table)
    label = np.full(len(columns[x]), panel, dtype=object)
    return {"panel": label, "x": columns[x], "y": columns[y]}
