"""Exact likelihood-ratio tests of one variance component, by simulation from the spectrum.

Crainiceanu & Ruppert (2004, J. R. Statist. Soc. B 66, 165-185): in ``y = X beta + Z b + e`` with
``Var(b) = lambda sigma^2 I`` the distribution of the (restricted) likelihood ratio of ``lambda =
0`` depends on eigenvalues alone, for any size of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError

if TYPE_CHECKING:
    from multilevel.typing import Float, Int

__all__ = ["MOST_GROUPS", "Spectrum", "simulate_statistics", "spectrum"]

# Eigenvalues of a matrix of groups by groups: 128 MB, half a minute.
MOST_GROUPS = 4000
# An eigenvalue is zero below this part of the largest.
_ZERO = 1e-10
# Points of lambda, between which the maximum is looked for, and steps of the search.
_POINTS, _STEPS = 100, 25
# Values held at a time: 32 MB.
_CHUNK = 4_000_000
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What the distribution depends on.

    Attributes
    ----------
    mu : ndarray, shape (k,)
        Positive eigenvalues of ``Z' (I - P) Z``, P the projection on the columns of X.
    xi : ndarray, shape (q,)
        Eigenvalues of ``Z' Z``.
    n, p : int
        Rows and columns of X.
    """

    mu: Float
    xi: Float
    n: int
    p: int


def spectrum(X: Float, z: Float, codes: Int, n_levels: int, weights: Float | None) -> Spectrum:
    """Eigenvalues of a model with one scalar random effect.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Fixed-effects columns, of full rank.
    z : ndarray, shape (n,)
        Values of the random-effects column.
    codes : ndarray of int32, shape (n,)
        Group of every row.
    n_levels : int
        Number of groups q.
    weights : ndarray, shape (n,), or None
        Prior weights.

    Raises
    ------
    NotSupportedError
        For more than ``MOST_GROUPS`` groups.
    """
    if n_levels > MOST_GROUPS:
        raise NotSupportedError(
            f"The exact test needs the eigenvalues of a matrix of {n_levels} x {n_levels}, one row "
            f"per group; it is made for up to {MOST_GROUPS} groups. With so many the mixture in "
            "ranova() is close, or simulate with bootstrap_lrt()."
        )
    root = np.ones(len(X)) if weights is None else np.sqrt(weights)
    Q = np.linalg.qr(X * (root[:, None] / np.abs(X).max(axis=0)))[0]
    column = z * root
    xi: Float = np.bincount(codes, column**2, n_levels).astype(np.float64)
    cross = [np.bincount(codes, column * q, n_levels) for q in Q.T]
    C = np.array(cross).reshape(-1, n_levels)
    mu = np.linalg.eigvalsh(np.diag(xi) - C.T @ C)
    positive = mu[mu > _ZERO * max(float(mu.max(initial=0.0)), float(xi.max()))]
    return Spectrum(positive, xi, *X.shape)


def simulate_statistics(
    spectrum: Spectrum, n: int, rng: np.random.Generator, *, reml: bool
) -> Float:
    """Draw the likelihood ratio of ``lambda = 0`` under that hypothesis.

    Parameters
    ----------
    spectrum : Spectrum
        Eigenvalues of the model.
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of randomness.
    reml : bool
        Restricted likelihood ratio (Eq. 9 of the paper), or likelihood ratio (Eq. 6) of the
        variance alone.

    Returns
    -------
    ndarray, shape (n,)
    """
    mu, df = spectrum.mu, spectrum.n - spectrum.p
    if not len(mu):
        return np.zeros(n)
    logs = mu if reml else spectrum.xi
    factor = df if reml else spectrum.n
    size = max(1, _CHUNK // max(len(mu), _POINTS))
    draws = []
    for start in range(0, n, size):
        m = min(size, n - start)
        squares = rng.chisquare(1.0, (m, len(mu)))
        rest = rng.chisquare(df - len(mu), m) if df > len(mu) else np.zeros(m)
        draws.append(_largest(squares, rest, mu, logs, float(factor)))
    return np.concatenate(draws)


def _largest(squares: Float, rest: Float, mu: Float, logs: Float, factor: float) -> Float:
    """Largest criterion over lambda >= 0, for every row of squares."""
    total = squares.sum(axis=1) + rest

    def criterion(lam: Float) -> Float:
        """Criterion at a lambda for every row, lam of shape (m,)."""
        left = np.sum(squares / (1.0 + lam[:, None] * mu), axis=1) + rest
        value: Float = factor * np.log(total / left) - _log_determinant(lam, logs)
        return value

    at = np.linspace(np.log(1e-5 / mu.max()), np.log(1e5 / mu.min()), _POINTS)
    grid = np.exp(at)
    left = squares @ (1.0 / (1.0 + np.outer(mu, grid))) + rest[:, None]
    values = factor * np.log(total[:, None] / left) - _log_determinant(grid, logs)
    best = values.argmax(axis=1)
    step = at[1] - at[0]
    low, high = at[best] - step, at[best] + step
    for _ in range(_STEPS):  # golden section
        inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = criterion(np.exp(inner)) > criterion(np.exp(outer))
        low, high = np.where(lower, low, inner), np.where(lower, outer, high)
    found: Float = np.maximum(criterion(np.exp((low + high) / 2.0)), values.max(axis=1))
    return np.maximum(found, 0.0)


def _log_determinant(lam: Float, eigenvalues: Float) -> Float:
    """Sum of ``log(1 + lambda eigenvalue)`` for every lambda; equal eigenvalues taken together."""
    distinct, counts = np.unique(eigenvalues, return_counts=True)
    total: Float = np.log1p(np.outer(lam, distinct)) @ counts.astype(np.float64)
    return total
