"""Finding the optimum of the profiled criterion."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import ConvergenceError
from multilevel.state import OptSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multilevel._native import _core
    from multilevel.solver.layout import Layout
    from multilevel.typing import Float

__all__ = ["Control", "Optimum", "optimise"]

_log = logging.getLogger("multilevel")

# Singular values of Lambda (scaled coordinates: 1 means "as large as the residual") below this are
# candidates for an exact zero, which is taken if the criterion does not rise by more than _TIE.
_NEAR_ZERO = 1e-3
_TIE = 1e-9
# Newton decrement to which a second start is followed, and the relative distance of two covariances
# below which it is taken to lead to the known optimum.
_ROUGH = 1e-4
_SAME = 0.05
# A zero variance calls for a second start with up to this many theta; in larger models, where some
# variance is nearly always zero, none was ever seen to help.
_FEW_THETA = 6
# Multiples of the identity tried as a second start.
_SCALES = (1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
_MODERATE = 0.3


@dataclass(frozen=True, slots=True)
class Control:
    """Settings of the fit.

    Parameters
    ----------
    max_evaluations : int
        Bound on the evaluations of the criterion from one start.
    tolerance : float
        Stop when the Newton decrement (twice the expected decrease of the criterion) is below it:
        theta is then within about its square root in standard errors, and one more Newton step is
        taken.
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
class Optimum:
    """Optimum in the core's coordinates.

    Attributes
    ----------
    blocks : ndarray
        Lambda of every grouping factor, flat (see :class:`~multilevel.solver.layout.Layout`).
    summary : OptSummary
        How it was found.
    """

    blocks: Float
    summary: OptSummary


class _Search:
    """One optimisation: counts evaluations and remembers the best point."""

    def __init__(
        self, core: _core.Core, layout: Layout, reml: bool, constant: float, control: Control
    ) -> None:
        self.core, self.layout, self.reml = core, layout, reml
        self.constant, self.control = constant, control
        self.log: list[float] = []
        self.gradients, self.starts = 0, 1
        self.blocks: Float = np.zeros(layout.offsets[-1])
        self.value = self.decrement = np.inf
        self.converged = False

    def newton(self, start: Sequence[float], tolerance: float) -> tuple[float, Float]:
        """Newton from a start (from the method of moments if empty); keeps the better point."""
        observer: Callable[[float], None] | None = None
        if self.control.verbose:
            observer = self._observe
        value, converged, decrement, blocks, log = self.core.fit(
            start,
            self.layout.native_terms,
            self.reml,
            tolerance,
            self.control.max_evaluations,
            observer,
        )
        value += self.constant
        self.log += list(log + self.constant)
        self.gradients += len(log)
        converged = converged and tolerance <= self.control.tolerance
        tie = abs(value - self.value) <= _TIE
        if value < self.value - _TIE or (tie and converged and not self.converged):
            self.blocks, self.value = blocks, value
            self.decrement, self.converged = decrement, converged
        return value, blocks

    def criterion(self, blocks: Float) -> float:
        """Criterion without derivatives."""
        value = self.core.evaluate(blocks, self.reml, [], False)[0] + self.constant
        self.log.append(value)
        return value

    def snap(self) -> bool:
        """Set small singular values to zero exactly where the criterion allows it; whether any."""
        found = False
        for slot in self.layout.terms:
            small = self.layout.singular_values(self.blocks, slot) < _NEAR_ZERO
            if small.any():
                candidate = self.blocks.copy()
                self.layout.view(candidate, slot)[:, small] = 0.0
                value = self.criterion(candidate)
                if value <= self.value + _TIE:
                    self.blocks, self.value = candidate, min(value, self.value)
                    found = True
        return found

    def from_larger(self) -> None:
        """A second start from large variances.

        Taken where a local optimum is likely: at a zero variance, and when effects of one factor
        are modelled as independent (large, nearly cancelling effects may fit better). Of several
        the start with the lowest criterion is taken; it is followed to the end only if it does
        not lead to the optimum that is known.
        """
        self.starts += 1
        candidates = self._large_variances()
        values = [self.criterion(blocks) for blocks in candidates]
        start = list(candidates[int(np.argmin(values))])
        known, best = self.blocks, self.value
        value, blocks = self.newton(start, _ROUGH)
        if value < best + 1.0 and not self._same(known, blocks):
            self.newton(list(blocks), self.control.tolerance)
        elif self.value < best:
            self.newton(list(self.blocks), self.control.tolerance)

    def _large_variances(self) -> list[Float]:
        """Multiples of the identity; where the origin matters, for those factors only."""
        layout = self.layout
        chosen = [s for s in layout.terms if layout.origin_matters(s)] or layout.terms
        base = np.concatenate([_MODERATE * np.eye(k).ravel() for k in layout.sizes])
        candidates = []
        for scale in _SCALES:
            blocks = base.copy()
            for slot in chosen:
                layout.view(blocks, slot)[:] = scale * np.eye(slot.k)
            candidates.append(blocks)
        return candidates

    def polish(self) -> None:
        """Nelder and Mead's simplex search from the best point, then Newton once more."""
        from scipy.optimize import minimize

        theta = self.layout.theta(self.layout.relative_factors(self.blocks))
        found = minimize(
            lambda t: self.criterion(self.layout.blocks(t)),
            theta,
            method="Nelder-Mead",
            options={"maxfev": self.control.max_evaluations, "fatol": 1e-9, "xatol": 1e-8},
        )
        self.newton(list(self.layout.blocks(found.x)), self.control.tolerance)

    def _same(self, a: Float, b: Float) -> bool:
        """Whether two points have about the same relative covariances."""
        for slot in self.layout.terms:
            left, right = self.layout.view(a, slot), self.layout.view(b, slot)
            first, second = left @ left.T, right @ right.T
            if np.abs(first - second).max() > _SAME * (_SAME + np.abs(first).max()):
                return False
        return True

    def _observe(self, value: float) -> None:
        _log.info("criterion %.8f", value + self.constant)


