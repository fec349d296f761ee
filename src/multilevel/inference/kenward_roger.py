"""Kenward & Roger's adjusted covariance matrix, degrees of freedom and scaled F test.

Kenward & Roger (1997), Biometrics 53, 983-997, for a covariance matrix of the response that is
linear in its parameters (variances and covariances); Halekoh & Hojsgaard (2014), J. Stat. Softw.
59(9). With ``V_a`` the derivatives of V (relative to the residual variance, which cancels),

    P_a = -X'V^-1 V_a V^-1 X,  Q_ab = X'V^-1 V_a V^-1 V_b V^-1 X,  F = (X'V^-1 X)^-1,
    W = 2 [tr(P V_a P V_b)]^-1,  vcov = s2 (F + 2 F sum_ab W_ab (Q_ab - P_a F P_b) F).

All sums run over connected components and, by Woodbury's identity, over matrices of the size of
their random effects: ``V^-1 = I - Z L M^-1 L'Z'``, ``M = L'Z'Z L + I``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from multilevel.covariance.tangent import tangent_directions
from multilevel.exceptions import MultilevelWarning, NotSupportedError, warn
from multilevel.inference.components import batches
from multilevel.inference.degrees_of_freedom import JointTest, f_test, uncorrelated, variances
from multilevel.moments.scaling import scale_design

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.inference.components import Batch
    from multilevel.moments.scaling import ScaledDesign
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["KenwardRoger", "kenward_roger"]

# A relative margin below which the scaling of F is that of infinite degrees of freedom.
_CLOSE = 1e-10
# Information, relative to that of a parameter alone, below which a combination of them has none.
_REDUNDANT = 1e-10
_TOO_LITTLE = (
    "The adjustment of Kenward and Roger makes the variance of some contrast of the fixed effects "
    "negative: there are too few rows or groups to estimate the variances by which it adjusts. Use "
    "df_method='satterthwaite'."
)


@dataclass(frozen=True, slots=True)
class KenwardRoger:
    """Tests by the method of Kenward & Roger.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Fixed effects.
    vcov : ndarray, shape (p, p)
        Adjusted covariance matrix.
    root, unadjusted : ndarray, shape (p, p)
        Roots of this matrix and of the covariance matrix ``s2 F`` of the fit.
    basis : ndarray, shape (p, p)
        A contrast L of the coefficients is ``L @ basis`` in the coordinates of ``changes``.
    changes : ndarray, shape (a, p, p)
        ``F P_a F`` times s2, in the order of the variance parameters (the residual last).
    W : ndarray, shape (a, a)
        Covariance matrix of the variance parameters, relative to s2.
    note : str or None
        That a singular fit was reduced first.
    """

    beta: Float
    vcov: Float
    root: Float
    unadjusted: Float
    basis: Float
    changes: Float
    W: Float
    note: str | None

    @property
    def label(self) -> str:
        """Name of the method."""
        return "Kenward-Roger"

    def df(self, L: Float) -> Float:
        """Degrees of freedom of every row of L (m, p), shape (m,): ``2 / A_2`` for one contrast."""
        variance, scaled = variances(L, self.unadjusted), L @ self.basis
        change = np.einsum("ij,ajk,ik->ia", scaled, self.changes, scaled)
        with np.errstate(divide="ignore", invalid="ignore"):
            df: Float = 2.0 * variance**2 / np.einsum("ia,ab,ib->i", change, self.W, change)
        return df

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """F test of ``L beta = null``, scaled so that its first two moments are those of F.

        NaN, with a warning, where no F distribution has them: too few groups for the contrasts.
        """
        from scipy.special import chdtrc, fdtrc

        plain = f_test(self, L, null, np.inf)
        basis = uncorrelated(L, self.unadjusted)
        q = len(basis)
        if q == 0:
            return plain
        scaled = basis @ (L @ self.basis)
        moved = scaled @ self.changes @ scaled.T
        traces = np.trace(moved, axis1=1, axis2=2)
        a1 = float(traces @ self.W @ traces)
        a2 = float(np.einsum("ab,aij,bji->", self.W, moved, moved))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale, df = _scaling(q, a1, a2)
        if not (scale > 0.0 and df > 0.0):
            warn(
                f"The test of {q} contrasts by the method of Kenward and Roger is NaN: no F "
                "distribution has the moments of its statistic, because there are too few groups. "
                "Use df_method='satterthwaite', or bootstrap_lrt().",
                MultilevelWarning,
            )
            return JointTest(np.nan, q, np.nan, np.nan)
        statistic = scale * plain.statistic
        p_value = chdtrc(q, q * statistic) if np.isinf(df) else fdtrc(q, df, statistic)
        return JointTest(statistic, q, df, float(p_value))


def _scaling(q: int, a1: float, a2: float) -> tuple[float, float]:
    """Factor lambda of F and its denominator degrees of freedom m (Kenward & Roger 1997, Sec. 3).

    Where the mean of the approximating F does not exist (m = 2), its ratios are taken in the limit.
    """
    if q == 1:
        return 1.0, 2.0 / a2
    b = (a1 + 6.0 * a2) / (2.0 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    common = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / common, (q - g) / common, (q + 2 - g) / common
    v0, v1, v2 = 1.0 + c1 * b, 1.0 - c2 * b, 1.0 - c3 * b
    inverse_mean = 1.0 - a2 / q
    share = 1.0 if max(abs(inverse_mean), abs(v1)) < _CLOSE else np.divide(inverse_mean, v1)
    ratio = share**2 * np.divide(v0, v2)  # q rho, rho = V / (2 E^2)
    if abs(ratio - 1.0) <= _CLOSE:
        return 1.0, np.inf
    df = 4.0 + (q + 2) / (ratio - 1.0)
    return (1.0 if abs(df - 2.0) < 1e-2 else df * inverse_mean / (df - 2.0)), df


def kenward_roger(matrices: ModelMatrices, state: FitState) -> KenwardRoger:
    """Kenward & Roger's tests of a fit by REML.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.

    Raises
    ------
    NotSupportedError
        For a fit by maximum likelihood, where crossed factors connect more than 8,000 random
        effects, and where the adjusted covariance matrix is not positive definite.
    """
    if not state.reml:
        raise NotSupportedError(
            "The method of Kenward and Roger is derived for REML, and this fit is by maximum "
            "likelihood: use fit.refit(reml=True), or df_method='satterthwaite'."
        )
    design = scale_design(matrices)
    Q, turn = design.W[:, :-1], np.asarray(np.linalg.inv(design.R), dtype=np.float64)
    columns, factors = _scaled_terms(matrices, state, design)
    directions = [
        tangent_directions(factor, term.covariance)
        for term, factor in zip(matrices.terms, factors, strict=True)
    ]
    sums = _Sums(directions, Q.shape[1], float(state.nobs))
    if matrices.terms:
        for batch in batches(matrices, columns, Q, "Kenward-Roger"):
            sums.add(batch, factors)
    s2 = state.sigma**2
    F = np.asarray(np.linalg.inv(sums.XVX), dtype=np.float64)
    FP = F @ sums.P
    information = sums.traces - 2.0 * np.einsum("ij,abji->ab", F, sums.Q)
    information += np.einsum("aij,bji->ab", FP, FP)
    W = 2.0 * _inverse(information)
    middle = np.einsum("ab,abij->ij", W, sums.Q - np.einsum("aij,bjk->abik", sums.P, FP))
    middle = (middle + middle.T) / 2.0
    adjusted = s2 * (F + 2.0 * F @ middle @ F)
    _check_positive(adjusted, s2 * F)
    note = None
    if state.is_singular:
        note = (
            "Covariance matrix and degrees of freedom are those of the reduced model, in which "
            "what the singular fit set to zero is taken as zero."
        )
    return KenwardRoger(
        beta=state.beta,
        vcov=turn @ adjusted @ turn.T,
        root=turn @ np.linalg.cholesky(adjusted),
        unadjusted=state.root,
        basis=turn,
        changes=s2 * (FP @ F),
        W=W,
        note=note,
    )


def _check_positive(adjusted: Float, unadjusted: Float) -> None:
    """Refuse an adjusted covariance matrix that gives some contrast no variance."""
    try:
        root = np.linalg.inv(np.linalg.cholesky(unadjusted))
        ratios = np.linalg.eigvalsh(root @ adjusted @ root.T)
    except np.linalg.LinAlgError:
        raise NotSupportedError(_TOO_LITTLE) from None
    if not (ratios > 0.0).all():
        raise NotSupportedError(_TOO_LITTLE)


def _scaled_terms(
    matrices: ModelMatrices, state: FitState, design: ScaledDesign
) -> tuple[list[Float], list[Float]]:
    """Columns of every term, orthogonal and weighted, and its relative factor for them."""
    blocks = {
        term: (slice(start, start + len(matrices.terms[term].names)), factor)
        for factor in design.factors
        for term, start in zip(factor.terms, factor.starts, strict=True)
    }
    columns, factors = [], []
    for t, (term, part) in enumerate(zip(matrices.terms, state.terms, strict=True)):
        span, scaled = blocks[t]
        root = design.root_weights
        z = term.z @ scaled.transform[span, span]
        columns.append(z if root is None else z * root[:, None])
        factors.append(scaled.inverse[span, span] @ part.relative_factor)
    return columns, factors


def _inverse(information: Float) -> Float:
    """Inverse of a symmetric matrix, but for parameters of which the data know combinations only.

    Such parameters name one and the same change of V, and what follows does not depend on how it is
    shared out between them.
    """
    if not (information.diagonal() > 0.0).all():
        raise NotSupportedError(_TOO_LITTLE)
    scale = 1.0 / np.sqrt(information.diagonal())
    scaled = information * np.outer(scale, scale)
    inverse = np.linalg.pinv(scaled, rcond=_REDUNDANT, hermitian=True)
    return np.asarray(inverse, dtype=np.float64) * np.outer(scale, scale)


class _Sums:
    """Sums over components; a runs over the parameters of all terms, the residual variance last."""

    def __init__(self, directions: list[Float], p: int, n: float) -> None:
        self.directions = directions
        self.owner = [t for t, E in enumerate(directions) for _ in E]
        a = len(self.owner) + 1
        self.XVX = np.eye(p)
        self.P = np.zeros((a, p, p))
        self.Q = np.zeros((a, a, p, p))
        self.traces = np.zeros((a, a))
        self.P[-1] = -np.eye(p)
        self.Q[-1, -1] = np.eye(p)
        self.traces[-1, -1] = n

    def add(self, batch: Batch, factors: list[Float]) -> None:
        """Add the components of a batch."""
        A, B = batch.ZZ, batch.ZX
        blocks = [np.kron(np.eye(n), f) for n, f in zip(batch.levels, factors, strict=True)]
        spans = _spans([len(block) for block in blocks])
        lam = np.zeros(A.shape[1:])
        for span, block in zip(spans, blocks, strict=True):
            lam[span, span] = block
        Minv = np.linalg.inv(lam.T @ A @ lam + np.eye(len(lam)))
        LML = lam @ Minv @ lam.T
        S = LML @ B  # L M^-1 L'Z'X
        AL = A @ LML
        N, K = B - A @ S, A - AL @ A
        X2X = -_gram(B, S) - _gram(S, B) + _gram(S, A @ S)  # what X'V^-2 X lacks of X'X
        Z2X, Z2Z = N - K @ S, K - K @ AL.swapaxes(1, 2)
        self.XVX -= _gram(B, S)
        self.P[-1] -= X2X
        self.Q[-1, -1] += X2X - _gram(Z2X, S)
        self.traces[-1, -1] += float(np.sum(Minv * Minv.swapaxes(1, 2))) - A.shape[0] * len(lam)
        self._add_terms(batch, spans, N, K, Z2X, Z2Z)

    def _add_terms(
        self, batch: Batch, spans: list[slice], N: Float, K: Float, Z2X: Float, Z2Z: Float
    ) -> None:
        g, _, p = N.shape
        a = len(self.owner)
        EN = []  # E_a N, in the rows of a's term
        for n, span, E in zip(batch.levels, spans, self.directions, strict=True):
            k = E.shape[1]
            rows = N[:, span].reshape(g, n, k, p)
            EN += [(one @ rows).reshape(g, n * k, p) for one in E]
        for i in range(a):
            left = spans[self.owner[i]]
            self.P[i] -= _gram(N[:, left], EN[i])
            cross = _gram(EN[i], Z2X[:, left])
            self.Q[i, -1] += cross
            self.Q[-1, i] += cross.T
            for j in range(a):
                right = spans[self.owner[j]]
                self.Q[i, j] += _gram(EN[i], K[:, left, right] @ EN[j])
        firsts = np.cumsum([0, *(len(E) for E in self.directions)])
        for t, (n, E) in enumerate(zip(batch.levels, self.directions, strict=True)):
            at = slice(firsts[t], firsts[t + 1])
            square = Z2Z[:, spans[t], spans[t]].reshape(g, n, E.shape[1], n, E.shape[1])
            own = np.einsum("glilj,aij->a", square, E)
            self.traces[at, -1] += own
            self.traces[-1, at] += own
            for u, other in enumerate(self.directions):
                block = K[:, spans[t], spans[u]].reshape(g, n, E.shape[1], -1, other.shape[1])
                self.traces[at, firsts[u] : firsts[u + 1]] += _pair_traces(block, E, other)


def _pair_traces(K: Float, E: Float, G: Float) -> Float:
    """``sum tr(E_a K_lm G_b K_lm')`` over blocks K_lm, K of shape (g, l, k, m, h)."""
    k, h = K.shape[2], K.shape[4]
    flat = K.transpose(2, 4, 0, 1, 3).reshape(k * h, -1)
    fourth = (flat @ flat.T).reshape(k, h, k, h)
    traces: Float = np.einsum("aki,ijkl,bjl->ab", E, fourth, G)
    return traces


def _gram(A: Float, B: Float) -> Float:
    """``sum_g A_g' B_g``."""
    rows = A.shape[0] * A.shape[1]
    product: Float = A.reshape(rows, -1).T @ B.reshape(rows, -1)
    return product


def _spans(sizes: list[int]) -> list[slice]:
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
