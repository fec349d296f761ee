"""The bootstrap: running it, and its result with tables and intervals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.replicates import (
    ReplicateFailed,
    check_n,
    run_replicates,
    runs_in_parallel,
)
from multilevel.fits.statistics import (
    CaseRefit,
    Parameters,
    ResponseRefit,
    UserStatistic,
    refitted,
)
from multilevel.inference.bootstrap_intervals import (
    IntervalMethod,
    acceleration,
    bias_and_error,
    bootstrap_intervals,
)
from multilevel.prediction.cases import case_scheme, top_factor, without_group
from multilevel.prediction.resample import parametric_scheme, residual_scheme, wild_scheme
from multilevel.solver.linear import LinearProblem
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.replicates import Work
    from multilevel.fits.statistics import Statistic
    from multilevel.fits.testing import FitTesting
    from multilevel.prediction.resample import ResponseScheme, WildScheme
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = ["Bootstrap", "BootstrapMethod", "run_bootstrap"]

BootstrapMethod = Literal["parametric", "residual", "case", "wild"]


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap:
    """Bootstrap replicates of statistics of a fit.

    Made by :meth:`multilevel.LinearMixedModel.bootstrap`.

    Attributes
    ----------
    method : {"parametric", "residual", "case", "wild"}
        How the data were drawn.
    names : tuple of str, length s
        Names of the statistics.
    estimates : ndarray, shape (s,)
        The statistics of the fit.
    replicates : ndarray, shape (n_ok, s)
        Those of the replicates that did not fail. A statistic that is not defined in a replicate
        (a correlation with an effect whose variance is zero) is NaN there.
    failures : mapping of str to int
        Why replicates failed, and how many did so.
    """

    method: BootstrapMethod
    names: tuple[str, ...]
    estimates: Float
    replicates: Float
    failures: Mapping[str, int]
    _fit: FitTesting = field(kw_only=True)
    _statistic: Statistic = field(kw_only=True)
    _top: int | None = field(kw_only=True)

    @property
    def n_failed(self) -> int:
        """Number of replicates that failed."""
        return sum(self.failures.values())

    def __repr__(self) -> str:
        n = len(self.replicates) + self.n_failed
        reasons = "".join(f"; {count} times: {reason}" for reason, count in self.failures.items())
        return (
            f"<Bootstrap of {self._fit.formula!r}: {n} {self.method} replicates of "
            f"{len(self.names)} statistics, {self.n_failed} failed{reasons}>"
        )

    def tidy(self) -> Any:
        """Tabulate estimates, bias and standard errors.

        Returns
        -------
        data frame
            ``effect, group, term`` (of a statistic of your own only ``term``), ``estimate``,
            ``bias`` (mean of the replicates minus estimate), ``std_error`` (their standard
            deviation), ``n_replicates`` (in which the statistic is defined).
        """
        bias, error, n = bias_and_error(self.estimates, self.replicates)
        columns = {"bias": bias, "std_error": error, "n_replicates": n}
        return self._fit._emit({**self._statistic.labels, "estimate": self.estimates, **columns})

    def confint(self, *, level: float = 0.95, method: IntervalMethod = "percentile") -> Any:
        """Tabulate confidence intervals.

        Parameters
        ----------
        level : float
            Confidence level.
        method : {"percentile", "basic", "normal", "bca"}
            Quantiles of the replicates; those reflected at the estimate; the estimate less its
            bias plus and minus normal quantiles times the standard error; or bias-corrected and
            accelerated quantiles, the acceleration by the jackknife over the groups of the top
            level (Efron 1987), for which the model is fitted once without each group.

        Returns
        -------
        data frame
            ``effect, group, term`` (of a statistic of your own only ``term``), ``estimate``,
            ``conf_low``, ``conf_high``, ``method``, ``n_replicates``. Bounds are NaN where they
            are not defined.

        Raises
        ------
        NotSupportedError
            For BCa with crossed grouping factors, which have no top level.
        DataError
            For BCa, if the model cannot be fitted without some group.
        """
        low, high = self.bounds(level, method)
        return self._fit._emit(
            {
                **self._statistic.labels,
                "estimate": self.estimates,
                "conf_low": low,
                "conf_high": high,
                "method": [method] * len(self.names),
                "n_replicates": np.isfinite(self.replicates).sum(axis=0),
            }
        )

    def bounds(self, level: float, method: IntervalMethod) -> tuple[Float, Float]:
        """Lower and upper bounds of all statistics; see :meth:`confint`."""
        check_option("method", method, IntervalMethod)
        given = self._accelerations if method == "bca" else None
        return bootstrap_intervals(self.estimates, self.replicates, level, method, given)

    @cached_property
    def _accelerations(self) -> Float:
        matrices, top = self._fit.model.matrices, self._top
        if top is None:
            top = top_factor(matrices, "Use method='percentile', 'basic' or 'normal'.")
        codes, labels = _clusters(matrices, top)
        rows = [self._without(codes, group, label) for group, label in enumerate(labels)]
        return acceleration(np.array(rows))

    def _without(self, codes: Int, group: int, label: Any) -> Float:
        """The statistics of the model fitted without a group."""
        fit = self._fit
        try:
            rest = without_group(fit.model.matrices, codes, group)
            problem = LinearProblem.from_matrices(rest, fit.model._control)
            return self._statistic(problem, refitted(problem, fit.reml), new_rows=True)
        except (DataError, ReplicateFailed) as error:
            raise DataError(
                f"BCa intervals need the model fitted without each group; without {label!s} that "
                f"fails ({error}) Use method='percentile', 'basic' or 'normal'."
            ) from error


def run_bootstrap(
    fit: FitTesting,
    n: int,
    method: BootstrapMethod,
    statistic: Callable[[Any], Any] | None,
    resample: Sequence[str] | None,
    *,
    rng: int | np.random.Generator | None,
    n_jobs: int | None,
    progress: bool,
) -> Bootstrap:
    """Bootstrap a fit; see :meth:`multilevel.LinearMixedModel.bootstrap`."""
    check_n(n)
    check_option("method", method, BootstrapMethod)
    if resample is not None and method != "case":
        raise ValueError(f"resample is for method='case'; the method is {method!r}.")
    matrices, problem, control = fit.model.matrices, fit.model.problem, fit.model._control
    if runs_in_parallel(n_jobs):  # one thread for each worker
        control = replace(control, threads=1)
        problem = LinearProblem.from_matrices(matrices, control)
    kind: Statistic = (
        Parameters(matrices, fit.state) if statistic is None else UserStatistic(statistic, fit)
    )
    top: int | None = None
    work: Work
    if method == "case":
        cases = case_scheme(matrices, resample)
        top = cases.path[0] if cases.path else None
        work = CaseRefit(cases, control, fit.reml, kind)
    else:
        scheme = _SCHEMES[method](matrices, fit.state)
        work = ResponseRefit(problem, scheme, fit.reml, kind)
    done = run_replicates(work, n, rng=rng, n_jobs=n_jobs, progress=progress)
    return Bootstrap(
        method, kind.names, kind.estimates, done.values, done.failures,
        _fit=fit, _statistic=kind, _top=top,
    )  # fmt: skip


def _wild(matrices: ModelMatrices, state: FitState) -> WildScheme:
    top = top_factor(matrices, "Use method='parametric' or 'residual'.")
    codes, labels = _clusters(matrices, top)
    return wild_scheme(matrices, state, codes, len(labels))


def _clusters(matrices: ModelMatrices, top: int | None) -> tuple[Int, npt.NDArray[np.generic]]:
    """Codes and labels of the groups of the top level; rows without random effects."""
    if top is None:
        rows = np.arange(matrices.n_rows, dtype=np.int32)
        return rows, rows
    return matrices.factors[top].codes, matrices.factors[top].levels


_SCHEMES: dict[str, Callable[[ModelMatrices, FitState], ResponseScheme]] = {
    "parametric": parametric_scheme,
    "residual": residual_scheme,
    "wild": _wild,
}
