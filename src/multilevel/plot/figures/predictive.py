"""Predictive check: the distribution of the response beside those that the fit simulates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import emit, response_name
from multilevel.plot.smooth import density
from multilevel.plot.style import BLUE, INK, dress, key, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns

__all__ = ["predictive", "predictive_data"]

POINTS = 400
# Simulated responses: the usual number, up to so many rows, and the fewest.
MOST, MOST_ROWS, FEWEST = 50, 200_000, 10


def predictive(
    fit: LinearMixedModel,
    *,
    n: int | None = None,
    rng: int | np.random.Generator | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the density of the response and of responses that the fit simulates.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    n : int, optional
        Number of simulated responses, all random effects drawn anew; 50 by default, for more than
        200,000 rows fewer, down to 10: their densities hardly differ.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If n is not positive.

    Notes
    -----
    Densities are by a Gaussian kernel with Silverman's bandwidth. Numbers for it are in
    :meth:`multilevel.LinearMixedModel.predictive_check`.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> len(mlm.plot.predictive(fit, n=20).lines)
    21
    """
    table = _columns(fit, n, rng)
    n = int(table["replicate"][-1])
    ax = new_axes(ax)
    x = table["value"].reshape(n + 1, -1)
    y = table["density"].reshape(n + 1, -1)
    for i in range(1, n + 1):
        label = f"{n} simulated" if i == 1 else None
        ax.plot(x[i], y[i], color=BLUE, linewidth=0.6, alpha=0.35, label=label)
    ax.plot(x[0], y[0], color=INK, linewidth=1.8, label="observed")
    ax.set_ylim(0.0)
    dress(ax, response_name(fit), "density")
    key(ax, place="above", columns=2)
    return ax


def predictive_data(
    fit: LinearMixedModel,
    *,
    n: int | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Any:
    """Give the densities that :func:`predictive` draws.

    Parameters
    ----------
    fit, n, rng
        As in :func:`predictive`.

    Returns
    -------
    data frame
        ``replicate`` (0 is the observed response), ``value``, ``density``.
    """
    return emit(_columns(fit, n, rng), fit)


def _columns(
    fit: LinearMixedModel, n: int | None, rng: int | np.random.Generator | None
) -> Columns:
    if n is None:
        n = max(FEWEST, min(MOST, MOST * MOST_ROWS // fit.nobs))
    if n < 1:
        raise ValueError(f"n={n!r} is no number of simulated responses; give 1 or more.")
    responses = [fit.model.matrices.y, *fit.simulate(n, rng=rng)]
    low, high = min(y.min() for y in responses), max(y.max() for y in responses)
    margin = 0.1 * (high - low)
    grid = np.linspace(low - margin, high + margin, POINTS)
    return {
        "replicate": np.repeat(np.arange(n + 1), POINTS),
        "value": np.tile(grid, n + 1),
        "density": np.concatenate([density(y, grid) for y in responses]),
    }
