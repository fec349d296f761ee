"""Step 8, places of single groups in an order, and how uncertain they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, number, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block
    from multilevel.typing import Float, IndexArray
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["rank_intervals", "ranks_part"]

_DRAWS = 2_000
_FEWEST, _MOST = 3, 1_000  # groups that are put in order; among more a place says nothing
_ENDS = 5  # lowest and highest groups that are listed
_REACH = 1.96


def ranks_part(study: Study, fit: LinearMixedModel) -> Part:
    """Places of the groups of every factor by their predicted level, with intervals."""
    blocks: list[Block] = []
    for factor in study.hierarchy.factors:
        if factor.name in fit.n_groups and _FEWEST <= fit.n_groups[factor.name] <= _MOST:
            blocks += _of_factor(study, fit, factor)
    return Part(tuple(blocks))


def rank_intervals(
    values: Float, errors: Float, rng: np.random.Generator, n_draws: int = _DRAWS
) -> tuple[IndexArray, IndexArray]:
    """Simulate the lowest and the highest place of each group, in 95% of draws.

    Parameters
    ----------
    values, errors : ndarray, shape (J,)
        Conditional modes and their standard errors; draws are normal and independent.
    rng : numpy.random.Generator
        Source of the draws.
    n_draws : int
        Number of draws.

    Returns
    -------
    low, high : ndarray, shape (J,)
        Places; 1 is that of the highest value.

    References
    ----------
    Goldstein, H., & Spiegelhalter, D. J. (1996). League tables and their limitations. Journal of
    the Royal Statistical Society, Series A, 159(3), 385-443.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = rank_intervals(np.array([0.0, 9.0]), np.ones(2), np.random.default_rng(0))
    >>> low, high
    (array([2, 1]), array([2, 1]))
    """
    # In order of values, so that names of groups do not matter.
    order = np.argsort(-values, kind="stable")
    draws = rng.normal(values[order], errors[order], (n_draws, len(values)))
    places = np.argsort(np.argsort(-draws, axis=1), axis=1) + 1
    low, high = np.empty((2, len(values)), dtype=np.int64)
    low[order], high[order] = np.quantile(places, [0.025, 0.975], axis=0, method="nearest")
    return low, high


def _of_factor(study: Study, fit: LinearMixedModel, factor: Factor) -> list[Block]:
    """A sentence on places, and those of the lowest and the highest groups."""
    modes = Table.from_data(fit.ranef(factor.name))
    names, labels = (
        column.levels[column.codes] for column in (modes.column("term"), modes.column("level"))
    )
    chosen = names == "Intercept"
    values, errors = (modes.column(name).values[chosen] for name in ("estimate", "std_error"))
    if not len(values) or not np.ptp(values):
        return []
    labels = labels[chosen]
    low, high = rank_intervals(values, errors, np.random.default_rng(study.seed))
    order = np.argsort(-values, kind="stable")
    shown = order if len(order) <= 2 * _ENDS else np.concatenate([order[:_ENDS], order[-_ENDS:]])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    frame = study.frame(
        {
            "level": [str(labels[i]) for i in shown],
            "deviation": values[shown],
            "rank": place[shown],
            "rank_low": low[shown],
            "rank_high": high[shown],
        }
    )
    many = the_groups(factor.label)
    headings = {
        "level": factor.label,
        "deviation": "Predicted deviation",
        "rank": "Place",
        "rank_low": "From",
        "rank_high": "To",
    }
    title = f"Places of {many} by predicted level, with 95% intervals"
    table = DataTable(f"ranks_{factor.name}", title, frame, 0, "1 is the highest.", headings)
    first = order[0]
    width = number(float(np.median(high - low + 1.0)))
    text = (
        f"How sure is an order of the {len(order):,} {many} by their predicted levels? "
        f"{code(str(labels[first]))}, the highest, has a place from {low[first]} to "
        f"{high[first]} in 95% of {_DRAWS:,} simulated orders; the interval of a typical "
        f"{a_group(factor.label)} covers {width} of {len(order):,} places. Of all pairs "
        f"{percent(_apart(values, errors))} can be told apart, each taken as if chosen beforehand "
        "(Goldstein & Spiegelhalter 1996)."
    )
    return [Paragraph(text, f"Places of {many}"), table]


def _apart(values: Float, errors: Float) -> float:
    """The share of pairs whose difference is further from 0 than 1.96 of its standard errors."""
    i, j = np.triu_indices(len(values), 1)
    return float(np.mean(np.abs(values[i] - values[j]) > _REACH * np.hypot(errors[i], errors[j])))
