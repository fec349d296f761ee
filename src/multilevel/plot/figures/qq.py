"""Quantiles of residuals of a level against those of a normal distribution."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import ConvergenceWarning, NotSupportedError
from multilevel.plot.numbers import chosen_terms, columns_of, emit, spread_out, stacked, take
from multilevel.plot.style import BLUE, GREY, LIGHT, add_note, dress, new_panels, text_of
from multilevel.randomness import random_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns
    from multilevel.typing import Float

    # Terms (None for rows) and residuals by level, of a fit to a simulated response.
    Simulated = dict[str, tuple[Any, Float]]

__all__ = ["draw_qq", "qq", "qq_data", "simulated_residuals"]

# Fits to simulated responses are made up to so many rows.
MOST_ROWS = 20_000
SIMULATIONS = 99
MOST_POINTS = 2_000
# Points named at either end, and how far apart names must be, as a part of the range.
NAMED = 2
APART = 0.05


def qq(
    fit: LinearMixedModel,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
    n: int | None = None,
    rng: int | np.random.Generator | None = 0,
    ax: Any = None,
) -> Any:
    """Draw residuals of a level against normal quantiles, with an envelope.

    Parameters
    ----------
    fit : LinearMixedModel
        A fit.
    level : str
        ``"rows"``, or the name of a grouping factor.
    term : str or sequence of str, optional
        For a grouping factor: random effects; all by default, a panel each.
    n : int, optional
        Number of simulated responses for the envelope, to which the model is fitted again; 99 by
        default, for more than 20,000 rows none. With 0 the envelope is that of independent normal
        variables.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness of the simulations.
    ax : matplotlib.axes.Axes or array of them, optional
        Where to draw, one for each effect; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        The axes; an array for several effects.

    Raises
    ------
    DataError
        For an unknown level or effect.

    Notes
    -----
    Residuals are studentized conditional ones (:meth:`multilevel.LinearMixedModel.level_residuals`;
    where those are not to be had, standardized). The envelope holds 95 % at each place, not at all
    places together: of 100 points, some lie outside by chance. Of more than 2,000 residuals those
    in the middle are thinned out.

    Predictions of random effects are shrunken towards a normal distribution: with few rows per
    group a plot that looks normal says little about the groups.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> mlm.plot.qq(fit).get_ylabel()
    'studentized residual'
    """
    return draw_qq(fit, level, simulated_residuals(fit, [level], n, rng), term=term, ax=ax)


def draw_qq(
    fit: LinearMixedModel,
    level: str,
    simulated: Iterable[Simulated],
    *,
    term: str | Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw :func:`qq` with the envelope of given residuals."""
    table, scale, simulations = _columns(fit, level, term, simulated)
    terms = list(dict.fromkeys(table["term"])) if "term" in table else [None]
    panels = new_panels(ax, len(terms), columns=3, size=(3.4, 3.2))
    for panel, name in zip(panels, terms, strict=True):
        part = table if name is None else take(table, table["term"] == name)
        what = "residual" if name is None else f"{name} of {level}"
        _draw(panel, part, level)
        dress(panel, "normal quantile", f"{scale} {what}")
        source = f"{simulations} simulated fits" if simulations else "independent normal values"
        add_note(panel, f"95 % envelope: {source}")
    return panels if len(terms) > 1 else panels[0]


