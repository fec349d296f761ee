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

# Eigenvalues of a matrix of groups by groups, fewer where groups are alike: 128 MB, half a minute.
MOST_GROUPS = 4000
# An eigenvalue is zero below this part of the largest.
_ZERO = 1e-10
# Points of lambda, between which the maximum is looked for, and most steps of the search, which
# ends when the logarithm of lambda moves by less than _CLOSE: the criterion then by its square.
_POINTS, _STEPS, _CLOSE = 100, 40, 1e-6
# Values held at a time: 32 MB.
_CHUNK = 4_000_000


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
        For more than ``MOST_GROUPS`` groups that differ in ``Z' Z``.
    """
    root = np.ones(len(X)) if weights is None else np.sqrt(weights)
    Q = np.linalg.qr(X * (root[:, None] / np.abs(X).max(axis=0)))[0]
    column = z * root
    xi: Float = np.bincount(codes, column**2, n_levels).astype(np.float64)
    C: Float = np.empty((Q.shape[1], n_levels))
    for row, q in zip(C, Q.T, strict=True):
        row[:] = np.bincount(codes, column * q, n_levels)
    mu = _eigenvalues(xi, C)
    positive = mu[mu > _ZERO * max(float(mu.max(initial=0.0)), float(xi.max()))]
    return Spectrum(positive, xi, *X.shape)


def _eigenvalues(xi: Float, C: Float) -> Float:
    """Eigenvalues of ``diag(xi) - C'C``, C of shape (p, q).

    Among m equal xi there are m - p directions that C does not see: there xi itself is an
    eigenvalue. What is left is a matrix of p rows for every distinct xi.
    """
    p = len(C)
    values, member, counts = np.unique(xi, return_inverse=True, return_counts=True)
    order, starts = np.argsort(member, kind="stable"), np.cumsum(counts) - counts
    single = counts[member] <= p
    diagonal, columns, known = [xi[single]], [C[:, single]], []
    for k in np.flatnonzero(counts > p):
        own = order[starts[k] : starts[k] + counts[k]]
        root: Float = np.asarray(np.linalg.qr(C[:, own].T, mode="r"))
        columns.append(root.T)
        diagonal.append(np.full(p, values[k]))
        known.append(np.full(counts[k] - p, values[k]))
    left, seen = np.concatenate(diagonal), np.concatenate(columns, axis=1)
    if len(left) > MOST_GROUPS:
        raise NotSupportedError(
            f"The exact test needs the eigenvalues of a matrix of {len(left)} x {len(left)}, about "
            f"one row per group; it is made for up to {MOST_GROUPS}. With so many groups the "
            "mixture in ranova() is close, or simulate with bootstrap_lrt()."
        )
    found = np.linalg.eigvalsh(np.diag(left) - seen.T @ seen)
    mu: Float = np.sort(np.concatenate([found, *known]))
    return mu


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
    distinct, counts = np.unique(mu, return_counts=True)
    size = max(1, _CHUNK // max(len(distinct), _POINTS))
    draws = []
    for start in range(0, n, size):
        m = min(size, n - start)
        squares = rng.chisquare(counts, (m, len(distinct)))
        rest = rng.chisquare(df - len(mu), m) if df > len(mu) else np.zeros(m)
        draws.append(_largest(squares, rest, distinct, logs, float(factor)))
    return np.concatenate(draws)


def _largest(squares: Float, rest: Float, mu: Float, logs: Float, factor: float) -> Float:
    """Largest criterion over lambda >= 0, for every row of squares."""
    total = squares.sum(axis=1) + rest
    distinct, times = np.unique(logs, return_counts=True)
    counts = times.astype(np.float64)
    at = np.linspace(np.log(1e-5 / mu.max()), np.log(1e5 / mu.min()), _POINTS)
    left = squares @ (1.0 / (1.0 + np.outer(mu, np.exp(at)))) + rest[:, None]
    determinant = np.log1p(np.outer(np.exp(at), distinct)) @ counts
    values = factor * np.log(total[:, None] / left) - determinant
    best = values.argmax(axis=1)
    found: Float = np.maximum(values.max(axis=1), 0.0)
    inside = np.flatnonzero(best)  # the others have their maximum at lambda = 0
    if len(inside):
        start = at[best[inside]]
        peak = _Criterion(squares[inside], rest[inside], mu, distinct, counts, factor)
        lam = _climb(peak, start, at[1] - at[0])
        highest = factor * np.log(total[inside]) + peak.values(lam)
        found[inside] = np.maximum(found[inside], highest)
    return found


@dataclass(frozen=True, slots=True)
class _Criterion:
    """The criterion of every row of squares at a logarithm of lambda of its own."""

    squares: Float
    rest: Float
    mu: Float
    logs: Float
    counts: Float
    factor: float

    def values(self, at: Float) -> Float:
        """The criterion without the logarithm of the total."""
        left = np.sum(self.squares / (1.0 + np.outer(np.exp(at), self.mu)), axis=1) + self.rest
        determinant = np.log1p(np.outer(np.exp(at), self.logs)) @ self.counts
        value: Float = -self.factor * np.log(left) - determinant
        return value

    def derivatives(self, at: Float) -> tuple[Float, Float]:
        """First and second derivative by the logarithm of lambda."""
        w = 1.0 / (1.0 + np.outer(np.exp(at), self.mu))
        s1 = self.squares * w
        s2 = s1 * w
        one, two, three = s1.sum(axis=1), s2.sum(axis=1), np.einsum("ij,ij->i", s2, w)
        left, falls = one + self.rest, one - two
        bends = one - 3.0 * two + 2.0 * three
        v = 1.0 / (1.0 + np.outer(np.exp(at), self.logs))
        first = self.factor * falls / left - (1.0 - v) @ self.counts
        second = self.factor * ((falls / left) ** 2 - bends / left)
        return first, second - (v * (1.0 - v)) @ self.counts


def _climb(criterion: _Criterion, start: Float, step: float) -> Float:
    """The maximum near every start, by Newton's method between bounds that the slope moves."""
    at, low, high = start, start - step, start + step
    for _ in range(_STEPS):
        first, second = criterion.derivatives(at)
        low, high = np.where(first > 0.0, at, low), np.where(first > 0.0, high, at)
        newton = at - first / np.where(second < 0.0, second, -np.inf)
        usable = (second < 0.0) & (newton >= low) & (newton <= high)
        following = np.where(usable, newton, (low + high) / 2.0)
        moved, at = np.abs(following - at).max(), following
        if moved < _CLOSE:
            break
    return at
