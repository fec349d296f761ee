"""Variance components: the covariances of the random effects, and the curvature in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.covariance.relative_factor import entries
from multilevel.exceptions import NotSupportedError

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices, RandomTerm
    from multilevel.state import FitState
    from multilevel.typing import CovarianceKind, Float

__all__ = [
    "TermComponents",
    "singular_directions",
    "variance_components",
    "variance_hessian",
]

# The solver sets vanishing singular values to zero exactly; what is left is rounding.
_ZERO_SD = 1e-5  # of the residual standard deviation, for a column scaled to mean square 1
_UNIT_CORRELATION = 1e-6


@dataclass(frozen=True, slots=True)
class TermComponents:
    """Covariance of the k effects of one random-effects term.

    Attributes
    ----------
    group : str
        Name of the grouping factor.
    names : tuple of str, length k
        Names of the random effects.
    kind : {"unstructured", "independent"}
        Whether correlations are parameters of the model.
    covariance : ndarray, shape (k, k)
        Covariance matrix.
    sd : ndarray, shape (k,)
        Standard deviations.
    corr : ndarray, shape (k, k)
        Correlations; NaN with an effect whose variance is zero.
    """

    group: str
    names: tuple[str, ...]
    kind: CovarianceKind
    covariance: Float
    sd: Float
    corr: Float

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Positions (earlier, later) of the pairs whose correlation is a parameter."""
        if self.kind == "independent":
            return ()
        k = len(self.names)
        return tuple((a, b) for b in range(k) for a in range(b))


def variance_components(matrices: ModelMatrices, state: FitState) -> tuple[TermComponents, ...]:
    """Covariances of the random effects of every term, in formula order."""
    components = []
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        sd = np.sqrt(fitted.covariance.diagonal())
        with np.errstate(invalid="ignore", divide="ignore"):
            corr = fitted.covariance / np.outer(sd, sd)
        group = matrices.factors[term.factor].name
        components.append(
            TermComponents(group, term.names, term.covariance, fitted.covariance, sd, corr)
        )
    return tuple(components)


def singular_directions(matrices: ModelMatrices, state: FitState) -> tuple[str, ...]:
    """Say in plain words which variances are zero and which correlations are +-1.

    Returns
    -------
    tuple of str
        Clauses such as ``"the variance of Days in Subject is zero"``; empty for a fit that is not
        singular.
    """
    if not state.is_singular:
        return ()
    clauses: list[str] = []
    for term, part in zip(matrices.terms, variance_components(matrices, state), strict=True):
        clauses += _singular_clauses(term, part, state.sigma)
    return tuple(clauses)


def _singular_clauses(term: RandomTerm, part: TermComponents, sigma: float) -> list[str]:
    size = part.sd * np.sqrt(np.mean(np.square(term.z), axis=0))
    zero = size <= _ZERO_SD * sigma
    clauses = [
        f"the variance of {name} in {part.group} is zero"
        for name, vanishes in zip(part.names, zero, strict=True)
        if vanishes
    ]
    ones = [
        (a, b)
        for a, b in part.pairs
        if not (zero[a] or zero[b]) and abs(part.corr[a, b]) >= 1.0 - _UNIT_CORRELATION
    ]
    clauses += [
        f"the correlation of {part.names[a]} and {part.names[b]} in {part.group} is "
        f"{'+' if part.corr[a, b] > 0 else '-'}1"
        for a, b in ones
    ]
    varying = np.flatnonzero(~zero)
    if part.kind == "unstructured" and len(varying) > 2 and not ones:
        rank = np.linalg.matrix_rank(part.corr[np.ix_(varying, varying)], tol=_UNIT_CORRELATION)
        if rank < len(varying):
            clauses.append(
                f"the {len(varying)} effects {', '.join(part.names[v] for v in varying)} in "
                f"{part.group} vary in {rank} directions only"
            )
    return clauses


def variance_hessian(
    theta_hessian: Float, matrices: ModelMatrices, state: FitState, residual: Float
) -> Float:
    """Hessian of the criterion in the variance components and the residual variance.

    The criterion D is profiled over beta alone. With ``m`` the degrees of freedom of the residual
    variance s2 and ``q = -d r2 / d theta``, at the optimum ``D'' = [[H + q q'/(m s2^2), q/s2^2],
    [., m/s2^2]]`` in (theta, s2), H being the profiled Hessian; since the gradient is zero there,
    the change of variables is by the Jacobian alone.

    Parameters
    ----------
    theta_hessian : ndarray, shape (n_theta, n_theta)
        Hessian of the profiled criterion at the optimum.
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    residual : ndarray, shape (n,)
        ``y`` minus the fitted values.

    Returns
    -------
    ndarray, shape (n_theta + 1, n_theta + 1)
        Rows and columns in the order of theta (variances and covariances in the place of the
        entries of the relative factors), the residual variance last.

    Raises
    ------
    NotSupportedError
        If the fit is singular: on the boundary the change of variables has no inverse.
    """
    if state.is_singular:
        raise NotSupportedError(
            "The fit is singular, so the variance components lie on the boundary of their space "
            "and theta does not determine the curvature in them; use hessian(), which is in theta."
        )
    n_theta, s2 = len(state.theta), state.sigma**2
    df = state.nobs - (len(state.beta) if state.reml else 0)
    q = _quadratic_derivative(matrices, state, residual) / s2  # residual is on the data's scale
    full = np.empty((n_theta + 1, n_theta + 1))
    full[:-1, :-1] = theta_hessian + np.outer(q, q) / df
    full[-1, :-1] = full[:-1, -1] = q / s2
    full[-1, -1] = df / s2**2
    inverse = np.linalg.inv(_jacobian(matrices, state))
    return inverse.T @ full @ inverse


def _quadratic_derivative(matrices: ModelMatrices, state: FitState, residual: Float) -> Float:
    """``q_t = rho' (L_t L' + L L_t') rho`` with ``rho = Z' W e`` (algorithm as in the gradient)."""
    weighted = residual if matrices.weights is None else residual * matrices.weights
    out = []
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        factor = matrices.factors[term.factor]
        rho = np.column_stack(
            [np.bincount(factor.codes, z * weighted, factor.n_levels) for z in term.z.T]
        )
        product = 2.0 * (rho.T @ rho) @ fitted.relative_factor
        out += [product[i, j] for i, j in entries(term.covariance, len(term.names))]
    return np.array(out)


def _jacobian(matrices: ModelMatrices, state: FitState) -> Float:
    """d(variance components, s2) / d(theta, s2), shape (n_theta + 1, n_theta + 1)."""
    n_theta, s2 = len(state.theta), state.sigma**2
    jacobian = np.zeros((n_theta + 1, n_theta + 1))
    start = 0
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        factor = fitted.relative_factor
        places = entries(term.covariance, len(term.names))
        for s, (i, j) in enumerate(places):
            direction = np.zeros_like(factor)
            direction[i, j] = 1.0
            change = s2 * (direction @ factor.T + factor @ direction.T)
            for t, place in enumerate(places):
                jacobian[start + t, start + s] = change[place]
        for t, place in enumerate(places):
            jacobian[start + t, -1] = fitted.covariance[place] / s2
        start += len(places)
    jacobian[-1, -1] = 1.0
    return jacobian
