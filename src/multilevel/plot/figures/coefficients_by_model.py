"""Fixed effects of several models, a panel for each, so that changes are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.figures.forest import forest_data
from multilevel.plot.numbers import columns_of, fits_by_name, take
from multilevel.plot.style import BLUE, GREY, LIGHT, dress, label_rows, new_panels, row_height

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["coefficients_by_model", "coefficients_by_model_data"]


def coefficients_by_model(
    fits: Any,
    *,
    terms: Sequence[str] | None = None,
    level: float = 0.95,
    ax: Any = None,
    **options: Any,
) -> Any:
    """Draw how each fixed effect changes from model to model.

    Parameters
    ----------
    fits : LinearMixedModel, sequence of them, or mapping of str to them
        Models in their order, the first on top; the keys of a mapping name them, else their
        formulas do.
    terms : sequence of str, optional
        Coefficients to draw, in this order; by default all, in the order in which they enter.
    level : float
        Level of the intervals.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, one for each coefficient; a new figure by default.
    **options
        ``df_method``, ``robust``, ``cluster``, as in :meth:`multilevel.LinearMixedModel.tidy`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        The axes; an array for several coefficients.

    Raises
    ------
    DataError
        For a coefficient that no fit has.

    Notes
    -----
    Every coefficient has a scale of its own. A model that does not have it has an empty row. An
    estimate that moves when other predictors are added shares information with them; whether that
    is confounding or part of what is asked, the numbers do not say.

    Examples
    --------
    >>> import multilevel as mlm
    >>> hsb = mlm.datasets.load("hsb")
    >>> formulas = {"M1": "math ~ ses + (1 | school)", "M2": "math ~ ses + meanses + (1 | school)"}
    >>> fits = {name: mlm.lmer(formula, hsb) for name, formula in formulas.items()}
    >>> mlm.plot.coefficients_by_model_data(fits, terms=["ses"])["estimate"].round(2).tolist()
    [2.39, 2.19]
    """
    table = columns_of(coefficients_by_model_data(fits, terms=terms, level=level, **options))
    names = list(dict.fromkeys(table["term"]))
    models = list(fits_by_name(fits))
    size = (2.9 if len(names) > 1 else 4.8, row_height(len(models), models) - 0.35)
    panels = new_panels(ax, len(names), columns=2, size=size, share_y=True)
    place = {model: i for i, model in enumerate(models)}
    for panel, name in zip(panels, names, strict=True):
        part = take(table, table["term"] == name)
        at = np.array([place[model] for model in part["model"]])
        if name != "Intercept":
            panel.axvline(0.0, color=GREY, linewidth=0.8, linestyle="--")
        panel.plot(part["estimate"], at, color=LIGHT, linewidth=1.0, zorder=1)
        panel.hlines(at, part["conf_low"], part["conf_high"], color=BLUE, linewidth=1.4)
        panel.scatter(part["estimate"], at, s=18, color=BLUE, zorder=3, linewidths=0)
        dress(panel, name, grid="x")
        panel.locator_params(axis="x", nbins=5)
        label_rows(panel, models, "", first="top")
    return panels if len(names) > 1 else panels[0]


def coefficients_by_model_data(
    fits: Any, *, terms: Sequence[str] | None = None, level: float = 0.95, **options: Any
) -> Any:
    """Give the estimates and intervals that :func:`coefficients_by_model` draws.

    Parameters
    ----------
    fits, terms, level, **options
        As in :func:`coefficients_by_model`.

    Returns
    -------
    data frame
        ``model`` and the columns of :meth:`multilevel.LinearMixedModel.tidy`, by coefficient.
    """
    if terms is None:
        named = fits_by_name(fits).values()
        pairs = [pair for fit in named for pair in zip(fit.coef_names, fit.beta, strict=True)]
        terms = list(dict.fromkeys(name for name, estimate in pairs if np.isfinite(estimate)))
    return forest_data(fits, terms=terms, level=level, **options)
