"""How the criterion, beta and its covariance matrix move with the variance parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import ConvergenceError

if TYPE_CHECKING:
    from multilevel._native import _core
    from multilevel.solver.layout import Layout
    from multilevel.typing import Float

__all__ = ["Curvature", "Direction", "Expansion", "curvature", "expansion", "tangent_directions"]

Direction = tuple[int, int, int, list[float]]

# Singular values of a (scaled) relative factor below this share of the largest count as zero.
_SINGULAR = 1e-5
# What a vanished singular value is set to: the core divides by it.
_HAIR = 1e-8
# Curvature, relative to that of the parameter alone, below which a direction is flat.
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Curvature:
    """How well the variance parameters are known, and what the covariance of beta owes to them.

    The a parameters are coordinates of the covariance matrices near the estimates, the residual
    variance last. Where a covariance matrix is singular they run through matrices of the same rank
    only (the reduced model), so that the estimates are an interior point.

    Attributes
    ----------
    covariance : ndarray, shape (a, a)
        Large-sample covariance matrix of the parameters: twice the inverse Hessian.
    vcov_gradient : ndarray, shape (a, p, p)
        Derivative of the covariance matrix of beta in each parameter, in scaled coordinates.
    basis : ndarray, shape (p, p)
        ``basis @ vcov_gradient @ basis.T`` is that of beta; ``L @ basis`` is a contrast L of beta
        in the scaled coordinates.
    component_gradients : tuple of ndarray, shape (a, k, k)
        Per term, derivative of the covariance matrix of its effects in each parameter.
    reduced : bool
        Whether some covariance matrix is singular.
    flat : bool
        Whether the criterion does not bend along some combination of parameters, which is then
        taken as known.
    """

    covariance: Float
    vcov_gradient: Float
    basis: Float
    component_gradients: tuple[Float, ...]
    reduced: bool
    flat: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """The profiled criterion and its parts at some theta, with derivatives in theta.

    With ``m`` the degrees of freedom of the residual variance (n, or n - p by REML), the criterion
    is ``log_det + m (1 + log(2 pi rss / m))``; ``log_det`` includes ``log |X'V^-1 X|`` by REML and
    the log-weights.

    Attributes
    ----------
    criterion, log_det, rss : float
        Profiled criterion and its parts.
    beta : ndarray, shape (p,)
        Generalised least squares at theta.
    F : ndarray, shape (p, p)
        ``(X' V^-1 X)^-1``, V relative to the residual variance.
    gradient : ndarray, shape (n_theta,)
        Exact gradient of the criterion.
    hessian : ndarray, shape (n_theta, n_theta)
        Hessian of the criterion: exact for one grouping factor, else the average information with
        the exact second derivative of V.
    d_rss : ndarray, shape (n_theta,)
        Derivative of ``rss``.
    d2_rss : ndarray, shape (n_theta, n_theta)
        Second derivatives of ``rss``, exact.
    d_beta : ndarray, shape (n_theta, p)
        Derivative of ``beta``.
    d_cov : ndarray, shape (n_theta, p, p)
        Derivative of ``F``.
    """

    criterion: float
    log_det: float
    rss: float
    beta: Float
    F: Float
    gradient: Float
    hessian: Float
    d_rss: Float
    d2_rss: Float
    d_beta: Float
    d_cov: Float


def curvature(
    core: _core.Core, layout: Layout, blocks: Float, inverse_r: Float, df: int, reml: bool
) -> Curvature:
    """Curvature at the estimates.

    Unprofiled over the residual variance s2, the Hessian at the optimum is ``[[H + q q'/(m s2^2),
    q/s2^2], [., m/s2^2]]`` with H the profiled Hessian and ``q = -d rss``; the covariance of beta
    is ``s2 F`` with ``dF = F (X'V^-1 dV V^-1 X) F``.

    Parameters
    ----------
    core : Core
        The native core, in scaled coordinates.
    layout : Layout
        Places of the terms in the blocks.
    blocks : ndarray
        Relative factors at the estimates, flat.
    inverse_r : ndarray, shape (p, p)
        Maps scaled coefficients to those of the data.
    df : int
        Degrees of freedom m of the residual variance.
    reml : bool
        Criterion of the fit.

    Raises
    ------
    ConvergenceError
        If the fit is so close to a perfect one that there is no curvature to speak of.
    """
    reduced, directions = tangent_directions(layout, blocks)
    try:
        _, rss, _, F, _, H, q, _, J, _ = core.expand(blocks.tolist(), reml, directions, True)
    except RuntimeError as error:
        raise ConvergenceError(
            "The random effects leave next to no residual variance, so it cannot be told how well "
            "the variances are known, on which Satterthwaite's degrees of freedom and intervals "
            "depend. Use fewer random effects, or df_method='residual' or 'asymptotic'."
        ) from error
    n, s2 = len(directions), rss / df
    full = np.empty((n + 1, n + 1))
    full[:n, :n] = H + np.outer(q, q) / (df * s2**2)
    full[n, :n] = full[:n, n] = q / s2**2
    full[n, n] = df / s2**2
    covariance, flat = _inverse(full / 2.0)
    gradient = np.empty((n + 1, *F.shape))
    gradient[:n] = s2 * (F @ J @ F)
    gradient[n] = F
    components = _component_gradients(layout, blocks, directions, s2)
    return Curvature(covariance, gradient, inverse_r, components, reduced, flat)


def _component_gradients(
    layout: Layout, blocks: Float, directions: list[Direction], s2: float
) -> tuple[Float, ...]:
    """Derivatives of every term's covariance ``s2 G G'`` along the directions, and in s2."""
    out = []
    for slot in layout.terms:
        G = slot.transform @ layout.view(blocks, slot)
        gradient = np.zeros((len(directions) + 1, slot.k, slot.k))
        for t, (block, column, start, w) in enumerate(directions):
            if (block, start) == (slot.block, slot.start):
                half = np.outer(slot.transform @ w, G[:, column - start])
                gradient[t] = s2 * (half + half.T)
        gradient[-1] = G @ G.T
        out.append(gradient)
    return tuple(out)


def tangent_directions(layout: Layout, blocks: Float) -> tuple[bool, list[Direction]]:
    """Directions in which the factors can move and keep their rank; ``blocks`` is made U diag(s).

    Lambda Lambda' does not change when Lambda is turned from the right, so with left singular
    vectors U of a factor of rank r the lower trapezoid of the basis U is enough.
    """
    reduced = False
    directions: list[Direction] = []
    for slot in layout.terms:
        view = layout.view(blocks, slot)
        if slot.kind == "independent":
            U, s = np.eye(slot.k), np.abs(view.diagonal())
        else:
            U, s, _ = np.linalg.svd(view)
        alive = s > _SINGULAR * max(1.0, s.max())
        reduced |= not alive.all()
        view[:] = U * np.where(alive, s, _HAIR)
        for j in np.flatnonzero(alive).tolist():
            last = j + 1 if slot.kind == "independent" else slot.k
            directions += [
                (slot.block, slot.start + j, slot.start, U[:, i].tolist()) for i in range(j, last)
            ]
    return reduced, directions


def _inverse(matrix: Float) -> tuple[Float, bool]:
    """Inverse of a symmetric matrix where it is positive; whether it is not everywhere."""
    scale = 1.0 / np.sqrt(np.maximum(matrix.diagonal(), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    bends = values > _FLAT * values[-1]
    vectors = vectors[:, bends] * scale[:, None]
    return (vectors / values[bends]) @ vectors.T, not bends.all()


def expansion(
    core: _core.Core, layout: Layout, theta: Float, inverse_r: Float, df: int, reml: bool
) -> Expansion:
    """Expansion at theta, but for what scaling takes away.

    The log-determinant lacks the constant of the scaling, ``beta`` the ordinary least-squares fit.

    Raises
    ------
    ConvergenceError
        If the criterion is not finite there.
    """
    try:
        parts = core.expand(layout.blocks(theta).tolist(), reml, layout.theta_directions, False)
    except RuntimeError as error:
        raise ConvergenceError(f"The criterion is not finite at theta = {theta}.") from error
    log_det, rss, coordinates, F, gradient, hessian, q, nu, J, bend = parts
    root = inverse_r @ F
    return Expansion(
        criterion=log_det + df * (1.0 + float(np.log(2.0 * np.pi * rss / df))),
        log_det=log_det,
        rss=rss,
        beta=inverse_r @ coordinates,
        F=root @ inverse_r.T,
        gradient=gradient,
        hessian=hessian,
        d_rss=-q,
        d2_rss=bend,
        d_beta=-nu @ root.T,
        d_cov=root @ J @ root.T,
    )
