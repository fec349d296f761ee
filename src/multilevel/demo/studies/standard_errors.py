"""Standard errors against what they estimate, and Moulton's factor beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.methods import LEAST_SQUARES, MULTILEVEL
from multilevel.demo.predictors import (
    METHODS,
    TERMS,
    Condition,
    describe_term,
    experiment,
    moulton,
)
from multilevel.demo.rates import describe_ratio
from multilevel.demo.sampling import check_count, generator_of, share
from multilevel.demo.study import Study
from multilevel.plot.numbers import take
from multilevel.plot.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    dress,
    key,
    label_rows,
    new_axes,
)

if TYPE_CHECKING:
    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["standard_errors"]

# Precisions that differ by no more than this share are called equal.
_ALIKE = 0.05


def standard_errors(
    icc: float = 0.5,
    n_per_group: int = 5,
    *,
    n_groups: int = 100,
    between: float = 0.5,
    nsim: int = 500,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Ask whether standard errors are as large as the errors are.

    The true standard error is the standard deviation of the estimates over all data sets. Least
    squares that ignores the groups is too sure of what varies between groups and *not sure enough*
    of what varies only within them; Moulton's factor says by how much.

    Parameters
    ----------
    icc : float
        Intraclass correlation of the response.
    n_per_group, n_groups : int
        Size of the groups (2 or more), and their number (10 or more).
    between : float
        Share of the variance of ``x_mixed`` that lies between groups.
    nsim : int
        Data sets; about 3 ms for each.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each predictor (``term``, as in :func:`type_one_error`) and
        ``method``: ``true_sd`` of the estimates, ``mean_std_error`` (root mean square),
        ``ratio`` of the second to the first with its Monte Carlo ``std_error``, and the ratio that
        is ``expected``: one over Moulton's factor for least squares, one for the others.

    Raises
    ------
    DataError
        For a number that is no ICC, or no number of rows or groups.

    Notes
    -----
    Moulton (1986), J. Econometrics 32, 385-397: least squares' standard errors are too small by
    the factor ``sqrt(1 + (n - 1) rho_x rho_y)``, with the intraclass correlations of predictor and
    response. For a predictor without variance between groups ``rho_x`` is ``-1 / (n - 1)``: they
    are too large.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.standard_errors(nsim=20, rng=1)
    >>> list(study.table["term"].unique())
    ['x_within', 'x_individual', 'x_mixed', 'x_group']
    """
    condition = Condition(
        check_count("n_groups", n_groups, 10),
        check_count("n_per_group", n_per_group, 2),
        share("icc", icc),
        share("between", between),
    )
    nsim = check_count("nsim", nsim, 10)
    values = experiment(condition, nsim, generator_of(rng))
    columns = _compare(values, moulton(condition))
    title = (
        f"Standard errors over {nsim:,} data sets of {n_groups} groups of {n_per_group}, "
        f"ICC {condition.icc:g}"
    )
    return Study.of(title, columns, _sentences(columns, condition.between), _draw)


def _compare(values: Float, factor: Float) -> Columns:
    """Rows: terms, and methods in each; ``values`` as of :func:`experiment`."""
    nsim, m, p, _ = values.shape
    true = values[..., 0].std(axis=0, ddof=1).T
    variances = values[..., 1].T ** 2
    stated = np.sqrt(variances.mean(axis=2))
    # the relative error of a standard deviation, and that of the root of a mean
    spread = variances.std(axis=2, ddof=1) / np.sqrt(nsim) / (2.0 * stated**2)
    relative = np.sqrt(1.0 / (2.0 * (nsim - 1)) + spread**2)
    expected = np.ones((p, m))
    expected[:, METHODS.index(LEAST_SQUARES)] = 1.0 / factor
    return {
        "term": np.repeat(np.array(TERMS, dtype=object), m),
        "method": np.tile(np.array(METHODS, dtype=object), p),
        "true_sd": true.ravel(),
        "mean_std_error": stated.ravel(),
        "ratio": (stated / true).ravel(),
        "std_error": (stated / true * relative).ravel(),
        "expected": expected.ravel(),
    }


def _sentences(columns: Columns, between: float) -> list[str]:
    """What least squares does for each predictor, and whether the estimates themselves differ."""
    sentences = []
    for term in TERMS:
        rows = take(columns, columns["term"] == term)
        naive, model = (list(rows["method"]).index(name) for name in (LEAST_SQUARES, MULTILEVEL))
        sizes = [
            describe_ratio(*pair) for pair in zip(rows["ratio"], rows["std_error"], strict=True)
        ]
        factor = 1.0 / rows["expected"][naive]
        gain = rows["true_sd"][naive] / rows["true_sd"][model]
        sentences.append(
            f"{term} ({describe_term(term, between)}): the standard errors of least squares are "
            f"{sizes[naive]}; Moulton's factor, {factor:.2f}, predicts {100.0 / factor:.0f} % of "
            f"the true ones. Those of the multilevel model are {sizes[model]}, and its estimates "
            f"{_precision(gain)}."
        )
    return sentences


def _precision(gain: float) -> str:
    """Precision of the model's estimates against those of least squares."""
    if abs(gain - 1.0) <= _ALIKE:
        return "as precise as those of least squares"
    more = "more" if gain > 1.0 else "less"
    return (
        f"{more} precise (true standard error {100.0 * abs(1.0 - 1.0 / gain):.0f} % "
        f"{'smaller' if gain > 1.0 else 'larger'} than that of least squares)"
    )


def _draw(columns: Columns, ax: Any) -> Any:
    """Ratios of stated to true standard errors, a row for each predictor."""
    ax = new_axes(ax, (5.6, 2.9))
    at = np.arange(len(TERMS), dtype=float)
    ax.axvline(1.0, color=GREY, linewidth=1.0, linestyle="--")
    for k, (method, colour) in enumerate(zip(METHODS, (VERMILION, ORANGE, BLUE), strict=True)):
        rows = take(columns, columns["method"] == method)
        ax.errorbar(
            rows["ratio"],
            at + 0.18 * (k - 1),
            xerr=1.96 * rows["std_error"],
            fmt="o",
            markersize=5,
            color=colour,
            label=method,
        )
        if method == LEAST_SQUARES:
            ax.plot(
                rows["expected"],
                at - 0.18,
                "|",
                color=INK,
                markersize=11,
                label="by Moulton's factor",
            )
    dress(ax, "standard error that is stated / true one", grid="x")
    label_rows(ax, TERMS, "", first="top")
    key(ax, place="above", columns=2)
    return ax
