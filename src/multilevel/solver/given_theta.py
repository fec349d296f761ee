"""What the core solves at given variance parameters: fixed effects, products with V^-1."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel._native import _core
from multilevel.solver.linear import LinearProblem
from multilevel.solver.native import one_blas_thread, solving

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float

__all__ = ["fixed_effects_at", "solve_covariance"]


def fixed_effects_at(problem: LinearProblem, theta: Float, *, reml: bool) -> tuple[Float, Float]:
    """Generalised least squares at given variance parameters.

    Parameters
    ----------
    problem : LinearProblem
        The model.
    theta : ndarray, shape (n_theta,)
        Free entries of the relative covariance factors.
    reml : bool
        Criterion of the fit.

    Returns
    -------
    beta : ndarray, shape (p,)
        Fixed effects.
    unscaled : ndarray, shape (p, p)
        Their covariance matrix, relative to the residual variance.
    """
    blocks = problem._layout.blocks(theta)
    inverse_r = _core.invert_upper(problem._design.R)
    with one_blas_thread(problem._large), solving():
        _, coordinates, F, _, _ = problem._core.conditional(blocks, reml, False)
    beta = inverse_r @ (problem._coordinates + coordinates)
    return beta, inverse_r @ F @ inverse_r.T


def solve_covariance(matrices: ModelMatrices, theta: Float, A: Float) -> Float:
    """``V^-1 A``, V being the covariance matrix of the response relative to the residual variance.

    ``V^-1 a = W (a - Z b)`` with the conditional modes b of a response ``a`` without fixed effects.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    theta : ndarray, shape (n_theta,)
        Free entries of the relative covariance factors.
    A : ndarray, shape (n, c)
        Columns.

    Returns
    -------
    ndarray, shape (n, c)
    """
    solved = np.array(A, dtype=np.float64)
    problem: LinearProblem | None = None
    for j in np.flatnonzero(A.any(axis=0)) if matrices.terms else ():
        if problem is None:
            plain = _without_fixed_effects(matrices, A[:, j])
            problem = LinearProblem.from_matrices(plain)
        else:
            problem = problem.with_response(A[:, j])
        blocks = problem._layout.blocks(theta)
        with one_blas_thread(problem._large), solving():
            u = problem._core.conditional(blocks, False, False)[3]
        for slot, term in zip(problem._layout.terms, matrices.terms, strict=True):
            modes = problem._modes(slot, blocks, u)[matrices.factors[term.factor].codes]
            solved[:, j] -= np.einsum("ij,ij->i", term.z, modes)
    return solved if matrices.weights is None else solved * matrices.weights[:, None]


def _without_fixed_effects(matrices: ModelMatrices, y: Float) -> ModelMatrices:
    return replace(
        matrices,
        y=y,
        X=np.empty((len(y), 0)),
        coef_names=(),
        kept=np.empty(0, dtype=np.intp),
        offset=None,
    )
