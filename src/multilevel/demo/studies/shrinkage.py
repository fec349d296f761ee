"""Means of groups: as they are, shrunken, or all alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.sampling import (
    GROUP,
    check_count,
    counts,
    draw,
    generator_of,
    replicated,
    share,
)
from multilevel.demo.study import Study
from multilevel.fits.model import MixedModel
from multilevel.plot.numbers import take
from multilevel.plot.style import BLUE, GREY, VERMILION, dress, key, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.solver.linear import LinearProblem
    from multilevel.typing import Float, IndexArray

    Columns = dict[str, Any]

__all__ = ["shrinkage"]

RAW, SHRUNKEN, OVERALL = "raw mean", "EB prediction", "overall mean"
METHODS = (RAW, SHRUNKEN, OVERALL)
_TICKS = [digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)]
_COLOURS = dict(zip(METHODS, (VERMILION, BLUE, GREY), strict=True))


def shrinkage(
    n_per_group: int | Sequence[int] = (2, 5, 10, 20, 50),
    *,
    groups_per_size: int = 20,
    icc: float = 0.2,
    nsim: int = 200,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Ask whether the raw or the shrunken mean of a group is nearer to the truth.

    Each data set has groups of all sizes. The mean of every group is estimated by its raw mean (no
    pooling), by the empirical-Bayes (EB) prediction of a random-intercept model (partial pooling),
    and by the mean of all rows (complete pooling).

    Parameters
    ----------
    n_per_group : int or sequence of int
        Sizes of groups.
    groups_per_size : int
        Groups of each size, 10 or more.
    icc : float
        Intraclass correlation.
    nsim : int
        Data sets; less than 1 ms for each.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each size and ``method``: the ``reliability`` of a raw mean, the
        mean squared error ``mse`` (variance of the response: 1) with its Monte Carlo
        ``std_error``, and the one that is ``expected`` were the variances known.

    Raises
    ------
    DataError
        For a number that is no ICC, or no number of rows or groups.

    Notes
    -----
    With known variances the mean squared errors are ``sigma2 / n``, ``lambda sigma2 / n`` and
    ``tau2`` with the reliability ``lambda = tau2 / (tau2 + sigma2 / n)`` (Raudenbush & Bryk 2002,
    ch. 3; Efron & Morris 1975, J. Am. Stat. Assoc. 70, 311-319). Shrinkage is better *on average*
    over groups; the mean of an unusual group is pulled to the others.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.shrinkage(5, nsim=10, rng=1)
    >>> list(study.table["method"])
    ['raw mean', 'EB prediction', 'overall mean']
    """
    sizes = counts("n_per_group", n_per_group, 1)
    if sizes == [1]:
        sizes = [check_count("n_per_group, unless there are other sizes,", 1, 2)]
    groups = check_count("groups_per_size", groups_per_size, 10)
    icc, nsim = share("icc", icc), check_count("nsim", nsim, 2)
    each = np.repeat(sizes, groups)
    generator = generator_of(rng)
    work = _Estimates.of(each, icc, generator)
    errors = replicated(work, nsim, generator).reshape(nsim, len(METHODS), len(sizes), groups)
    columns = _rows(errors.mean(axis=3), np.array(sizes, dtype=float), icc)
    title = (
        f"Errors of group means over {nsim:,} data sets of {len(each)} groups, ICC {icc:g}, "
        "variance of the response 1"
    )
    return Study.of(title, columns, _sentences(columns), partial(_draw, icc))


@dataclass(frozen=True, slots=True)
class _Estimates:
    """One data set: squared errors of the estimates of every group's mean, (3, groups)."""

    problem: LinearProblem
    codes: IndexArray
    sizes: IndexArray
    icc: float

    @classmethod
    def of(cls, sizes: IndexArray, icc: float, generator: np.random.Generator) -> _Estimates:
        data = draw(generator, len(sizes), list(sizes), fixed={"Intercept": 0.0})
        problem = MixedModel(f"y ~ 1 + (1 | {GROUP})", data).problem
        return cls(problem, data[GROUP] - 1, sizes, icc)

    def __call__(self, generator: np.random.Generator) -> Float:
        true = np.sqrt(self.icc) * generator.standard_normal(len(self.sizes))
        noise = np.sqrt(1.0 - self.icc) * generator.standard_normal(len(self.codes))
        y = true[self.codes] + noise
        state = self.problem.with_response(y).fit(reml=True)
        raw = np.bincount(self.codes, y) / self.sizes
        shrunken = state.beta[0] + state.terms[0].modes[:, 0]
        overall = np.full(len(raw), y.mean())
        errors: Float = np.array([raw, shrunken, overall]) - true
        return errors**2


def _rows(errors: Float, sizes: Float, icc: float) -> Columns:
    """Rows: sizes, and methods in each; ``errors`` has shape (nsim, methods, sizes)."""
    m, k = errors.shape[1:]
    reliability = icc / (icc + (1.0 - icc) / sizes)
    raw = (1.0 - icc) / sizes
    expected = np.array([raw, reliability * raw, np.full(k, icc)])
    return {
        "n_per_group": np.repeat(sizes.astype(int), m),
        "method": np.tile(np.array(METHODS, dtype=object), k),
        "reliability": np.repeat(reliability, m),
        "mse": errors.mean(axis=0).T.ravel(),
        "std_error": errors.std(axis=0, ddof=1).T.ravel() / np.sqrt(len(errors)),
        "expected": expected.T.ravel(),
    }


def _sentences(columns: Columns) -> list[str]:
    """Who is nearer for the smallest and the largest groups, and how often shrinkage wins."""
    sizes = np.unique(columns["n_per_group"])
    sentences = [_at(columns, size) for size in dict.fromkeys((sizes[0], sizes[-1]))]
    best = [_best(columns, size) for size in sizes]
    return [
        *sentences,
        f"The {SHRUNKEN} had the smallest mean squared error for {best.count(SHRUNKEN)} of "
        f"{len(sizes)} sizes of groups, the {RAW} for {best.count(RAW)}, the {OVERALL} for "
        f"{best.count(OVERALL)}.",
    ]


def _at(columns: Columns, size: int) -> str:
    rows = take(columns, columns["n_per_group"] == size)
    raw, shrunken, overall = rows["mse"]
    change = shrunken / raw - 1.0
    return (
        f"Groups of {size} (reliability {rows['reliability'][0]:.2f}): the mean squared error of "
        f"the {SHRUNKEN} is {100.0 * abs(change):.0f} % {'below' if change < 0.0 else 'above'} "
        f"that of the {RAW} ({shrunken:.3f} and {raw:.3f}); that of the {OVERALL} is {overall:.3f}."
    )


def _best(columns: Columns, size: int) -> str:
    rows = take(columns, columns["n_per_group"] == size)
    return str(rows["method"][np.argmin(rows["mse"])])


def _draw(icc: float, columns: Columns, ax: Any) -> Any:
    """Mean squared errors against the size of the groups, on logarithmic scales."""
    ax = new_axes(ax)
    sizes = np.unique(columns["n_per_group"])
    for method in METHODS:
        rows = take(columns, columns["method"] == method)
        ax.errorbar(
            sizes,
            rows["mse"],
            yerr=1.96 * rows["std_error"],
            fmt="o-",
            markersize=4,
            color=_COLOURS[method],
            label=method,
        )
    ax.set(xscale="log", yscale="log", xticks=sizes, xticklabels=[str(size) for size in sizes])
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in _TICKS if low <= tick <= high])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    dress(ax, "rows in the group", "mean squared error", heading=f"Group means, ICC {icc:g}")
    key(ax)
    return ax
