"""What errors of predictions are made of: the estimates' covariance, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel._native import _core
from multilevel.solver.curvature import tangent_directions
from multilevel.solver.native import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.solver.curvature import Curvature, Direction
    from multilevel.solver.layout import Layout
    from multilevel.solver.linear import LinearProblem
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = ["Sensitivity", "row_variances", "sensitivity"]

# Step of the central differences of the conditional modes, in scaled coordinates, where relative
# factors are of order one: the truncation error is about the step squared.
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How estimates move with the a variance parameters that are not known exactly.

    Attributes
    ----------
    covariance : ndarray, shape (a, a)
        Large-sample covariance matrix of the parameters (see :class:`Curvature`; without the
        residual variance, which moves neither fixed effects nor modes).
    beta : ndarray, shape (a, p)
        Derivatives of the fixed effects.
    modes : tuple of ndarray, shape (a, n_levels, k)
        Derivatives of the conditional modes of every term.
    """

    covariance: Float
    beta: Float
    modes: tuple[Float, ...]


def row_variances(
    problem: LinearProblem, state: FitState, X: Float, z: Sequence[Float], codes: Sequence[Int]
) -> Float:
    """Variance of the error of ``x' beta + z' b`` for rows of any data, variances taken as known.

    Error is estimate minus truth, both of the fixed and of the random effects; relative to the
    residual variance it is the leverage that the row would have (Bates et al. 2015, section 3.4).

    Parameters
    ----------
    problem : LinearProblem
        The model.
    state : FitState
        Its fit.
    X : ndarray, shape (m, p)
        Fixed-effects columns.
    z : sequence of ndarray, shape (m, k)
        Columns of each random-effects term; zero where it is to be left out.
    codes : sequence of ndarray of int32, shape (m,)
        Group of each row, per grouping factor. Groups of different factors must occur together in
        a row of the data.

    Returns
    -------
    ndarray, shape (m,)
    """
    design, levels = problem._design, problem.matrices.factors
    W = np.zeros((len(X), X.shape[1] + 1))
    W[:, :-1] = X @ _core.invert_upper(design.R)
    arguments = [
        (
            np.ascontiguousarray(codes[f.factor]),
            np.ascontiguousarray(np.hstack([z[t] for t in f.terms])),
            f.transform,
            levels[f.factor].n_levels,
        )
        for f in design.factors
    ]
    blocks = problem._layout.blocks(state.theta)
    with one_blas_thread(problem._large):
        leverage: Float = problem._core.hat_values(arguments, W, None, blocks, state.reml)
    return state.sigma**2 * leverage


def sensitivity(problem: LinearProblem, state: FitState, curvature: Curvature) -> Sensitivity:
    """Derivatives of fixed effects and conditional modes in the variance parameters.

    By central differences of what the core solves exactly at given variances. The parameters are
    those of the curvature: of a singular fit, those of the reduced model.

    Parameters
    ----------
    problem : LinearProblem
        The model.
    state : FitState
        Its fit.
    curvature : Curvature
        Curvature of the criterion there.
    """
    layout = problem._layout
    blocks = layout.blocks(state.theta)
    directions = tangent_directions(layout, blocks)[1]
    n = len(directions)
    inverse_r = _core.invert_upper(problem._design.R)
    d_beta = np.empty((n, len(state.beta)))
    d_modes = [np.empty((n, *term.modes.shape)) for term in state.terms]
    with one_blas_thread(problem._large):
        for a, direction in enumerate(directions):
            ends = []
            for step in (_STEP, -_STEP):
                moved = _move(layout, blocks, direction, step)
                _, beta, _, u, _ = problem._core.conditional(moved, state.reml, False)
                ends.append((beta, [problem._modes(slot, moved, u) for slot in layout.terms]))
            d_beta[a] = inverse_r @ (ends[0][0] - ends[1][0]) / (2.0 * _STEP)
            for out, high, low in zip(d_modes, ends[0][1], ends[1][1], strict=True):
                out[a] = (high - low) / (2.0 * _STEP)
    return Sensitivity(curvature.covariance[:n, :n], d_beta, tuple(d_modes))


def _move(layout: Layout, blocks: Float, direction: Direction, step: float) -> Float:
    """The core's blocks a step along a direction."""
    block, column, start, values = direction
    moved = blocks.copy()
    size = layout.sizes[block]
    view = moved[layout.offsets[block] : layout.offsets[block + 1]].reshape(size, size)
    view[start : start + len(values), column] += step * np.array(values)
    return moved
