"""Responses drawn for the bootstrap: from the model, from its residuals, with random signs.

Every scheme is a frozen set of arrays with one method, ``draw(generator)``, that gives a response
of shape (n,) to be fitted anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.prediction.predict import fixed_part, random_part
from multilevel.prediction.simulate import Draw, simulate_responses

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = [
    "Effects",
    "ParametricScheme",
    "ResidualScheme",
    "ResponseScheme",
    "WildScheme",
    "parametric_scheme",
    "reflate",
    "residual_scheme",
    "wild_scheme",
]

# Singular values of a root of a correlation matrix below this share of the largest count as zero.
_SINGULAR = 1e-5
# Pivots of the covariance matrix of the modes below this share of the largest are rounding.
_LOST = 1e-7
# A row whose leverage is this close to 1 is fitted exactly and has no residual.
_NO_FREEDOM = 1e-10
# Mammen's two-point distribution: mean 0, variance 1, third moment 1.
_MAMMEN_LOW, _MAMMEN_HIGH = (1.0 - np.sqrt(5.0)) / 2.0, (1.0 + np.sqrt(5.0)) / 2.0
_MAMMEN_P_LOW = (np.sqrt(5.0) + 1.0) / (2.0 * np.sqrt(5.0))


class ResponseScheme(Protocol):
    """A way of drawing responses."""

    def draw(self, generator: np.random.Generator) -> Float:
        """Draw one response, shape (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class ParametricScheme:
    """Responses from the model at the estimates: normal random effects and residuals.

    Attributes
    ----------
    mean : ndarray, shape (n,)
        Fixed part and offset.
    draws : tuple of Draw
        Random-effects terms.
    sigma : float
        Residual standard deviation.
    weights : ndarray, shape (n,), or None
        Prior weights.
    """

    mean: Float
    draws: tuple[Draw, ...]
    sigma: float
    weights: Float | None

    def draw(self, generator: np.random.Generator) -> Float:
        """Draw one response, shape (n,)."""
        simulated = simulate_responses(
            self.mean, self.draws, self.sigma, self.weights, 1, generator
        )
        one: Float = simulated[0]
        return one


@dataclass(frozen=True, slots=True)
class Effects:
    """Random effects of one term to draw levels from.

    Attributes
    ----------
    z : ndarray, shape (n, k)
        Random-effects columns.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    values : ndarray, shape (n_levels, k)
        Reflated conditional modes.
    """

    z: Float
    codes: Int
    values: Float


@dataclass(frozen=True, slots=True)
class ResidualScheme:
    """Responses from resampled conditional modes and residuals.

    Attributes
    ----------
    mean : ndarray, shape (n,)
        Fixed part and offset.
    effects : tuple of Effects
        Random-effects terms, resampled independently of each other.
    residuals : ndarray, shape (n,)
        Reflated Pearson residuals.
    root_weights : ndarray, shape (n,), or None
        Square roots of the prior weights.
    """

    mean: Float
    effects: tuple[Effects, ...]
    residuals: Float
    root_weights: Float | None

    def draw(self, generator: np.random.Generator) -> Float:
        """Draw one response, shape (n,)."""
        n = len(self.mean)
        noise = self.residuals[generator.integers(n, size=n)]
        y = self.mean + (noise if self.root_weights is None else noise / self.root_weights)
        for term in self.effects:
            levels = len(term.values)
            drawn = term.values[generator.integers(levels, size=levels)]
            y += random_part(term.z, term.codes, drawn)
        return y


@dataclass(frozen=True, slots=True)
class WildScheme:
    """Responses from residuals multiplied by one random number per cluster.

    Attributes
    ----------
    mean : ndarray, shape (n,)
        Fixed part and offset.
    residuals : ndarray, shape (n,)
        Marginal residuals, adjusted for leverage.
    codes : ndarray of int, shape (n,)
        Cluster of each row.
    n_clusters : int
        Number of clusters.
    """

    mean: Float
    residuals: Float
    codes: Int
    n_clusters: int

    def draw(self, generator: np.random.Generator) -> Float:
        """Draw one response, shape (n,)."""
        low = generator.random(self.n_clusters) < _MAMMEN_P_LOW
        factor = np.where(low, _MAMMEN_LOW, _MAMMEN_HIGH)
        drawn: Float = self.mean + factor[self.codes] * self.residuals
        return drawn


def parametric_scheme(matrices: ModelMatrices, state: FitState) -> ParametricScheme:
    """Parametric bootstrap of a fit: all random effects and residuals are drawn anew."""
    draws = []
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        factor = matrices.factors[term.factor]
        root = state.sigma * fitted.relative_factor
        draws.append(Draw(term.z, factor.codes, factor.n_levels, root))
    mean = fixed_part(matrices.X, state.beta, matrices.offset)
    return ParametricScheme(mean, tuple(draws), state.sigma, matrices.weights)


def residual_scheme(matrices: ModelMatrices, state: FitState) -> ResidualScheme:
    """Reflated residual bootstrap of a fit (Carpenter, Goldstein & Rasbash 2003, section 3.2).

    J. R. Stat. Soc. C 52, 431-443. Conditional modes vary less than the random effects do; they
    are centred and transformed so that their covariance matrix is the estimated one, term by
    term. So are the residuals, times the roots of the prior weights, which makes them alike.

    Raises
    ------
    NotSupportedError
        If a factor has too few levels for a covariance matrix of the modes of full rank.
    """
    mean = fixed_part(matrices.X, state.beta, matrices.offset)
    residual = matrices.y - mean
    effects = []
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        factor = matrices.factors[term.factor]
        residual = residual - random_part(term.z, factor.codes, fitted.modes)
        try:
            values = reflate(fitted.modes, state.sigma * fitted.relative_factor)
        except np.linalg.LinAlgError:
            raise NotSupportedError(
                f"{factor.name!r} has only {factor.n_levels} levels, too few to resample the "
                f"{len(term.names)} effects of {term.label} with their covariances. Use "
                "method='parametric'."
            ) from None
        effects.append(Effects(term.z, factor.codes, values))
    root = None if matrices.weights is None else np.sqrt(matrices.weights)
    pearson = residual if root is None else residual * root
    reflated = reflate(pearson[:, None], np.array([[state.sigma]]))[:, 0]
    return ResidualScheme(mean, tuple(effects), reflated, root)


def reflate(values: Float, root: Float) -> Float:
    """Transform rows linearly so that mean and covariance matrix are given ones.

    Parameters
    ----------
    values : ndarray, shape (m, k)
        Conditional modes (or residuals).
    root : ndarray, shape (k, k)
        Root of the covariance matrix wanted, ``root @ root.T``, which may be singular; the values
        then lie in its range.

    Returns
    -------
    ndarray, shape (m, k)
        ``(values - mean) @ A`` with A from the Cholesky factors of both covariance matrices
        (divisor m), in the range of the one wanted.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the values have too small a rank.
    """
    wanted = root @ root.T
    sd = np.sqrt(wanted.diagonal())
    varies = sd > 0.0
    out = np.zeros(values.shape)
    if not varies.any():
        return out
    scaled = values[:, varies] / sd[varies]
    basis, singular, _ = np.linalg.svd(root[varies] / sd[varies, None], full_matrices=False)
    full = singular > _SINGULAR * singular[0]
    basis = np.eye(len(scaled.T)) if full.all() and len(full) == len(basis) else basis[:, full]
    centred = (scaled - scaled.mean(axis=0)) @ basis
    correlation = (wanted[np.ix_(varies, varies)] / sd[varies]) / sd[varies, None]
    lower = np.linalg.cholesky(basis.T @ correlation @ basis)
    own = np.linalg.cholesky(centred.T @ centred / len(values))
    if own.diagonal().min() <= _LOST * own.diagonal().max():
        raise np.linalg.LinAlgError("values of too small a rank")
    out[:, varies] = np.linalg.solve(own, centred.T).T @ lower.T @ basis.T * sd[varies]
    return out


def wild_scheme(
    matrices: ModelMatrices, state: FitState, codes: Int, n_clusters: int
) -> WildScheme:
    """Wild bootstrap of a fit (Modugno & Giannerini 2015, Commun. Stat. Theory 44, 4812-4825).

    Marginal residuals ``y - X beta`` are divided by the root of one minus the leverage (HC2) and
    multiplied by one number of Mammen's two-point distribution per cluster.
    """
    mean = fixed_part(matrices.X, state.beta, matrices.offset)
    root = np.ones(len(mean)) if matrices.weights is None else np.sqrt(matrices.weights)
    Q = np.linalg.qr(matrices.X * root[:, None])[0]
    freedom = 1.0 - np.einsum("ij,ij->i", Q, Q)
    adjusted = np.zeros(len(mean))
    free = freedom > _NO_FREEDOM
    adjusted[free] = (matrices.y - mean)[free] / np.sqrt(freedom[free])
    return WildScheme(mean, adjusted, codes, n_clusters)
