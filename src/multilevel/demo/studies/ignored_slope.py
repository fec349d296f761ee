"""A random slope that is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.methods import MULTILEVEL, numbers, p_values
from multilevel.demo.rates import percent, rates, verdict
from multilevel.demo.sampling import (
    GROUP,
    check_alpha,
    check_count,
    draw,
    generator_of,
    reals,
    replicated,
    share,
)
from multilevel.demo.study import Study
from multilevel.fits.model import MixedModel
from multilevel.plot.numbers import stacked, take
from multilevel.plot.style import BLUE, GREY, VERMILION, dress, key, new_panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["ignored_slope"]

MODELS = {"slope forgotten": f"(1 | {GROUP})", "random slope": f"(x | {GROUP})"}
TERMS = ("x", "w", "x:w")
_WORDS = {
    "x": "the slope",
    "w": "the predictor of groups",
    "x:w": "the cross-level interaction",
}
_COLOURS = dict(zip(MODELS, (VERMILION, BLUE), strict=True))


def ignored_slope(
    slope_sd: float | Sequence[float] = (0.0, 0.15, 0.3, 0.5),
    n_groups: int = 30,
    n_per_group: int = 10,
    *,
    icc: float = 0.2,
    nsim: int = 200,
    alpha: float = 0.05,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Leave out that the effect of a predictor differs between groups.

    Slopes vary between groups around zero. The slope of ``x``, the effect of a predictor ``w`` of
    groups and their interaction ``x:w``, all of them zero, are tested with a random slope and
    without it (Satterthwaite's degrees of freedom).

    Parameters
    ----------
    slope_sd : float or sequence of float
        Standard deviation of the slopes; that of the residuals is 1, that of ``x`` too.
    n_groups, n_per_group : int
        Groups (10 or more) and rows in each (3 or more).
    icc : float
        Intraclass correlation where ``x`` is zero.
    nsim : int
        Data sets for each standard deviation; about 4 ms for each.
    alpha : float
        Level of the tests.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each standard deviation, ``model`` and ``term``: ``n`` tests, the
        share ``rejected``, the Monte Carlo ``std_error`` of that share and its exact interval.

    Raises
    ------
    DataError
        For a number that is no standard deviation, no ICC, no number of rows or groups, or no
        level.

    Notes
    -----
    Schielzeth & Forstmeier (2009), Behav. Ecol. 20, 416-420; Heisig & Schaeffer (2019), Eur.
    Sociol. Rev. 35, 258-279: a cross-level interaction needs the random slope of its lower-level
    predictor.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.ignored_slope(0.5, nsim=20, rng=1)
    >>> list(study.table["term"][:3])
    ['x', 'w', 'x:w']
    """
    deviations = reals("slope_sd", slope_sd, 0.0, np.inf, "a standard deviation, from 0")
    sizes = check_count("n_groups", n_groups, 10), check_count("n_per_group", n_per_group, 3)
    nsim, alpha = check_count("nsim", nsim, 2), check_alpha(alpha)
    icc = share("icc", icc)
    intercept = float(np.sqrt(icc / (1.0 - icc)))
    generator = generator_of(rng)
    parts = []
    for sd in deviations:
        values = replicated(_Slopes(*sizes, intercept, sd), nsim, generator)
        parts.append(_rows(p_values(values), sd, alpha))
    columns = stacked(parts)
    title = (
        f"Type-I errors with and without a random slope at level {alpha:g}: {nsim:,} data sets of "
        f"{n_groups} groups of {n_per_group} in each condition"
    )
    return Study.of(title, columns, _sentences(columns, alpha), partial(_draw, alpha))


@dataclass(frozen=True, slots=True)
class _Slopes:
    """One data set: numbers of the terms by model, shape (2, 3, 3)."""

    n_groups: int
    n_per_group: int
    intercept_sd: float
    slope_sd: float

    def __call__(self, generator: np.random.Generator) -> Float:
        data = draw(
            generator,
            self.n_groups,
            self.n_per_group,
            fixed={"Intercept": 0.0},
            random={"Intercept": self.intercept_sd, "x": self.slope_sd},
            level1=["x"],
            level2=["w"],
        )
        problems = (MixedModel(f"y ~ x * w + {r}", data).problem for r in MODELS.values())
        return np.concatenate([numbers(problem, (MULTILEVEL,))[:, 1:] for problem in problems])


def _rows(p: Float, slope_sd: float, alpha: float) -> Columns:
    """Rows: models, and terms in each; ``p`` has shape (nsim, models, terms)."""
    found = rates(p.reshape(len(p), -1), alpha)
    k = len(MODELS) * len(TERMS)
    return {
        "slope_sd": np.full(k, slope_sd),
        "model": np.repeat(np.array(list(MODELS), dtype=object), len(TERMS)),
        "term": np.tile(np.array(TERMS, dtype=object), len(MODELS)),
        **found,
    }


def _sentences(columns: Columns, alpha: float) -> list[str]:
    """For every term, what both models do where slopes differ most, and where they do not."""
    largest = columns["slope_sd"].max()
    sentences = []
    for term in TERMS:
        found = []
        for model in MODELS:
            own = (columns["term"] == term) & (columns["model"] == model)
            rows = take(columns, own & (columns["slope_sd"] == largest))
            rate, n = rows["rejected"][0], rows["n"][0]
            found.append(f"{percent(rate)} with the {model} ({verdict(rate, n, alpha)})")
        found[0] = found[0].replace("with the slope forgotten", "if the random slope is forgotten")
        sentences.append(
            f"{term}, {_WORDS[term]}: where slopes have a standard deviation of {largest:g}, a "
            f"true hypothesis is rejected in {found[0]} and in {found[1]}."
        )
    return sentences


def _draw(alpha: float, columns: Columns, ax: Any) -> Any:
    """Rates against the standard deviation of the slopes, a panel for each term."""
    panels = new_panels(ax, len(TERMS), columns=3, size=(2.6, 2.6), share_x=True, share_y=True)
    for panel, term in zip(panels, TERMS, strict=True):
        panel.axhline(alpha, color=GREY, linewidth=0.8, linestyle=(0, (1, 1)))
        for model, colour in _COLOURS.items():
            rows = take(columns, (columns["term"] == term) & (columns["model"] == model))
            panel.plot(
                rows["slope_sd"], rows["rejected"], "o-", markersize=4, color=colour, label=model
            )
        dress(panel, "SD of the slopes", "", heading=f"{term}: {_WORDS[term]}")
    panels[0].set_ylim(bottom=0.0)
    panels[0].set_ylabel("true hypotheses rejected", fontsize=9)
    key(panels[1])
    return panels
