"""Finding the optimum of the profiled criterion."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multilevel._native import _core
    from multilevel.solver.layout import Layout
    from multilevel.typing import Float

__all__ = ["Control", "OptSummary", "Optimum", "optimise"]

_log = logging.getLogger("multilevel")

# Entries of Lambda (scaled coordinates, where 1 means "as large as the residual") below this are
# candidates for an exact zero, which is taken if the criterion does not rise by more than _TIE.
_NEAR_ZERO = 1e-3
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Control:
    """Settings of the fit.

    Parameters
    ----------
    max_evaluations : int
        Bound on the evaluations of the criterion.
    tolerance : float
        Stop when the Newton decrement (expected decrease of the criterion) is below it.
    threads : int or None
        Threads of the native kernels; None respects ``OMP_NUM_THREADS``, else all cores.
    verbose : bool
        Log every evaluation through ``logging.getLogger("multilevel")``.
    """

    max_evaluations: int = 500
    tolerance: float = 1e-10
    threads: int | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class OptSummary:
    """How the optimum was found.

    Attributes
    ----------
    converged : bool
        Whether the criterion of :class:`Control` was met.
    evaluations : int
        Evaluations of the criterion (with or without derivatives).
    gradient_evaluations : int
        Those with gradient and Hessian.
    starts : int
        Starting points tried.
    initial, final : float
        Criterion at the first start and at the optimum.
    decrement : float
        Newton decrement at the end.
    log : ndarray, shape (evaluations,)
        Criterion at each evaluation, in order.
    message : str
        One sentence about the outcome.
    """

    converged: bool
    evaluations: int
    gradient_evaluations: int
    starts: int
    initial: float
    final: float
    decrement: float
    log: Float
    message: str


@dataclass(frozen=True, slots=True)
class Optimum:
    """Optimum in scaled coordinates.

    Attributes
    ----------
    scaled : ndarray, shape (n_theta,)
        Free entries of Lambda in the core's coordinates.
    summary : OptSummary
        How it was found.
    """

    scaled: Float
    summary: OptSummary


class _Search:
    """One optimisation: counts evaluations and remembers the best point."""

    def __init__(
        self, core: _core.Core, layout: Layout, reml: bool, df: int, constant: float, control: Control
    ) -> None:
        self.core, self.layout, self.reml = core, layout, reml
        self.df, self.constant, self.control = df, constant, control
        self.log: list[float] = []
        self.gradients = self.starts = 0
        self.scaled: Float = np.zeros(layout.n_theta)
        self.value = self.decrement = np.inf
        self.converged = False

    def newton(self, start: Sequence[float]) -> None:
        """Newton from a start (from the method of moments if empty); keeps the better point."""
        observer: Callable[[float], None] | None = None
        if self.control.verbose:
            observer = self._observe
        left = self.control.max_evaluations - len(self.log)
        ok, converged, scaled, value, decrement, gradients, log = self.core.fit(
            start, self.layout.entries, self.reml, self.control.tolerance, left, observer
        )
        self.log += list(log + self.constant)
        self.gradients += gradients
        self.starts += 1
        if ok and value + self.constant < self.value - _TIE:
            self.scaled, self.value = scaled, value + self.constant
            self.decrement, self.converged = decrement, converged

    def criterion(self, scaled: Float) -> float:
        """Criterion without derivatives."""
        ok, log_det, log_det_x, rss = self.core.evaluate(
            self.layout.scaled_blocks(scaled), self.reml, [], False
        )[:4]
        value = np.inf
        if ok:
            value = log_det + self.df * (1.0 + np.log(2.0 * np.pi * rss / self.df)) + self.constant
            value += log_det_x if self.reml else 0.0
        self.log.append(value)
        return float(value)

    def snap(self) -> None:
        """Set entries to zero exactly where the criterion allows it: boundary optima."""
        for slot in self.layout.terms:
            part = self.scaled[slot.theta]
            small = np.abs(part) < _NEAR_ZERO
            if not small.any() or not part.any():
                continue
            candidate = self.scaled.copy()
            candidate[slot.theta] = np.where(small, 0.0, part)
            value = self.criterion(candidate)
            if value <= self.value + _TIE:
                self.scaled, self.value = candidate, min(value, self.value)

    def _observe(self, value: float) -> None:
        _log.info("evaluation %d: criterion %.8f", len(self.log) + 1, value + self.constant)


def optimise(
    core: _core.Core,
    layout: Layout,
    *,
    reml: bool,
    df: int,
    constant: float,
    start: Float | None,
    control: Control,
) -> Optimum:
    """Minimise the profiled criterion over theta.

    Parameters
    ----------
    core : Core
        The native core of the model.
    layout : Layout
        Where theta lives.
    reml : bool
        Criterion.
    df : int
        n - p for REML, n for ML.
    constant : float
        What the criterion of the data's scale has more than that of the scaled coordinates.
    start : ndarray or None
        Starting point in scaled coordinates.
    control : Control
        Settings.

    Raises
    ------
    ConvergenceError
        If the criterion is not finite at any start.
    """
    search = _Search(core, layout, reml, df, constant, control)
    search.newton([] if start is None else list(start))
    if not np.isfinite(search.value):
        search.newton([float(i == j) for _, i, j in layout.entries])
    if not np.isfinite(search.value):
        raise ConvergenceError(
            "The criterion is not finite at the starting values. Some variance is practically "
            "infinite relative to the residual: check for a response that is constant within "
            "groups, or rescale extreme values."
        )
    search.snap()
    message = (
        f"converged after {len(search.log)} evaluations"
        if search.converged
        else f"stopped after {len(search.log)} evaluations with an expected decrease of "
        f"{search.decrement:.2g}"
    )
    summary = OptSummary(
        search.converged, len(search.log), search.gradients, search.starts, search.log[0],
        search.value, search.decrement, np.array(search.log), message,
    )  # fmt: skip
    return Optimum(search.scaled, summary)
