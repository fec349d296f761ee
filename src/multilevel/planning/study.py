"""Power by simulation."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.datasets.simulate import generator_of
from multilevel.exceptions import DataError, MultilevelWarning, warn
from multilevel.fits.linear import LinearMixedModel
from multilevel.fits.replicates import run_replicates
from multilevel.inference.wald import check_level
from multilevel.planning.estimates import Criteria, estimates
from multilevel.planning.pilot import pilot_truth
from multilevel.planning.replicate import Replicate, check_design
from multilevel.planning.result import Power
from multilevel.planning.sizes import check_size, listed
from multilevel.planning.stated import stated_truth
from multilevel.planning.truth import read_effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.planning.truth import Effects, Truth

__all__ = ["power"]


def power(
    model: Mapping[str, Any] | LinearMixedModel,
    effect: str | Sequence[str] | Mapping[str, float],
    *,
    n_groups: Any = None,
    n_per_group: Any = None,
    nsim: int = 1000,
    alpha: float = 0.05,
    df_method: DfMethod | None = None,
    formula: str | None = None,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Power:
    """Power and precision of a multilevel design, by simulation.

    Data are drawn from a model, the model is fitted to them and the effect is tested, again and
    again; power is the share of data sets in which the test is significant.

    Parameters
    ----------
    model : mapping or LinearMixedModel
        The truth. Either a model that you state, a mapping with keywords of
        :func:`multilevel.simulate_multilevel` (``fixed``, ``random``, ``sigma`` or ``icc``,
        ``level1``, ``level2``, ...): predictors are then drawn anew for every data set. Or a fit
        to pilot data, which gives all parameters that ``effect`` does not; groups of another
        number are drawn with replacement from those of the pilot data, and rows from those of
        their group, with their predictors.
    effect : str, sequence of str, or mapping of str to float
        Coefficients to test, such as ``"ses:resources"``. A mapping also states their true values,
        ``{"ses:resources": 0.5}``; otherwise these are as stated in ``model`` (zero if they are
        not), or the estimates of the pilot fit.
    n_groups, n_per_group : int or list of int, optional
        Sizes as in :func:`multilevel.simulate_multilevel`; every combination of those in lists is
        simulated. With pilot data None keeps what they have; if both are None, their rows are
        used as they are.
    nsim : int
        Data sets of every design, 2 or more. The error of a power of 0.8 is 0.013 with 1000.
    alpha : float
        Level of the two-sided t tests.
    df_method : str, optional
        Degrees of freedom of the tests, as in :meth:`multilevel.LinearMixedModel.tidy`;
        Satterthwaite's by default.
    formula : str, optional
        The model to fit, to see what fitting another than the true one does. By default the true
        one: of a stated model all predictors, the interactions stated or tested with those of
        their parts, and the random effects as stated, with their correlations.
    level : float
        Level of the intervals of the power, for the error of the simulation.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness; the same seed gives the same result, whatever `n_jobs` is.
    n_jobs : int, optional
        Number of workers, as in :meth:`multilevel.LinearMixedModel.bootstrap`.
    progress : bool
        Show a progress bar for every design.

    Returns
    -------
    Power
        ``.table``, ``.needed()``; :func:`multilevel.plot.power` draws it.

    Raises
    ------
    DataError
        If the model, an effect or a size cannot be used; the message says what to change.
    NotSupportedError
        For designs that cannot be drawn from pilot data: other sizes with crossed groups or with
        another formula.
    ConvergenceError
        If fewer than two data sets of a design can be analysed.

    Warns
    -----
    MultilevelWarning
        If the analysis of a data set failed. Such a data set counts as not significant.

    Examples
    --------
    Does the effect of SES depend on the resources of a school? 1000 studies of 50 schools:

    >>> import multilevel as mlm
    >>> truth = {
    ...     "fixed": {"Intercept": 50, "ses": 2, "resources": 3, "ses:resources": 0.8},
    ...     "level1": ["ses"],
    ...     "level2": ["resources"],
    ...     "random": {"Intercept": 4, "ses": 1, ("Intercept", "ses"): 0.3},
    ...     "sigma": 6,
    ... }
    >>> found = mlm.power(truth, "ses:resources", n_groups=50, n_per_group=20, rng=1)
    >>> row = found.table.iloc[0]
    >>> print(f"{row['power']:.2f} +- {row['mc_error']:.2f}")
    0.88 +- 0.01
    """
    if check_size("nsim", nsim) < 2:
        raise DataError("nsim must be 2 data sets or more.")
    check_level(level)
    if not isinstance(alpha, float) or not 0.0 < alpha < 1.0:
        raise DataError(f"alpha, the level of the tests, must be between 0 and 1; got {alpha!r}.")
    truth = _read_truth(model, read_effects(effect), formula)
    criteria, generator = Criteria(nsim, alpha, level), generator_of(rng)
    designs = [
        (groups, rows)
        for rows in listed("n_per_group", n_per_group)
        for groups in listed("n_groups", n_groups)
    ]
    work = [Replicate(truth.design(*size), truth.terms, truth.reml, df_method) for size in designs]
    sizes = [truth.sizes(*size) for size in designs]
    if any(sizes.count(size) > 1 for size in sizes):
        raise DataError("Two designs have the same expected sizes: call power() once for each.")
    with warnings.catch_warnings(action="ignore", category=MultilevelWarning):
        methods = [check_design(replicate) for replicate in work]
    parts: list[dict[str, Any]] = []
    failures: Counter[str] = Counter()
    for replicate, size in zip(work, sizes, strict=True):
        with warnings.catch_warnings(action="ignore", category=MultilevelWarning):
            done = run_replicates(replicate, nsim, rng=generator, n_jobs=n_jobs, progress=progress)
        failures.update(done.failures)
        labels = {"term": np.array(truth.terms, dtype=object), **size}
        parts.append(labels | estimates(done.values, truth.effects, criteria))
    if failures:
        warn(_told(failures, nsim * len(designs)), MultilevelWarning)
    return Power(
        truth.formula, methods[0], nsim, alpha, level, dict(failures.most_common()), truth.notes,
        _columns=_stacked(parts, len(truth.terms)), _like=truth.table,
    )  # fmt: skip


def _read_truth(model: Any, asked: Effects, formula: str | None) -> Truth:
    if isinstance(model, Mapping):
        return stated_truth(model, asked, formula)
    if isinstance(model, LinearMixedModel):
        return pilot_truth(model, asked, formula)
    raise DataError(
        "model must be a mapping with keywords of simulate_multilevel, such as {'fixed': "
        f"{{'Intercept': 0, 'x': 0.3}}, 'level1': ['x'], 'icc': 0.1}}, or a fit; got {model!r}."
    )


def _told(failures: Counter[str], n: int) -> str:
    reason, count = failures.most_common(1)[0]
    return (
        f"The analysis of {failures.total()} of {n} data sets failed; they count as not "
        f"significant. The most frequent reason, {count} times: {reason}"
    )


def _stacked(parts: list[dict[str, Any]], k: int) -> dict[str, Any]:
    """Columns of all designs below each other; sizes are repeated for every coefficient."""
    return {
        name: np.concatenate([np.broadcast_to(part[name], k) for part in parts])
        for name in parts[0]
    }
