"""The model fitted again without each row or group."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.diagnostics.influence import UNIDENTIFIED
from multilevel.exceptions import ConvergenceError, ConvergenceWarning, DataError
from multilevel.prediction.cases import at_rows, check_terms
from multilevel.solver.linear import LinearProblem
from multilevel.solver.native import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.solver.optimize import Control
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["Refits", "refit_without", "variances"]

# Tasks that the units are cut into: enough for a progress bar, few enough to send to workers.
_TASKS = 32
# Smallest share of the information about a combination of fixed effects that identifies it.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Refits:
    """Estimates without each of m units; NaN where there is a note.

    Attributes
    ----------
    betas : ndarray, shape (m, p)
        Fixed effects.
    vcovs : ndarray, shape (m, p, p)
        Their covariance matrices.
    variances : ndarray, shape (m, v)
        Variances of the random effects, term by term, and the residual variance last.
    notes : tuple of str, length m
        Why there are no estimates; empty if there are.
    """

    betas: Float
    vcovs: Float
    variances: Float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is needed to fit again without some rows."""

    matrices: ModelMatrices
    state: FitState
    control: Control
    Q: Float

    def without(self, rows: IndexArray) -> FitState | str:
        """Fit to the other rows, or say why there is no fit."""
        Q = self.Q[rows]
        if Q.size and np.linalg.norm(Q, 2) ** 2 > 1.0 - _NOTHING:
            return UNIDENTIFIED
        kept = np.ones(self.matrices.n_rows, dtype=bool)
        kept[rows] = False
        try:
            rest = at_rows(self.matrices, np.flatnonzero(kept))
            check_terms(rest)
            # At zero the criterion is flat, so a singular theta is no place to start from.
            start = None if self.state.is_singular else self.state.theta
            fitted = LinearProblem.from_matrices(rest, self.control).fit(
                reml=self.state.reml, start=start
            )
        except (DataError, ConvergenceError) as error:
            return f"without it: {error}"
        return fitted if fitted.optimizer.converged else "without it the fit did not converge"

    def __call__(self, units: Sequence[IndexArray]) -> list[FitState | str]:
        """Fit again without each of some units."""
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            return [self.without(rows) for rows in units]


def refit_without(
    matrices: ModelMatrices,
    state: FitState,
    control: Control,
    units: Sequence[IndexArray],
    *,
    n_jobs: int | None,
    progress: bool,
) -> Refits:
    """Fit the model again without each unit, starting at the estimates with all rows.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    control : Control
        Settings of the fits.
    units : sequence of ndarray of intp
        Rows of every unit.
    n_jobs : int or None
        Workers, as joblib counts them; None for 1, or what ``joblib.parallel_config`` says.
    progress : bool
        Show a progress bar.
    """
    from joblib import Parallel, delayed

    root = np.ones(matrices.n_rows) if matrices.weights is None else np.sqrt(matrices.weights)
    work = _Work(matrices, state, control, np.linalg.qr(matrices.X * root[:, None])[0])
    size = -(-len(units) // _TASKS)
    tasks = [units[start : start + size] for start in range(0, len(units), size)]
    found: list[FitState | str] = []
    # One context around all workers: contexts of single threads may end in any order.
    with one_blas_thread(True), _bar(len(units), progress) as bar:
        parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
        for results in parallel(delayed(work)(task) for task in tasks):
            found += results
            bar.update(len(results))
    return _collect(found, len(state.beta), len(variances(state)))


def variances(state: FitState) -> Float:
    """Variances of the random effects, term by term, and the residual variance last."""
    return np.concatenate([*(t.covariance.diagonal() for t in state.terms), [state.sigma**2]])


def _collect(found: Sequence[FitState | str], p: int, v: int) -> Refits:
    m = len(found)
    refits = Refits(
        np.full((m, p), np.nan),
        np.full((m, p, p), np.nan),
        np.full((m, v), np.nan),
        tuple(one if isinstance(one, str) else "" for one in found),
    )
    for i, one in enumerate(found):
        if not isinstance(one, str):
            refits.betas[i], refits.vcovs[i], refits.variances[i] = (
                one.beta,
                one.vcov,
                variances(one),
            )
    return refits


def _bar(n: int, progress: bool) -> Any:
    if not progress:
        return nullcontext(SimpleNamespace(update=lambda count: None))
    from tqdm.auto import tqdm

    return tqdm(total=n, desc="deletions", unit="fit")
