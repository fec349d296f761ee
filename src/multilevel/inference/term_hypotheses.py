"""Hypotheses of terms: sequential (type I), by containment (II) and of equal weights (III).

Following the four types of estimable functions (Goodnight 1978, SAS Technical Report R-101; Searle
1987, Linear Models for Unbalanced Data, chapters 4 and 12): every term is written with a column for
each level of its factors, however the model codes them. The columns span the same space as X, so
the hypotheses do not depend on the coding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from multilevel.typing import Float, IndexArray

    Mask = npt.NDArray[np.bool_]

__all__ = ["TermSpace", "term_space"]

# What others leave of a column, as a part of its length: below it the column adds nothing. The
# columns of X themselves are kept down to 1e-7.
_NOTHING = 1e-9
# A weight this small against the length of its column is rounding.
_ROUNDING = 1e-12
_CHUNK = 1 << 15


@dataclass(frozen=True, slots=True)
class TermSpace:
    """Over-parametrised columns of all terms in the coordinates of an orthonormal basis Q of X.

    A linear function ``L beta`` of the fixed effects is ``u' R beta``; on the over-parametrised
    coefficients it has the weights ``u' H``.

    Attributes
    ----------
    R : ndarray, shape (p, p)
        ``X = Q R``.
    H : ndarray, shape (p, p_over)
        ``Q' X_over``; ``X_over = Q H``.
    term : ndarray of intp, shape (p_over,)
        Term of each column.
    within : ndarray of bool, shape (n_terms, n_terms)
        ``within[s, t]`` tells whether term s is contained in term t: both have the same
        covariates, and t has all factors of s and others besides.
    intercept : int or None
        The term that is the constant 1, if there is one.
    """

    R: Float
    H: Float
    term: IndexArray
    within: Mask
    intercept: int | None

    def sequential(self, t: int) -> Float:
        """Type I: term t after the terms before it; L of shape (df, p)."""
        return self._after(t, np.arange(len(self.within)) < t)

    def by_containment(self, t: int) -> Float:
        """Type II: term t after all terms that do not contain it; L of shape (df, p)."""
        others = ~self.within[t]
        others[t] = False
        return self._after(t, others)

    def last(self, t: int) -> Float:
        """Term t after all others: what is lost when it is dropped; L of shape (df, p)."""
        return self._after(t, np.arange(len(self.within)) != t)

    def equal_weights(self, t: int) -> Float:
        """Type III of term t; L of shape (df, p).

        The estimable functions of t and the terms that contain it alone, orthogonal to those of
        the terms that contain it. With data in all cells these are functions of the unweighted
        means of cells.
        """
        containing = self.within[t]
        own = containing.copy()
        own[t] = True
        functions = self._free_of(~own)
        nested = self._free_of(~containing)
        columns = own[self.term]
        products = (nested.T @ self.H[:, columns]) @ (functions.T @ self.H[:, columns]).T
        # The functions of the containing terms are among these: the dimensions are known.
        weights = np.linalg.svd(products)[2][nested.shape[1] :]
        return self._contrasts(weights @ functions.T, t)

    def complement(self, t: int) -> Float:
        """Combinations of the columns of X that span the other terms, shape (p, p - df)."""
        basis = self._span(np.arange(len(self.within)) != t)
        return np.linalg.solve(self.R, basis).astype(np.float64, copy=False)

    def _after(self, t: int, others: Mask) -> Float:
        """Span of the columns of t less their projections on the others."""
        basis = self._span(others)
        columns = self._lengthened(self.H[:, self.term == t], others)
        left = columns - basis @ (basis.T @ columns)
        vectors, values, _ = np.linalg.svd(left, full_matrices=False)
        return self._contrasts(vectors[:, values > _NOTHING].T, t)

    def _free_of(self, terms: Mask) -> Float:
        """Orthonormal functions with no weight on the columns of some terms, shape (p, k)."""
        basis = self._span(terms)
        free: Float = np.linalg.svd(basis)[0][:, basis.shape[1] :]
        return free

    def _span(self, terms: Mask) -> Float:
        """Orthonormal basis of the columns of some terms, shape (p, rank)."""
        first = self._constant(terms)
        columns = self._lengthened(self.H[:, terms[self.term]], terms)
        vectors, values, _ = np.linalg.svd(columns, full_matrices=False)
        return np.hstack([first, vectors[:, values > _NOTHING]])

    def _lengthened(self, columns: Float, terms: Mask) -> Float:
        """Columns of length 1, about their means if the constant is among the terms.

        A covariate far from zero is nearly constant; what matters of it is how it varies.
        """
        first = self._constant(terms)
        size = np.linalg.norm(columns, axis=0)
        rest = columns - first @ (first.T @ columns)
        rest -= first @ (first.T @ rest)
        length = np.linalg.norm(rest, axis=0)
        varies = length > 1e-10 * size
        lengthened: Float = rest[:, varies] / length[varies]
        return lengthened

    def _constant(self, terms: Mask) -> Float:
        """Direction of the constant, shape (p, 1), or nothing, shape (p, 0)."""
        if self.intercept is None or not terms[self.intercept]:
            return np.empty((len(self.H), 0))
        column = self.H[:, self.term == self.intercept]
        direction: Float = column / np.linalg.norm(column)
        return direction

    def _contrasts(self, functions: Float, t: int) -> Float:
        """Weights ``u' R`` of functions u, in a form that does not depend on the coding.

        Some degrees of freedom depend on the contrasts that span a hypothesis. These are reduced
        to echelon form on the over-parametrised columns of the term, the last first: differences
        from the first level.
        """
        own = np.flatnonzero(self.term == t)[::-1]
        reduced = _echelon(functions @ self.H[:, own], functions)
        L: Float = reduced @ self.R
        size = np.linalg.norm(reduced, axis=1)[:, None] * np.linalg.norm(self.R, axis=0)
        return np.where(np.abs(L) <= _ROUNDING * size, 0.0, L)


def _echelon(weights: Float, functions: Float) -> Float:
    """Combine functions so that their weights are in reduced echelon form."""
    rows = np.hstack([weights, functions])
    tiny = 1e-10 * np.abs(weights).max(axis=0, initial=0.0)
    done = 0
    for j in range(weights.shape[1]):
        if done == len(rows):
            break
        best = done + int(np.abs(rows[done:, j]).argmax())
        if np.abs(rows[best, j]) <= tiny[j]:
            continue
        rows[[done, best]] = rows[[best, done]]
        rows[done] /= rows[done, j]
        others = np.arange(len(rows)) != done
        rows[others] -= rows[others, j, None] * rows[done]
        done += 1
    return rows[:, weights.shape[1] :]


def term_space(
    X: Float,
    columns: Callable[[slice], Float],
    term: IndexArray,
    within: Mask,
    intercept: int | None,
) -> tuple[TermSpace, Float]:
    """Express over-parametrised columns in a basis of X.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Fixed-effects columns, of full rank.
    columns : callable
        Over-parametrised columns of the rows of a slice, shape (rows, p_over); they are made piece
        by piece, because they may be many more than those of X.
    term, within, intercept
        As in :class:`TermSpace`.

    Returns
    -------
    tuple of (TermSpace, ndarray of shape (p_over,))
        With the largest distance of each column from the space of X, as a part of its size.
    """
    scale = np.abs(X).max(axis=0, initial=0.0)
    Q, R = np.linalg.qr(X / scale)
    pieces = [slice(start, start + _CHUNK) for start in range(0, len(X), _CHUNK)]
    H = np.zeros((X.shape[1], len(term)))
    size = np.zeros(len(term))
    for piece in pieces:
        block = columns(piece)
        H += Q[piece].T @ block
        size = np.maximum(size, np.abs(block).max(axis=0, initial=0.0))
    gap = np.zeros(len(term))
    for piece in pieces:
        distance = np.abs(columns(piece) - Q[piece] @ H)
        gap = np.maximum(gap, distance.max(axis=0, initial=0.0))
    relative = gap / np.where(size > 0.0, size, 1.0)
    return TermSpace(R * scale, H, term, within, intercept), relative
