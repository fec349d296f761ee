"""Type-I errors of least squares, with and without robust errors, and of a multilevel model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.methods import LEAST_SQUARES, p_values
from multilevel.demo.predictors import METHODS, TERMS, Condition, describe_term, experiment
from multilevel.demo.rates import percent, rates, verdict
from multilevel.demo.sampling import check_alpha, check_count, counts, generator_of, share, shares
from multilevel.demo.study import Study
from multilevel.plot.numbers import stacked, take
from multilevel.plot.style import BLUE, GREY, ORANGE, VERMILION, dress, key, new_panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    Columns = dict[str, Any]

__all__ = ["type_one_error"]

_COLOURS = dict(zip(METHODS, (VERMILION, ORANGE, BLUE), strict=True))
_LINES = ("-", "--", ":", "-.")


def type_one_error(
    icc: float | Sequence[float] = (0.0, 0.1, 0.3, 0.5),
    n_per_group: int | Sequence[int] = (5, 20),
    *,
    n_groups: int = 50,
    between: float = 0.5,
    nsim: int = 200,
    alpha: float = 0.05,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Ask how often an effect is found that is not there.

    Data are drawn in which groups differ and no predictor has an effect; all predictors are then
    tested at level ``alpha``, by least squares that ignores the groups, by least squares with
    cluster-robust standard errors (CR2), and by a multilevel model (Satterthwaite's degrees of
    freedom). A sound test rejects in a share ``alpha`` of all data sets, whatever the ICC.

    Parameters
    ----------
    icc : float or sequence of float
        Intraclass correlations of the response.
    n_per_group : int or sequence of int
        Sizes of the groups.
    n_groups : int
        Number of groups, 10 or more.
    between : float
        Share of the variance of ``x_mixed`` that lies between groups.
    nsim : int
        Data sets for each pair of ``icc`` and ``n_per_group``; about 3 ms for each.
    alpha : float
        Level of the tests.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each condition, predictor (``term``) and ``method``: ``n`` tests,
        the share ``rejected``, the Monte Carlo ``std_error`` of that share and its exact interval.
        Predictors: ``x_within`` varies only within groups, ``x_individual`` is drawn alike in all
        groups, ``x_mixed`` has a share ``between`` of its variance between groups, ``x_group``
        belongs to the group.

    Raises
    ------
    DataError
        For a number that is no ICC, no number of rows or groups, or no level.

    Notes
    -----
    What matters is not the level of a predictor but how much of its variance lies between groups
    (Ntani et al. 2021, BMC Med. Res. Methodol. 21, 139): see :func:`standard_errors`.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.type_one_error(0.5, 5, nsim=20, rng=1)
    >>> study.table.shape
    (12, 9)
    """
    iccs, sizes = shares("icc", icc), counts("n_per_group", n_per_group, 2)
    n_groups, nsim = check_count("n_groups", n_groups, 10), check_count("nsim", nsim, 2)
    mixed, alpha = share("between", between), check_alpha(alpha)
    generator = generator_of(rng)
    conditions = [Condition(n_groups, n, rho, mixed) for n in sizes for rho in iccs]
    columns = stacked([_rates_of(one, nsim, alpha, generator) for one in conditions])
    title = (
        f"Type-I errors at level {alpha:g}: {nsim:,} data sets of {n_groups} groups in each "
        "condition, no predictor has an effect"
    )
    return Study.of(title, columns, _sentences(columns, alpha, mixed), partial(_draw, alpha, mixed))


def _rates_of(
    condition: Condition, nsim: int, alpha: float, generator: np.random.Generator
) -> Columns:
    """Rows of a condition: terms, and methods in each."""
    p = p_values(experiment(condition, nsim, generator)).transpose(0, 2, 1).reshape(nsim, -1)
    return {
        "icc": np.full(p.shape[1], condition.icc),
        "n_per_group": np.full(p.shape[1], condition.n_per_group),
        "term": np.repeat(np.array(TERMS, dtype=object), len(METHODS)),
        "method": np.tile(np.array(METHODS, dtype=object), len(TERMS)),
        **rates(p, alpha),
    }


def _sentences(columns: Columns, alpha: float, between: float) -> list[str]:
    """A sentence for each predictor about where least squares is farthest off, and a summary."""
    sentences = []
    for term in TERMS:
        naive = take(columns, (columns["term"] == term) & (columns["method"] == LEAST_SQUARES))
        worst = int(np.argmax(np.abs(naive["rejected"] - alpha)))
        icc, size = naive["icc"][worst], naive["n_per_group"][worst]
        here = (columns["term"] == term) & (columns["icc"] == icc)
        here &= columns["n_per_group"] == size
        found = ", ".join(
            f"{method} in {percent(rate)} ({verdict(rate, n, alpha)})"
            for method, rate, n in zip(
                columns["method"][here], columns["rejected"][here], columns["n"][here], strict=True
            )
        )
        sentences.append(
            f"{term} ({describe_term(term, between)}): at an ICC of {icc:g} with {size} rows in "
            f"each group a true hypothesis was rejected by {found}."
        )
    return [*sentences, *(_summary(columns, method, alpha) for method in METHODS)]


def _summary(columns: Columns, method: str, alpha: float) -> str:
    """In how many conditions a method rejected too often, or too seldom."""
    own = take(columns, columns["method"] == method)
    pairs = list(zip(own["rejected"], own["n"], strict=True))
    verdicts = [verdict(rate, n, alpha, among=len(pairs)) for rate, n in pairs]
    often, seldom = verdicts.count("too often"), verdicts.count("too seldom")
    return (
        f"Over all {len(verdicts)} tests {method} rejected too often in {often} and too seldom in "
        f"{seldom}, beyond what chance explains in so many."
    )


def _draw(alpha: float, between: float, columns: Columns, ax: Any) -> Any:
    """Rates against the ICC: a panel for each predictor, a line for each method and size."""
    panels = new_panels(ax, len(TERMS), columns=2, size=(3.3, 2.7), share_x=True, share_y=True)
    for panel, term in zip(panels, TERMS, strict=True):
        panel.axhline(alpha, color=GREY, linewidth=0.8, linestyle=(0, (1, 1)))
        for line, size in enumerate(np.unique(columns["n_per_group"])):
            for method in METHODS:
                own = (columns["term"] == term) & (columns["method"] == method)
                rows = take(columns, own & (columns["n_per_group"] == size))
                panel.plot(
                    rows["icc"],
                    rows["rejected"],
                    color=_COLOURS[method],
                    linestyle=_LINES[line % len(_LINES)],
                    marker="o",
                    markersize=3.5,
                    label=f"{method}, {size} per group",
                )
        dress(panel, "ICC", "", heading=_heading(term, between))
    panels[0].set_ylim(bottom=0.0)
    for left in panels[::2]:
        left.set_ylabel("true hypotheses rejected", fontsize=9)
    key(panels[0], place="upper left")
    return panels


def _heading(term: str, between: float) -> str:
    return f"{term}: {describe_term(term, between)}"
