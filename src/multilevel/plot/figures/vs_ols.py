"""Standard errors of ordinary least squares beside those of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import columns_of
from multilevel.plot.style import BLUE, GREY, ORANGE, dress, key, label_rows, new_axes, row_height

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel

__all__ = ["vs_ols", "vs_ols_data"]


def vs_ols(fit: LinearMixedModel, *, cluster: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw standard errors of the fixed effects as multiples of those of least squares.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with random effects.
    cluster : str, optional
        As in :meth:`multilevel.LinearMixedModel.vs_ols`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        As :meth:`multilevel.LinearMixedModel.vs_ols`.

    Notes
    -----
    Right of the line least squares, which ignores groups, is too sure of itself; left of it, it is
    not sure enough. The scale is logarithmic: twice and half are equally far away.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ ses + sector + (1 | school)", mlm.datasets.load("hsb"))
    >>> mlm.plot.vs_ols(fit).get_xlabel()
    'standard error / that of least squares'
    """
    table = columns_of(vs_ols_data(fit, cluster=cluster))
    n = len(table["term"])
    ax = new_axes(ax, (5.4, row_height(n, table["term"]) + 0.4))
    at = np.arange(n)
    naive = table["std_error_ols"]
    ratios = {
        "robust least squares": (table["std_error_robust"] / naive, "D", ORANGE),
        "multilevel": (table["std_error"] / naive, "o", BLUE),
    }
    ax.axvline(1.0, color=GREY, linewidth=1.0, linestyle="--", label="least squares")
    for name, (ratio, marker, colour) in ratios.items():
        ax.plot(ratio, at, marker, color=colour, markersize=5, label=name, markeredgewidth=0)
    ax.hlines(at, 1.0, ratios["multilevel"][0], color=BLUE, linewidth=0.8, zorder=1)
    every = np.concatenate([[1.0], *(ratio for ratio, _, _ in ratios.values())])
    _scale(ax, float(np.nanmin(every)), float(np.nanmax(every)))
    dress(ax, "standard error / that of least squares", grid="x")
    label_rows(ax, table["term"], "", first="top")
    key(ax, place="above", columns=3)
    return ax


def vs_ols_data(fit: LinearMixedModel, *, cluster: str | None = None) -> Any:
    """Give the table of which :func:`vs_ols` draws standard errors.

    Parameters
    ----------
    fit, cluster
        As in :func:`vs_ols`.

    Returns
    -------
    data frame
        :meth:`multilevel.LinearMixedModel.vs_ols`.
    """
    return fit.vs_ols(cluster=cluster)


def _scale(ax: Axes, low: float, high: float) -> None:
    """A logarithmic scale with plain numbers."""
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set_xscale("log")
    low, high = min(low, 0.9) / 1.1, max(high, 1.1) * 1.1
    ax.set_xlim(low, high)
    steps = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0]
    if high < 1.5 * low:
        steps = [0.8, 0.9, 1.0, 1.1, 1.2, 1.3]
    ax.xaxis.set_major_locator(FixedLocator([s for s in steps if low <= s <= high]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
