"""Tests of an effect of groups when groups are few."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.methods import (
    KENWARD_ROGER,
    LEAST_SQUARES,
    MULTILEVEL,
    NORMAL,
    numbers,
    p_values,
)
from multilevel.demo.rates import percent, rates, verdict
from multilevel.demo.sampling import (
    GROUP,
    check_alpha,
    check_count,
    counts,
    draw,
    generator_of,
    replicated,
    share,
)
from multilevel.demo.study import Study
from multilevel.fits.model import MixedModel
from multilevel.plot.numbers import stacked, take
from multilevel.plot.style import BLUE, GREEN, GREY, ORANGE, VERMILION, dress, key, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.solver.linear import LinearProblem
    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["few_groups"]

_TESTS = (LEAST_SQUARES, NORMAL, MULTILEVEL, KENWARD_ROGER)
# Tables and figures say which degrees of freedom "multilevel" has here.
METHODS = (LEAST_SQUARES, NORMAL, "multilevel, Satterthwaite", KENWARD_ROGER)
_COLOURS = dict(zip(METHODS, (VERMILION, ORANGE, BLUE, GREEN), strict=True))

# Kenward and Roger's tests are often those of Satterthwaite: both must be seen.
_LINES = dict(zip(METHODS, ("o-", "o-", "o-", "s:"), strict=True))


def few_groups(
    n_groups: int | Sequence[int] = (5, 8, 10, 20, 50),
    n_per_group: int = 20,
    *,
    icc: float = 0.2,
    nsim: int = 300,
    alpha: float = 0.05,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Ask how many groups a test of a treatment of whole groups needs.

    Every other group is treated, the treatment does nothing, and its effect is tested by least
    squares that ignores the groups, and by a multilevel model with z tests and with the degrees of
    freedom of Satterthwaite and of Kenward and Roger.

    Parameters
    ----------
    n_groups : int or sequence of int
        Numbers of groups, 4 or more.
    n_per_group : int
        Size of the groups.
    icc : float
        Intraclass correlation.
    nsim : int
        Data sets for each number of groups; about 2 ms for each.
    alpha : float
        Level of the tests.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each number of groups and ``method``: ``n`` tests, the share
        ``rejected``, the Monte Carlo ``std_error`` of that share and its exact interval.

    Raises
    ------
    DataError
        For a number that is no ICC, no number of rows or groups, or no level.

    Examples
    --------
    >>> import multilevel as mlm
    >>> mlm.demo.few_groups(6, nsim=20, rng=1).table.shape
    (4, 7)
    """
    numbers_of_groups = counts("n_groups", n_groups, 4)
    size, icc = check_count("n_per_group", n_per_group, 2), share("icc", icc)
    nsim, alpha = check_count("nsim", nsim, 2), check_alpha(alpha)
    generator = generator_of(rng)
    parts = []
    for groups in numbers_of_groups:
        values = replicated(_Trial.of(groups, size, icc, generator), nsim, generator)
        found = rates(p_values(values)[..., 0], alpha)
        parts.append(
            {
                "n_groups": np.full(len(METHODS), groups),
                "method": np.array(METHODS, dtype=object),
                **found,
            }
        )
    columns = stacked(parts)
    title = (
        f"Type-I errors of a treatment of groups at level {alpha:g}: {nsim:,} data sets for each "
        f"number of groups, {size} rows in a group, ICC {icc:g}"
    )
    return Study.of(title, columns, _sentences(columns, alpha), partial(_draw, alpha))


@dataclass(frozen=True, slots=True)
class _Trial:
    """A trial in which every other group is treated: the same design, a new response each time."""

    problem: LinearProblem
    n_groups: int
    n_per_group: int
    icc: float

    @classmethod
    def of(
        cls, n_groups: int, n_per_group: int, icc: float, generator: np.random.Generator
    ) -> _Trial:
        data = draw(generator, n_groups, n_per_group, fixed={"Intercept": 0.0}, icc=icc)
        data["treated"] = (data[GROUP] % 2).astype(float)
        problem = MixedModel(f"y ~ treated + (1 | {GROUP})", data).problem
        return cls(problem, n_groups, n_per_group, icc)

    def __call__(self, generator: np.random.Generator) -> Float:
        sizes = (self.n_groups, self.n_per_group)
        data = draw(generator, *sizes, fixed={"Intercept": 0.0}, icc=self.icc)
        return numbers(self.problem.with_response(data["y"]), _TESTS)[:, 1:]


def _sentences(columns: Columns, alpha: float) -> list[str]:
    """A sentence for each method: where it goes wrong, and from how many groups on it is right."""
    return [_of_method(take(columns, columns["method"] == name), name, alpha) for name in METHODS]


def _of_method(rows: Columns, method: str, alpha: float) -> str:
    groups, found = rows["n_groups"], rows["rejected"]
    verdicts = [verdict(rate, n, alpha) for rate, n in zip(found, rows["n"], strict=True)]
    ends = dict.fromkeys((0, len(groups) - 1))
    with_ = " and ".join(
        f"{percent(found[k])} with {groups[k]} groups ({verdicts[k]})" for k in ends
    )
    wrong = [str(groups[k]) for k, word in enumerate(verdicts) if word == "too often"]
    after = f"too often with {', '.join(wrong)} groups" if wrong else "nowhere clearly too often"
    return f"{method}: a treatment without effect is found in {with_}; {after}."


def _draw(alpha: float, columns: Columns, ax: Any) -> Any:
    """Rates against the number of groups, a line for each method."""
    ax = new_axes(ax)
    groups = np.unique(columns["n_groups"])
    ax.axhline(alpha, color=GREY, linewidth=0.8, linestyle=(0, (1, 1)))
    for method in METHODS:
        rows = take(columns, columns["method"] == method)
        ax.plot(
            groups,
            rows["rejected"],
            _LINES[method],
            markersize=4,
            color=_COLOURS[method],
            label=method,
        )
    ax.set(xscale="log", xticks=groups, xticklabels=[str(n) for n in groups])
    ax.minorticks_off()
    ax.set_ylim(bottom=0.0)
    dress(ax, "groups", "true hypotheses rejected")
    key(ax)
    return ax