def optimise(
    core: _core.Core,
    layout: Layout,
    *,
    reml: bool,
    constant: float,
    start: Float | None,
    control: Control,
) -> Optimum:
    """Minimise the profiled criterion over the relative covariance factors.

    Parameters
    ----------
    core : Core
        The native core of the model.
    layout : Layout
        Where theta lives.
    reml : bool
        Criterion.
    constant : float
        What the criterion of the data's scale has more than that of the scaled coordinates.
    start : ndarray or None
        Starting point: the core's blocks.
    control : Control
        Settings.

    Raises
    ------
    ConvergenceError
        If the criterion is not finite at any start.
    """
    search = _Search(core, layout, reml, constant, control)
    search.newton([] if start is None else list(start), control.tolerance)
    if not np.isfinite(search.value):
        search.starts += 1
        identity = np.concatenate([np.eye(k).ravel() for k in layout.sizes])
        search.newton(list(identity), control.tolerance)
    if not np.isfinite(search.value):
        raise ConvergenceError(
            "The criterion is not finite at the starting values. Some variance is practically "
            "infinite relative to the residual: check for a response that is constant within "
            "groups, or rescale extreme values."
        )
    doubtful = search.snap() and layout.n_theta <= _FEW_THETA
    if doubtful or any(map(layout.origin_matters, layout.terms)) or not search.converged:
        search.from_larger()
        search.snap()
    if not search.converged:
        search.polish()
        search.snap()
    message = (
        f"converged after {len(search.log)} evaluations"
        if search.converged
        else f"stopped after {len(search.log)} evaluations, a second start and a derivative-free "
        f"polish; the criterion may still be {search.decrement / 2:.2g} above its minimum"
    )
    summary = OptSummary(
        search.converged, len(search.log), search.gradients, search.starts, search.log[0],
        search.value, search.decrement, np.array(search.log), message,
    )  # fmt: skip
    return Optimum(search.blocks, summary)
