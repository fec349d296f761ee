"""A slope within groups and another one between them: the ecological fallacy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.methods import LEAST_SQUARES
from multilevel.demo.sampling import (
    GROUP,
    check_count,
    draw,
    generator_of,
    group_means,
    reals,
    share,
)
from multilevel.demo.study import Study
from multilevel.fits.model import MixedModel
from multilevel.fits.ols import fit_without_groups
from multilevel.plot.style import BLUE, COLOURS, GREEN, GREY, INK, VERMILION, dress, key, new_axes

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["within_between"]

_SHOWN = 12  # groups in the figure


def within_between(
    within: float = -0.5,
    between: float = 1.0,
    *,
    n_groups: int = 60,
    n_per_group: int = 10,
    icc: float = 0.2,
    icc_x: float = 0.4,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Ask which slope a model estimates if there are two.

    Within groups the response changes by ``within`` for one unit of ``x``, between group means by
    ``between``. One data set is drawn and analysed by least squares, by a random-intercept model
    of ``x`` alone, and by one with the group means of ``x`` beside it (Mundlak 1978).

    Parameters
    ----------
    within, between : float
        The two slopes.
    n_groups, n_per_group : int
        Groups (10 or more) and rows in each (2 or more).
    icc, icc_x : float
        Intraclass correlations of what the slopes leave of the response, and of ``x``.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same data.

    Returns
    -------
    Study
        Its table has a row for each ``model`` and ``term``: ``estimate``, ``std_error``, and the
        ``true`` slope if there is one that the term stands for.

    Raises
    ------
    DataError
        For a number that is no slope, no ICC, or no number of rows or groups.

    Notes
    -----
    In groups of equal size n, the slope of a random-intercept model of ``x`` alone is exactly
    ``(S_w b_w + psi S_b b_b) / (S_w + psi S_b)``, with the slopes within and between groups, the
    sums of squares of x within and between, and ``psi = sigma2 / (sigma2 + n tau2)`` (Raudenbush &
    Bryk 2002, ch. 5). It is a mixture that describes neither persons nor groups.

    References
    ----------
    Mundlak (1978), Econometrica 46, 69-85. Robinson (1950), Am. Sociol. Rev. 15, 351-357.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.within_between(rng=1)
    >>> study.table.shape
    (5, 5)
    """
    anything = (-np.inf, np.inf, "a slope, a finite number")
    slopes = reals("within", [within], *anything)[0], reals("between", [between], *anything)[0]
    sizes = check_count("n_groups", n_groups, 10), check_count("n_per_group", n_per_group, 2)
    share_x = share("icc_x", icc_x)
    data = _data(sizes, slopes, share("icc", icc), share_x, generator_of(rng))
    pooled = MixedModel(f"y ~ x + (1 | {GROUP})", data).fit()
    mundlak = MixedModel(f"y ~ x + x_mean + (1 | {GROUP})", data).fit()
    columns = _rows(pooled, mundlak, slopes)
    title = (
        f"A slope within groups of {within:g} and one of {between:g} between them: {n_groups} "
        f"groups of {n_per_group}"
    ).replace("-", "−")
    weight = _weight(data, pooled)
    return Study.of(title, columns, _sentences(columns, weight), partial(_draw, data))


def _data(
    sizes: tuple[int, int],
    slopes: tuple[float, float],
    icc: float,
    icc_x: float,
    generator: np.random.Generator,
) -> Columns:
    """Columns ``group, y, x, x_mean``."""
    data = draw(generator, *sizes, fixed={"Intercept": 0.0}, icc=icc, level1={"x": icc_x})
    mean = group_means(data["x"], data[GROUP] - 1)
    y = data["y"] + slopes[0] * (data["x"] - mean) + slopes[1] * mean
    return {GROUP: data[GROUP], "y": y, "x": data["x"], "x_mean": mean}


