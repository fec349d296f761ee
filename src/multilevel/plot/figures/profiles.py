"""Profiles of the criterion: signed roots, and the densities that belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.inference.wald import check_level
from multilevel.plot.numbers import columns_of, emit, stacked
from multilevel.plot.style import BLUE, GREY, VERMILION, dress, new_panels

if TYPE_CHECKING:
    from multilevel.fits.profile import Profile
    from multilevel.typing import Float

__all__ = ["profile_density", "profile_density_data", "profile_zeta", "profile_zeta_data"]

POINTS = 200


def profile_zeta(profile: Profile, *, level: float = 0.95, ax: Any = None) -> Any:
    """Draw the signed root of the rise of the criterion along every parameter.

    Parameters
    ----------
    profile : Profile
        From :meth:`multilevel.LinearMixedModel.profile`.
    level : float
        Level of the intervals that are marked.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, one for each parameter; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_parameters,)
        The panels.

    Notes
    -----
    A straight line is a quadratic criterion, and then Wald's intervals are as good as those of the
    profile. Where the curve ends before it reaches the marked level, the interval ends at the
    boundary of the parameter, or beyond what was profiled.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", mlm.datasets.load("sleepstudy"))
    >>> [ax.get_xlabel() for ax in mlm.plot.profile_zeta(fit.profile("ran_pars"))]
    ['sd__Intercept|Subject', 'sd__residual']
    """
    cut = _cut(level)
    panels = new_panels(ax, len(profile.names), columns=3, size=(2.5, 2.1))
    for panel, name in zip(panels, profile.names, strict=True):
        value, zeta = profile.values[name], profile.zeta[name]
        panel.axhline(0.0, color=GREY, linewidth=0.6)
        for bound in (-cut, cut):
            panel.axhline(bound, color=GREY, linewidth=0.6, linestyle=":")
            if zeta.min() <= bound <= zeta.max():
                at = float(np.interp(bound, zeta, value))
                panel.vlines(at, min(0.0, bound), max(0.0, bound), color=VERMILION, linewidth=1.0)
        panel.plot(value, zeta, color=BLUE, linewidth=1.4)
        dress(panel, name, "zeta")
    return panels


def profile_zeta_data(profile: Profile) -> Any:
    """Give the curves that :func:`profile_zeta` draws.

    Parameters
    ----------
    profile : Profile
        From :meth:`multilevel.LinearMixedModel.profile`.

    Returns
    -------
    data frame
        :meth:`multilevel.Profile.tidy`: ``effect, group, term, value, zeta``.
    """
    return profile.tidy()


def profile_density(profile: Profile, *, level: float = 0.95, ax: Any = None) -> Any:
    """Draw the density whose quantiles are the limits of profile intervals.

    Parameters
    ----------
    profile : Profile
        From :meth:`multilevel.LinearMixedModel.profile`.
    level : float
        Level of the intervals that are marked.
    ax : array of matplotlib.axes.Axes, optional
        Where to draw, one for each parameter; a new figure by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_parameters,)
        The panels.

    Notes
    -----
    With zeta normal, the density of a parameter is that of zeta times the slope of the profile. One
    that is cut off is that of a parameter near its boundary: the rest of its mass lies there.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", mlm.datasets.load("sleepstudy"))
    >>> len(mlm.plot.profile_density(fit.profile("ran_pars")))
    2
    """
    cut = _cut(level)
    panels = new_panels(ax, len(profile.names), columns=3, size=(2.5, 2.1))
    for panel, name in zip(panels, profile.names, strict=True):
        value, density = _density(profile.values[name], profile.zeta[name])
        zeta = np.interp(value, profile.values[name], profile.zeta[name])
        inside = np.abs(zeta) <= cut
        panel.fill_between(value[inside], 0.0, density[inside], color=BLUE, alpha=0.2, linewidth=0)
        panel.plot(value, density, color=BLUE, linewidth=1.4)
        panel.set_ylim(0.0)
        dress(panel, name, "density")
    return panels


def profile_density_data(profile: Profile) -> Any:
    """Give the densities that :func:`profile_density` draws.

    Parameters
    ----------
    profile : Profile
        From :meth:`multilevel.LinearMixedModel.profile`.

    Returns
    -------
    data frame
        ``effect, group, term, value, density``.
    """
    table = columns_of(profile.tidy())
    parts, start = [], 0
    for name in profile.names:
        value, density = _density(profile.values[name], profile.zeta[name])
        labels = {k: np.full(len(value), table[k][start], dtype=object) for k in _LABELS}
        parts.append({**labels, "value": value, "density": density})
        start += len(profile.values[name])
    return emit(stacked(parts), profile._fit)


_LABELS = ("effect", "group", "term")


def _density(value: Float, zeta: Float) -> tuple[Float, Float]:
    """Density of a parameter over the range of its profile."""
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(value, zeta)
    grid = np.linspace(value[0], value[-1], POINTS)
    normal = np.exp(-0.5 * curve(grid) ** 2) / np.sqrt(2.0 * np.pi)
    return grid, np.clip(normal * curve(grid, 1), 0.0, None)


def _cut(level: float) -> float:
    from scipy.special import ndtri

    check_level(level)
    return float(ndtri(0.5 + level / 2.0))
