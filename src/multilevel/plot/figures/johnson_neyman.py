"""Johnson-Neyman regions: where along a moderator an effect differs from zero."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import columns_of, response_name
from multilevel.plot.style import BLUE, GREY, VERMILION, add_note, dress, key, new_axes, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.fits.johnson_neyman import JohnsonNeyman
    from multilevel.fits.linear import LinearMixedModel

__all__ = ["johnson_neyman", "johnson_neyman_data"]

POINTS = 101


def johnson_neyman(
    fit: LinearMixedModel, focal: str, moderator: str, *, ax: Axes | None = None, **options: Any
) -> Axes:
    """Draw the effect of a predictor along a moderator, and where it differs from zero.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit with an interaction of the two.
    focal : str
        A numeric predictor (its slope is drawn), or a factor of two levels (their difference).
    moderator : str
        A numeric predictor; the effect is drawn over its observed range.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **options
        As in :meth:`multilevel.LinearMixedModel.johnson_neyman`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError, NotSupportedError
        As :meth:`multilevel.LinearMixedModel.johnson_neyman`.

    Notes
    -----
    The band is pointwise: many values of the moderator are looked at at once.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("math ~ cses * meanses + (cses | school)", mlm.datasets.load("hsb"))
    >>> mlm.plot.johnson_neyman(fit, "cses", "meanses").get_xlabel()
    'meanses'
    """
    found = fit.johnson_neyman(focal, moderator, **options)
    table = columns_of(_slopes(found))
    ax = new_axes(ax)
    z = table[moderator]
    ax.axhline(0.0, color=GREY, linewidth=0.8, linestyle="--")
    ax.plot(z, table["estimate"], color=GREY, linewidth=0.8)
    drawn: set[str] = set()
    for region in found.regions:
        # both ends are in the grid of the table
        inside = (z >= region.low) & (z <= region.high)
        colour = BLUE if region.significant else VERMILION
        label = "differs from 0" if region.significant else "may be 0"
        if inside.any():
            name = None if label in drawn else label
            low, high = table["conf_low"][inside], table["conf_high"][inside]
            ax.fill_between(z[inside], low, high, color=colour, alpha=0.2, linewidth=0, label=name)
            ax.plot(z[inside], table["estimate"][inside], color=colour, linewidth=1.8)
            drawn.add(label)
    for bound, shown in zip(found.bounds, found.within_data, strict=True):
        if shown:
            ax.axvline(bound, color=GREY, linewidth=0.8, linestyle=":")
            ax.annotate(f"{bound:.3g}", (bound, 1.0), xytext=(3, -2), va="top", fontsize=8,
                        xycoords=("data", "axes fraction"), textcoords="offset points",
                        color=GREY)  # fmt: skip
    what = "slope of" if "contrast" not in table else f"{text_of(table['contrast'][0])} of"
    level = found.slopes.level
    dress(ax, moderator, f"{what} {focal} ({response_name(fit)}), {100 * level:g} % interval")
    key(ax, place="above", columns=2)
    add_note(ax, f"{100 * found.share:.0f} % of rows where it differs")
    return ax


def johnson_neyman_data(fit: LinearMixedModel, focal: str, moderator: str, **options: Any) -> Any:
    """Give the effects that :func:`johnson_neyman` draws.

    Parameters
    ----------
    fit, focal, moderator, **options
        As in :func:`johnson_neyman`.

    Returns
    -------
    data frame
        The moderator by its name (the bounds of the regions among its values), ``estimate,
        std_error, df, statistic, p_value, conf_low, conf_high``.
    """
    return _slopes(fit.johnson_neyman(focal, moderator, **options))


def _slopes(found: JohnsonNeyman) -> Any:
    """The effects at many values of the moderator and at the bounds of the regions.

    They are linear functions of the coefficients that are linear in the moderator, so that those at
    other values follow from two.
    """
    slopes = found.slopes
    low, high = found.observed
    bounds = [b for b, inside in zip(found.bounds, found.within_data, strict=True) if inside]
    z = np.unique(np.concatenate([np.linspace(low, high, POINTS), bounds]))
    part = ((z - low) / (high - low))[:, None]
    labels = {name: [values[0]] * len(z) for name, values in slopes.labels.items()}
    labels[found.moderator] = z.tolist()
    return replace(
        slopes,
        labels=labels,
        L=slopes.L[0] + part * (slopes.L[-1] - slopes.L[0]),
        constant=np.zeros(len(z)),
        n_means=slopes.n_means[:1] * len(z),
    ).to_frame()