def _rows(
    pooled: LinearMixedModel, mundlak: LinearMixedModel, slopes: tuple[float, float]
) -> Columns:
    within, between = slopes
    _, ols = fit_without_groups(pooled.model.matrices)
    beta, vcov = mundlak.state.beta, mundlak.state.vcov
    rows = [
        (LEAST_SQUARES, "x", ols.beta[1], ols.vcov[1, 1], np.nan),
        ("multilevel, x alone", "x", pooled.state.beta[1], pooled.state.vcov[1, 1], np.nan),
        ("multilevel, x and x_mean", "within", beta[1], vcov[1, 1], within),
        (
            "multilevel, x and x_mean",
            "between",
            beta[1] + beta[2],
            vcov[1, 1] + vcov[2, 2] + 2.0 * vcov[1, 2],
            between,
        ),
        ("multilevel, x and x_mean", "contextual", beta[2], vcov[2, 2], between - within),
    ]
    model, term, estimate, variance, true = zip(*rows, strict=True)
    return {
        "model": np.array(model, dtype=object),
        "term": np.array(term, dtype=object),
        "estimate": np.array(estimate),
        "std_error": np.sqrt(variance),
        "true": np.array(true),
    }


def _weight(data: Columns, pooled: LinearMixedModel) -> float:
    """Weight of the slope within groups in that of the model of x alone."""
    n = len(data["x"]) / len(np.unique(data[GROUP]))
    residual, between = pooled.sigma**2, pooled.state.terms[0].covariance[0, 0]
    inner = float(((data["x"] - data["x_mean"]) ** 2).sum())
    outer = float(((data["x_mean"] - data["x"].mean()) ** 2).sum())
    return float(inner / (inner + residual / (residual + n * between) * outer))


def _sentences(columns: Columns, weight: float) -> list[str]:
    naive, mixed, inner, outer, contextual = (
        f"{value:.2f}".replace("-", "−") for value in columns["estimate"]
    )
    within, between = columns["estimate"][2:4]
    opposite = "opposite directions" if within * between < 0.0 else "the same direction"
    return [
        f"Within groups the slope is {inner}, between group means {outer}: they have {opposite}.",
        f"Least squares gives {naive}. The random-intercept model of x alone gives {mixed}, a "
        f"weighted mean of both: {100.0 * weight:.0f} % of the slope within and "
        f"{100.0 * (1.0 - weight):.0f} % of the slope between.",
        "With the group means beside x, the coefficient of x is the slope within groups, that of "
        f"the means is the contextual effect ({contextual}), the difference of the two slopes.",
    ]


def _draw(data: Columns, columns: Columns, ax: Any) -> Any:
    """Points of some groups with their lines, and the slopes between groups and of all rows."""
    ax = new_axes(ax, (5.4, 3.8))
    slope = dict(zip(columns["term"], columns["estimate"], strict=True))
    groups = np.unique(data[GROUP])
    means = np.array([[data[name][data[GROUP] == g].mean() for g in groups] for name in "xy"])
    order = groups[np.argsort(means[0])]
    shown = order[np.linspace(0, len(order) - 1, min(_SHOWN, len(order))).round().astype(int)]
    for k, group in enumerate(shown):
        rows = data[GROUP] == group
        x, y = data["x"][rows], data["y"][rows]
        ax.scatter(x, y, s=9, color=COLOURS[k % len(COLOURS)], alpha=0.45, linewidths=0)
        _line(ax, x, (x.mean(), y.mean()), slope["within"], color=GREY, linewidth=1.0)
    centre = (data["x"].mean(), data["y"].mean())
    _line(ax, means[0], centre, slope["between"], color=BLUE, label="between groups")
    overall = columns["estimate"]
    _line(ax, data["x"], centre, overall[0], color=VERMILION, ls="--", label=LEAST_SQUARES)
    _line(ax, data["x"], centre, overall[1], color=GREEN, ls=":", label="multilevel, x alone")
    ax.plot([], [], color=GREY, linewidth=1.0, label="within groups")
    ax.plot(means[0], means[1], "o", color=INK, markersize=3, label="group means", zorder=3)
    dress(ax, "x", "y")
    key(ax, place="right")
    return ax


def _line(ax: Any, x: Float, through: tuple[float, float], slope: float, **style: Any) -> None:
    ends = np.array([x.min(), x.max()])
    ax.plot(ends, through[1] + slope * (ends - through[0]), **{"linewidth": 1.8, **style})
