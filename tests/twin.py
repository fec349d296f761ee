"""Dense twin of the solver: the linear mixed model written out, for small n.

This file is the specification that the native core must agree with. It forms the marginal
covariance of the response outright,

    V(theta) = Z Lambda Lambda' Z' + W^-1        (relative to sigma^2),

and evaluates criterion, derivatives and estimates from the textbook formulas, without using any
structure. With P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, r2 = y'Py, m = n - p (REML) or n (ML):

    d(theta) = log|V| [+ log|X'V^-1 X|] + m (1 + log(2 pi r2 / m))

Parameters theta: term by term in formula order, each column by column of the lower triangle of
its relative factor (the diagonal only for independent terms).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import block_diag

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float


@dataclass(frozen=True)
class TwinEstimates:
    """Everything that follows from theta; arrays are shaped as in ``FitState``."""

    beta: Float
    vcov: Float
    sigma: float
    modes: list[Float]  # per term (n_levels, k)
    mode_covariances: list[Float]  # per term (n_levels, k, k), given beta and theta
    fitted: Float
    leverage: Float  # diagonal of the matrix that maps y to the fitted values


class DenseTwin:
    """Criterion, derivatives and estimates of one model at any theta."""

    def __init__(self, matrices: ModelMatrices, *, reml: bool) -> None:
        self.terms = matrices.terms
        self.levels = [matrices.factors[term.factor].n_levels for term in matrices.terms]
        self.X = matrices.X
        self.offset = np.zeros(matrices.n_rows) if matrices.offset is None else matrices.offset
        self.y = matrices.y - self.offset
        self.w = np.ones(matrices.n_rows) if matrices.weights is None else matrices.weights
        self.Z = np.hstack(
            [np.zeros((matrices.n_rows, 0)), *map(self._columns(matrices), self.terms)]
        )
        self.entries = [
            (b, i, j)
            for b, term in enumerate(self.terms)
            for j in range(len(term.names))
            for i in range(j, len(term.names))
            if i == j or term.covariance == "unstructured"
        ]
        self.reml = reml
        self.m = matrices.n_rows - reml * self.X.shape[1]

    @staticmethod
    def _columns(matrices: ModelMatrices) -> Callable:
        """Random-effects columns of a term: (n, n_levels * k), a group's k effects together."""

        def columns(term):
            factor = matrices.factors[term.factor]
            indicator = np.eye(factor.n_levels)[factor.codes]
            return (indicator[:, :, None] * term.z[:, None, :]).reshape(matrices.n_rows, -1)

        return columns

    # -- Lambda and V ---------------------------------------------------------------------------

    def relative_factors(self, theta: Float) -> list[Float]:
        """Lower-triangular factor of each term."""
        factors = [np.zeros((len(term.names),) * 2) for term in self.terms]
        for value, (b, i, j) in zip(theta, self.entries, strict=True):
            factors[b][i, j] = value
        return factors

    def lambda_matrix(self, theta: Float) -> Float:
        """Lambda: every group's copy of its term's factor on the diagonal."""
        blocks = zip(self.levels, self.relative_factors(theta), strict=True)
        return block_diag(np.zeros((0, 0)), *[np.kron(np.eye(q), factor) for q, factor in blocks])

    def lambda_derivatives(self) -> list[Float]:
        """d Lambda / d theta_t, constant in theta."""
        return [self.lambda_matrix(unit) for unit in np.eye(len(self.entries))]

    def covariance(self, theta: Float) -> Float:
        """V, relative to sigma^2."""
        factor = self.Z @ self.lambda_matrix(theta)
        return factor @ factor.T + np.diag(1 / self.w)

    def projections(self, theta: Float) -> tuple[Float, Float, Float]:
        """V^-1, (X'V^-1 X)^-1 and P."""
        precision = np.linalg.inv(self.covariance(theta))
        unscaled = np.linalg.inv(self.X.T @ precision @ self.X)
        return precision, unscaled, precision - precision @ self.X @ unscaled @ self.X.T @ precision

    # -- criterion and derivatives --------------------------------------------------------------

    def deviance(self, theta: Float) -> float:
        """-2 log-likelihood, or the REML criterion, profiled over beta and sigma."""
        precision, _, P = self.projections(theta)
        log_det = np.linalg.slogdet(self.covariance(theta))[1]
        if self.reml:
            log_det += np.linalg.slogdet(self.X.T @ precision @ self.X)[1]
        return log_det + self.m * (1 + np.log(2 * np.pi * (self.y @ P @ self.y) / self.m))

    def gradient(self, theta: Float) -> Float:
        """First derivatives: tr(P V_t) - y'P V_t P y / s2, with V^-1 in the trace for ML."""
        precision, _, P = self.projections(theta)
        weight = P if self.reml else precision
        Py = P @ self.y
        s2 = self.y @ Py / self.m
        return np.array([np.sum(weight * V) - Py @ V @ Py / s2 for V in self._first(theta)])

    def hessian(self, theta: Float) -> Float:
        """Second derivatives of the profiled criterion, exact."""
        precision, _, P = self.projections(theta)
        weight = P if self.reml else precision
        Py = P @ self.y
        s2 = self.y @ Py / self.m
        V, D = self._first(theta), self.lambda_derivatives()
        quad = [Py @ V_t @ Py for V_t in V]
        hessian = np.empty((len(V),) * 2)
        for t, s in combinations_with_replacement(range(len(V)), 2):
            V_ts = self.Z @ (D[t] @ D[s].T + D[s] @ D[t].T) @ self.Z.T
            value = np.sum(weight * V_ts) - np.sum((weight @ V[t]) * (weight @ V[s]).T)
            value += (2 * Py @ V[t] @ P @ V[s] @ Py - Py @ V_ts @ Py) / s2
            hessian[t, s] = hessian[s, t] = value - quad[t] * quad[s] / (self.m * s2**2)
        return hessian

    def _first(self, theta: Float) -> list[Float]:
        """d V / d theta_t."""
        factor = self.Z @ self.lambda_matrix(theta)
        halves = [self.Z @ D @ factor.T for D in self.lambda_derivatives()]
        return [half + half.T for half in halves]

    # -- estimates ------------------------------------------------------------------------------

    def estimates(self, theta: Float) -> TwinEstimates:
        """Fixed effects, sigma, conditional modes and leverages at theta."""
        precision, unscaled, P = self.projections(theta)
        Lambda = self.lambda_matrix(theta)
        prior = Lambda @ Lambda.T
        sigma = np.sqrt(self.y @ P @ self.y / self.m)
        ZG = self.Z @ prior
        posterior = sigma**2 * (prior - ZG.T @ precision @ ZG)
        return TwinEstimates(
            beta=unscaled @ self.X.T @ precision @ self.y,
            vcov=sigma**2 * unscaled,
            sigma=float(sigma),
            modes=[part[:, 0] for part in self._split(ZG.T @ P @ self.y)],
            mode_covariances=self._split_blocks(posterior),
            fitted=self.offset + self.y - P @ self.y / self.w,
            leverage=1 - np.diag(P) / self.w,
        )

    def _slices(self) -> list[tuple[int, int, int]]:
        """(first column, levels, effects per level) of each term in Z."""
        sizes = [(q, len(term.names)) for q, term in zip(self.levels, self.terms, strict=True)]
        starts = np.cumsum([0] + [q * k for q, k in sizes])
        return [(int(start), q, k) for start, (q, k) in zip(starts, sizes, strict=False)]

    def _split(self, b: Float) -> list[Float]:
        return [b[o : o + q * k].reshape(q, 1, k) for o, q, k in self._slices()]

    def _split_blocks(self, matrix: Float) -> list[Float]:
        return [
            np.stack(
                [matrix[o + g * k : o + (g + 1) * k, o + g * k : o + (g + 1) * k] for g in range(q)]
            )
            for o, q, k in self._slices()
        ]


def central_gradient(function: Callable[[Float], float], at: Float, step: float = 1e-3) -> Float:
    """Fourth-order central differences of a scalar function."""
    return np.array([_central(function, at, unit * step, step) for unit in np.eye(len(at))])


def central_hessian(gradient: Callable[[Float], Float], at: Float, step: float = 1e-3) -> Float:
    """Fourth-order central differences of a gradient, symmetrised."""
    jacobian = np.array([_central(gradient, at, unit * step, step) for unit in np.eye(len(at))])
    return (jacobian + jacobian.T) / 2


def _central(function, at, move, step):
    near = function(at + move) - function(at - move)
    far = function(at + 2 * move) - function(at - 2 * move)
    return (8 * near - far) / (12 * step)