def qq_data(
    fit: LinearMixedModel,
    level: str = "rows",
    *,
    term: str | Sequence[str] | None = None,
    n: int | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Any:
    """Give the points and the envelope that :func:`qq` draws.

    Parameters
    ----------
    fit, level, term, n, rng
        As in :func:`qq`.

    Returns
    -------
    data frame
        ``row`` or ``group, level, term``, then ``theoretical, residual, conf_low, conf_high``, by
        ascending residual; residuals of an effect whose variance is estimated as zero are NaN.
    """
    simulated = simulated_residuals(fit, [level], n, rng)
    return emit(_columns(fit, level, term, simulated)[0], fit)


def _columns(
    fit: LinearMixedModel,
    level: str,
    term: str | Sequence[str] | None,
    simulated: Iterable[Simulated],
) -> tuple[Columns, str, int]:
    scale, table = _residuals(fit, level)
    if term is not None and level == "rows":
        raise ValueError(f"term={term!r} is for a grouping factor; rows have residuals only.")
    keys = ["residual"]
    if level != "rows":
        keys = chosen_terms(list(dict.fromkeys(table["term"])), term, level)
    by_effect = _by_effect(simulated, level, keys)
    parts = []
    for name in keys:
        part = table if level == "rows" else take(table, table["term"] == name)
        finite = np.isfinite(part["residual"])
        if finite.any():
            part = take(part, finite)
            part = take(part, np.argsort(part["residual"], kind="stable"))
            part = _with_envelope(part, [values[finite] for values in by_effect[name]])
        parts.append(part)
    names = ["row"] if level == "rows" else ["group", "level", "term"]
    found = stacked(parts)
    missing = np.full(len(found["residual"]), np.nan)  # without any residual to draw
    for name in ("theoretical", "residual", "conf_low", "conf_high"):
        names.append(name)
        found.setdefault(name, missing)
    used = min(map(len, by_effect.values()), default=0)
    return {name: found[name] for name in names}, scale, used


def _residuals(fit: LinearMixedModel, level: str) -> tuple[str, Columns]:
    """Scale and table of the residuals: studentized if they can be."""
    try:
        return "studentized", columns_of(fit.level_residuals(level, scale="studentized"))
    except NotSupportedError:
        return "standardized", columns_of(fit.level_residuals(level, scale="standardized"))


def simulated_residuals(
    fit: LinearMixedModel,
    levels: Sequence[str],
    n: int | None,
    rng: int | np.random.Generator | None,
) -> Iterator[Simulated]:
    """Residuals of fits to simulated responses, of several levels of each fit."""
    if n is None:
        n = SIMULATIONS if fit.nobs <= MOST_ROWS else 0
    scales: dict[str, Any] = {level: _residuals(fit, level)[0] for level in levels}
    generator = random_generator(rng)
    for _ in range(n):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            again = fit.refit(fit.simulate(rng=generator)[0])
        found = {}
        for level, scale in scales.items():
            table = columns_of(again.level_residuals(level, scale=scale))
            found[level] = table.get("term"), table["residual"]
        yield found


def _by_effect(
    simulated: Iterable[Simulated], level: str, keys: Sequence[str]
) -> dict[str, list[Float]]:
    """Simulated residuals of a level by effect."""
    found: dict[str, list[Float]] = {name: [] for name in keys}
    for levels in simulated:
        terms, residuals = levels[level]
        for name in keys:
            values = residuals if terms is None else residuals[terms == name]
            if np.isfinite(values).any():  # those of a variance estimated as zero have no scale
                found[name].append(np.nan_to_num(values))
    return found


def _with_envelope(part: Columns, simulated: list[Float]) -> Columns:
    """Theoretical quantiles and envelope at the points that are drawn."""
    from scipy.special import betaincinv, ndtri

    n = len(part["residual"])
    drawn = _thinned(ndtri((np.arange(1, n + 1) - 0.5) / n))
    i = drawn + 1.0
    if simulated:
        ordered = np.sort(simulated, axis=1)[:, drawn]
        low, high = np.quantile(ordered, [0.025, 0.975], axis=0)
    else:  # order statistics of uniform variables are beta variables
        low, high = (ndtri(betaincinv(i, n + 1 - i, q)) for q in (0.025, 0.975))
    theoretical = ndtri((i - 0.5) / n)
    return {**take(part, drawn), "theoretical": theoretical, "conf_low": low, "conf_high": high}


def _thinned(theoretical: Float) -> Any:
    """Places evenly spaced on the axis, so that the tails keep all of theirs."""
    n = len(theoretical)
    if n <= MOST_POINTS:
        return spread_out(n, None)
    wanted = np.linspace(theoretical[0], theoretical[-1], MOST_POINTS)
    return np.unique(np.searchsorted(theoretical, wanted).clip(0, n - 1))


def _draw(panel: Any, part: Columns, level: str) -> None:
    x, y = part["theoretical"], part["residual"]
    if np.isnan(y).any() or np.ptp(y) == 0.0:
        panel.text(0.5, 0.5, "variance estimated as zero", ha="center", fontsize=8, color=GREY,
                   transform=panel.transAxes)  # fmt: skip
        return
    panel.fill_between(x, part["conf_low"], part["conf_high"], color=LIGHT, linewidth=0)
    panel.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8)
    panel.scatter(x, y, s=8, color=BLUE, linewidths=0, alpha=0.9)
    panel.margins(y=0.09)
    _name_extremes(panel, part, level)


def _name_extremes(panel: Any, part: Columns, level: str) -> None:
    """Name the most extreme points if they lie outside the envelope and apart from each other."""
    x, y = part["theoretical"], part["residual"]
    labels = part["row"] if level == "rows" else part["level"]
    ends = [
        i for i in (*range(NAMED), *range(len(y) - 1, len(y) - 1 - NAMED, -1)) if 0 <= i < len(y)
    ]
    last = None
    for i in dict.fromkeys(ends):
        outside = not part["conf_low"][i] <= y[i] <= part["conf_high"][i]
        apart = last is None or abs(y[i] - y[last]) > APART * np.ptp(y)
        if outside and apart:
            low = x[i] < 0.0
            panel.annotate(text_of(labels[i]), (x[i], y[i]), xytext=(0, -3 if low else 3),
                           textcoords="offset points", ha="center", va="top" if low else "bottom",
                           fontsize=7, color=GREY)  # fmt: skip
            last = i
