"""Joint covariance matrix of the errors of fixed and random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import NotSupportedError

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["effect_offsets", "joint_covariance"]

# Fixed and random effects in one dense matrix: 300 MB, and a few such on the way.
_LARGEST = 6000


def effect_offsets(matrices: ModelMatrices) -> IndexArray:
    """Position of the first effect of every term in the joint covariance; its size at the end."""
    sizes = [len(t.names) * matrices.factors[t.factor].n_levels for t in matrices.terms]
    offsets: IndexArray = np.cumsum([matrices.X.shape[1], *sizes], dtype=np.intp)
    return offsets


def joint_covariance(matrices: ModelMatrices, state: FitState) -> Float:
    """Covariance matrix of ``(beta_hat - beta, b_hat - b)``, variances taken as known.

    ``sigma**2`` times the inverse of the matrix of Henderson's mixed-model equations (Henderson
    1975, Biometrics 31, 423-447), in the spherical random effects so that singular covariances
    need no inverse: with ``M = Lambda'Z'WZ Lambda + I``, ``G = -Lambda M^-1 Lambda'Z'WX`` and Phi
    the covariance of beta, the blocks are ``Phi``, ``G Phi`` and ``sigma**2 Lambda M^-1 Lambda' +
    G Phi G'``.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.

    Returns
    -------
    ndarray, shape (p + q, p + q)
        Kept fixed effects first, then every term's effects, level by level.

    Raises
    ------
    NotSupportedError
        If p + q is above 6,000.
    """
    size = int(effect_offsets(matrices)[-1])
    if size > _LARGEST:
        raise NotSupportedError(
            f"The joint covariance of {size:,} fixed and random effects would take "
            f"{8e-9 * size**2:.1f} GB; the limit is {_LARGEST:,} effects. Conditional standard "
            "deviations are in ranef(), standard errors of predictions in predict(newdata, "
            "interval='confidence'), and functions of many effects have intervals by bootstrap()."
        )
    p = matrices.X.shape[1]
    root = np.ones(matrices.n_rows) if matrices.weights is None else np.sqrt(matrices.weights)
    Q, R = np.linalg.qr(matrices.X * root[:, None])
    T, Lambda = _spherical_columns(matrices, state, root)
    inverse = np.linalg.inv((T.T @ T).toarray() + np.eye(size - p))
    B = inverse @ (T.T @ Q)
    F = np.linalg.inv(Q.T @ (Q - T @ B))
    S = Lambda @ (Lambda @ (inverse + B @ F @ B.T)).T
    joint = np.empty((size, size))
    joint[:p, :p] = state.vcov
    joint[p:, :p] = -(Lambda @ np.linalg.solve(R, (B @ F).T).T) * state.sigma**2
    joint[:p, p:] = joint[p:, :p].T
    joint[p:, p:] = state.sigma**2 * S
    return (joint + joint.T) / 2.0


def _spherical_columns(matrices: ModelMatrices, state: FitState, root: Float) -> tuple[Any, Any]:
    """``W^(1/2) Z Lambda`` (n, q) and Lambda (q, q), sparse."""
    from scipy import sparse

    n = matrices.n_rows
    columns, factors = [sparse.csr_array((n, 0))], [sparse.csr_array((0, 0))]
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        factor, k = matrices.factors[term.factor], len(term.names)
        values = (term.z * root[:, None]) @ fitted.relative_factor
        places = k * factor.codes.astype(np.intp)[:, None] + np.arange(k)
        starts = k * np.arange(n + 1)
        shape = (n, k * factor.n_levels)
        columns.append(sparse.csr_array((values.ravel(), places.ravel(), starts), shape))
        factors.append(sparse.kron(sparse.eye_array(factor.n_levels), fitted.relative_factor))
    return sparse.hstack(columns, format="csr"), sparse.block_diag(factors, format="csr")
