"""Finding the optimum of the profiled criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["Control", "OptSummary"]


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
