"""How far predictions may be from what they predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.prediction.joint_covariance import effect_offsets, joint_covariance
from multilevel.prediction.predict import fixed_part, random_part
from multilevel.solver.prediction_errors import row_variances

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from multilevel.design.matrices import ModelMatrices
    from multilevel.solver.linear import LinearProblem
    from multilevel.solver.prediction_errors import Sensitivity
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

    Mask = npt.NDArray[np.bool_]

__all__ = ["PredictedRows", "error_variances", "unknown_variances"]

# Rows whose quadratic forms are taken at a time.
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class PredictedRows:
    """Rows to be predicted, and the random effects that count in them.

    Attributes
    ----------
    X : ndarray, shape (m, p)
        Kept fixed-effects columns.
    offset : ndarray, shape (m,), or None
        Known part of the linear predictor.
    z : tuple of ndarray, shape (m, k)
        Columns of every random-effects term; empty where no random effects are asked for.
    codes : tuple of ndarray of int32, shape (m,)
        Group of each row, per grouping factor; -1 for a group that the fit has not seen.
    chosen : tuple of ndarray of bool, shape (k,)
        Per term, the effects that are part of the prediction.
    """

    X: Float
    offset: Float | None
    z: tuple[Float, ...]
    codes: tuple[Int, ...]
    chosen: tuple[Mask, ...]

    def take(self, where: IndexArray) -> PredictedRows:
        """The rows at some positions, in order."""
        if len(where) == len(self.X):
            return self
        offset = None if self.offset is None else self.offset[where]
        z, codes = tuple(z[where] for z in self.z), tuple(c[where] for c in self.codes)
        return PredictedRows(self.X[where], offset, z, codes, self.chosen)

    def means(self, matrices: ModelMatrices, state: FitState) -> Float:
        """Predicted means, shape (m,): NaN for a row with a missing value."""
        eta = fixed_part(self.X, state.beta, self.offset)
        for t, mask in enumerate(self.chosen):
            if mask.any():
                codes = self.codes[matrices.terms[t].factor]
                eta += random_part(self.z[t], codes, state.terms[t].modes, mask)
        return eta

    def known(self, matrices: ModelMatrices) -> tuple[Float, ...]:
        """Columns of the terms, zero where the prediction has no mode for the effect."""
        return tuple(
            np.where((self.codes[term.factor] >= 0)[:, None] & mask, z, 0.0)
            for term, z, mask in zip(matrices.terms, self.z, self.chosen, strict=True)
        )


def error_variances(
    problem: LinearProblem, state: FitState, moves: Sensitivity, rows: PredictedRows
) -> Float:
    """Variance of the error of predicted means, shape (m,).

    The error is that of ``x' beta + z' b`` over the known effects: covariance of fixed effects and
    conditional modes given the variances (see :func:`joint_covariance`), plus what the estimated
    variances add, ``J C J'`` with J the derivative of the prediction in them and C their large-
    sample covariance (Kackar & Harville 1984, J. Am. Stat. Assoc. 79, 853-862).

    Parameters
    ----------
    problem : LinearProblem
        The model.
    state : FitState
        Its fit.
    moves : Sensitivity
        Derivatives of its estimates.
    rows : PredictedRows
        What is predicted.

    Raises
    ------
    NotSupportedError
        In a large model, if a row combines groups that never occur together in the data.
    """
    matrices = problem.matrices
    known = rows.known(matrices)
    out = np.empty(len(rows.X))
    like = _matching_rows(matrices, rows.codes, known, len(rows.X))
    found = like >= 0
    if found.any():
        z = [part[found] for part in known]
        seen = [factor.codes[like[found]] for factor in matrices.factors]
        out[found] = row_variances(problem, state, rows.X[found], z, seen)
    if not found.all():
        rest = ~found
        z, codes = [part[rest] for part in known], [np.maximum(c[rest], 0) for c in rows.codes]
        out[rest] = _dense_variances(matrices, state, rows.X[rest], z, codes)
    J = np.zeros((len(out), len(moves.beta)))
    for a, d_beta in enumerate(moves.beta):
        J[:, a] = fixed_part(rows.X, d_beta, None)
        for term, z_t, d_modes in zip(matrices.terms, known, moves.modes, strict=True):
            J[:, a] += random_part(z_t, rows.codes[term.factor], d_modes[a])
    out += np.einsum("ia,ab,ib->i", J, moves.covariance, J)
    return out


def unknown_variances(matrices: ModelMatrices, state: FitState, rows: PredictedRows) -> Float:
    """Variance of the random effects that a prediction leaves at zero, shape (m,).

    Raises
    ------
    NotSupportedError
        If a prediction includes some effects of a term and not others that are correlated with
        them.
    """
    total = np.zeros(len(rows.X))
    known = rows.known(matrices)
    terms = zip(matrices.terms, state.terms, rows.z, known, rows.chosen, strict=True)
    for term, fitted, z, in_use, mask in terms:
        if mask.any() and not mask.all() and term.covariance == "unstructured":
            raise NotSupportedError(
                f"re_form names some effects of {term.label} and not others, but they are "
                "correlated, so a prediction interval would have to condition on them; name the "
                "whole term or none of it, or ask for interval='confidence'."
            )
        left = z - in_use
        total += np.einsum("ij,jk,ik->i", left, fitted.covariance, left)
    return total


def _matching_rows(
    matrices: ModelMatrices, codes: Sequence[Int], known: Sequence[Float], m: int
) -> IndexArray:
    """For every row one of the data with the same groups where effects are known, or -1."""
    if all(new is factor.codes for new, factor in zip(codes, matrices.factors, strict=True)):
        return np.arange(m, dtype=np.intp)  # the rows of the data themselves
    active = np.zeros((m, len(matrices.factors)), dtype=bool)
    for term, z in zip(matrices.terms, known, strict=True):
        active[:, term.factor] |= (z != 0.0).any(axis=1)
    like = np.empty(m, dtype=np.intp)
    for pattern in np.unique(active, axis=0):
        rows = np.flatnonzero((active == pattern).all(axis=1))
        factors = np.flatnonzero(pattern).tolist()
        like[rows] = (
            _find([matrices.factors[f].codes for f in factors], [codes[f][rows] for f in factors])
            if factors
            else 0
        )
    return like


def _find(data: Sequence[Int], wanted: Sequence[Int]) -> IndexArray:
    """First row of the data with the same codes as each wanted row, or -1."""
    n = len(data[0])
    key = np.zeros(n + len(wanted[0]), dtype=np.intp)
    for column, new in zip(data, wanted, strict=True):
        both = np.concatenate([column, new]).astype(np.intp)
        key = np.unique(key * (both.max() + 1) + both, return_inverse=True)[1]
    first = np.full(key.max() + 1, -1, dtype=np.intp)
    first[key[:n][::-1]] = np.arange(n - 1, -1, -1)
    return first[key[n:]]


def _dense_variances(
    matrices: ModelMatrices, state: FitState, X: Float, z: Sequence[Float], codes: Sequence[Int]
) -> Float:
    """The same as :func:`row_variances`, for any combination of groups, from the dense matrix."""
    try:
        joint = joint_covariance(matrices, state)
    except NotSupportedError as error:
        raise NotSupportedError(
            "Some rows combine groups that never occur together in the data, and the model is too "
            "large for the covariance of their effects. Leave a factor out with re_form=, or "
            "predict such rows in a fit to fewer groups."
        ) from error
    p, offsets = X.shape[1], effect_offsets(matrices)
    places = [np.broadcast_to(np.arange(p), X.shape)]
    for t, term in enumerate(matrices.terms):
        k = len(term.names)
        places.append(offsets[t] + k * codes[term.factor].astype(np.intp)[:, None] + np.arange(k))
    where, values = np.hstack(places), np.hstack([X, *z])
    out = np.empty(len(X))
    for start in range(0, len(X), _CHUNK):
        at, a = where[start : start + _CHUNK], values[start : start + _CHUNK]
        block = joint[at[:, :, None], at[:, None, :]]
        out[start : start + _CHUNK] = np.einsum("ij,ijk,ik->i", a, block, a)
    return out
