"""Statistics of replicates: the parameters of the model, or a function of the user's."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from multilevel.design.newdata import GroupLevels
from multilevel.exceptions import MultilevelError
from multilevel.fits.replicates import ReplicateFailed
from multilevel.frames.table import Table
from multilevel.inference.varcomp import variance_components
from multilevel.report.tidy import tidy_parameters
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.design.build import Design
    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.testing import FitTesting
    from multilevel.prediction.cases import CaseScheme
    from multilevel.prediction.resample import ResponseScheme
    from multilevel.report.tidy import Columns
    from multilevel.solver.optimize import Control
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = [
    "CaseRefit",
    "Parameters",
    "ResponseRefit",
    "Statistic",
    "UserStatistic",
    "refitted",
]

_NOT_CONVERGED = "the optimiser stopped before its criterion was met"


class Statistic(Protocol):
    """What is computed from every replicate.

    Attributes
    ----------
    names : tuple of str, length s
        Names of the values.
    labels : dict of str to list
        Columns that tell the values apart in a table.
    estimates : ndarray, shape (s,)
        The values of the fit.
    """

    names: tuple[str, ...]
    labels: Columns
    estimates: Float

    def __call__(self, problem: LinearProblem, state: FitState, *, new_rows: bool) -> Float:
        """Values for a fitted problem, shape (s,); ``new_rows`` if it has not the fit's rows."""
        ...


class Parameters:
    """Fixed effects; standard deviations and correlations of the random effects; sigma."""

    def __init__(self, matrices: ModelMatrices, state: FitState) -> None:
        random = tidy_parameters(matrices, state)
        fixed = list(matrices.coef_names)
        marks = [
            term if group == "Residual" else f"{term}|{group}"
            for group, term in zip(random["group"], random["term"], strict=True)
        ]
        self.names: tuple[str, ...] = (*fixed, *marks)
        self.labels: Columns = {
            "effect": ["fixed"] * len(fixed) + ["ran_pars"] * len(marks),
            "group": [None] * len(fixed) + random["group"],
            "term": fixed + random["term"],
        }
        self.estimates = self._values(matrices, state)

    def __call__(self, problem: LinearProblem, state: FitState, *, new_rows: bool) -> Float:
        """Values for a fitted problem; NaN for dropped columns and undefined correlations."""
        return self._values(problem.matrices, state)

    def _values(self, matrices: ModelMatrices, state: FitState) -> Float:
        beta = np.full(len(matrices.coef_names), np.nan)
        beta[matrices.kept] = state.beta
        values = beta.tolist()
        for part in variance_components(matrices, state):
            values += part.sd.tolist()
            values += [part.corr[a, b] for a, b in part.pairs]
        return np.array([*values, state.sigma])


class UserStatistic:
    """A function of a fit, as given by the user; its names and length are those at the fit."""

    def __init__(self, function: Callable[[Any], Any], fit: FitTesting) -> None:
        if not callable(function):
            raise TypeError(f"statistic must be a function of a fit; got {function!r}.")
        self.function, self.fit = function, fit
        self.names: tuple[str, ...] = ()
        values = self._read(function(fit))
        self.names = tuple(values)
        self.estimates = np.array(list(values.values()))
        self.labels: Columns = {"term": list(self.names)}

    def __call__(self, problem: LinearProblem, state: FitState, *, new_rows: bool) -> Float:
        """Values of the function for the fit that problem and state make."""
        model = copy.copy(self.fit.model)
        model.design = _design(model.design, problem.matrices, new_rows)
        model.__dict__["problem"] = problem
        try:
            result = self.function(type(self.fit)(model, state))
        except Exception as error:
            raise ReplicateFailed(_reason(error)) from error
        return np.array(list(self._read(result).values()))

    def _read(self, result: Any) -> dict[str, float]:
        """Name the numbers of a result, and check them against those of the fit."""
        if isinstance(result, dict):
            values, names = list(result.values()), [str(name) for name in result]
        else:
            values = result
            names = ["statistic"] if np.ndim(result) == 0 else []
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(
                "statistic must return a number, an array of numbers or a dict of numbers; it "
                f"returned {result!r}."
            ) from None
        if numbers.ndim > 1 or numbers.size == 0:
            raise ValueError(
                f"statistic must return one-dimensional numbers; their shape is {numbers.shape}."
            )
        names = names or [f"statistic[{i}]" for i in range(len(numbers))]
        if self.names and set(names) != set(self.names):
            raise ValueError(
                f"statistic returned {len(names)} values ({', '.join(names)}) for a replicate, and "
                f"{len(self.names)} ({', '.join(self.names)}) for the fit. It must return the "
                "same ones always; NaN for one that is not defined."
            )
        named = dict(zip(names, np.atleast_1d(numbers).tolist(), strict=True))
        return {name: named[name] for name in self.names or names}


@dataclass(frozen=True, slots=True)
class ResponseRefit:
    """Replicates that fit the model to a response drawn anew.

    Attributes
    ----------
    problem : LinearProblem
        The problem, whose structure is used again.
    scheme : ResponseScheme
        How responses are drawn.
    reml : bool
        Criterion.
    statistic : Statistic
        What is computed from the fit.
    """

    problem: LinearProblem
    scheme: ResponseScheme
    reml: bool
    statistic: Statistic

    def __call__(self, generator: np.random.Generator) -> Float:
        """Values of one replicate."""
        try:
            problem = self.problem.with_response(self.scheme.draw(generator))
        except MultilevelError as error:
            raise ReplicateFailed(_reason(error)) from error
        return self.statistic(problem, refitted(problem, self.reml), new_rows=False)


@dataclass(frozen=True, slots=True)
class CaseRefit:
    """Replicates that fit the model to rows drawn anew.

    Attributes
    ----------
    scheme : CaseScheme
        How rows are drawn.
    control : Control
        Settings of the fits.
    reml : bool
        Criterion.
    statistic : Statistic
        What is computed from the fit.
    """

    scheme: CaseScheme
    control: Control
    reml: bool
    statistic: Statistic

    def __call__(self, generator: np.random.Generator) -> Float:
        """Values of one replicate."""
        try:
            problem = LinearProblem.from_matrices(self.scheme.draw(generator), self.control)
        except MultilevelError as error:
            raise ReplicateFailed(_reason(error)) from error
        return self.statistic(problem, refitted(problem, self.reml), new_rows=True)


def refitted(problem: LinearProblem, reml: bool) -> FitState:
    """Fit the problem of a replicate.

    Raises
    ------
    ReplicateFailed
        If there is no estimate, or the optimiser did not converge.
    """
    try:
        state = problem.fit(reml=reml)
    except (MultilevelError, np.linalg.LinAlgError) as error:
        raise ReplicateFailed(_reason(error)) from error
    if not state.optimizer.converged:
        raise ReplicateFailed(_NOT_CONVERGED)
    return state


def _reason(error: Exception) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _design(design: Design, matrices: ModelMatrices, new_rows: bool) -> Design:
    """The design of a replicate.

    With other rows than the fit it has no data to show, only the kind of tables to make, and its
    groups are those of the replicate.
    """
    if not new_rows:
        return replace(design, matrices=matrices)
    groups = tuple(GroupLevels(f.name, f.columns, f.levels) for f in matrices.factors)
    columns: dict[str, Any] = {}
    table = Table(None, design.table.kind, (), matrices.n_rows, columns.__getitem__)
    spec = replace(design.spec, groups=groups)
    return replace(design, matrices=matrices, spec=spec, table=table, rows=None)
