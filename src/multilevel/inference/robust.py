"""Cluster-robust covariance matrices of the fixed effects, and tests with them.

The sandwich of Liang & Zeger (1986) with the adjustments of Bell & McCaffrey (2002, Survey
Methodology 28, 169-181) and Pustejovsky & Tipton (2018, J. Bus. Econ. Stat. 36, 672-683): with
the fitted model as the working model, ``M = (X' V^-1 X)^-1`` and clusters i,

    V_R = M [sum_i X_i' V_i^-1 A_i e_i e_i' A_i' V_i^-1 X_i] M.

It is right in large samples of clusters whatever the covariance within clusters is.

Throughout, coordinates of the coefficients are those in which M is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.inference.cluster_blocks import Clusters, check_clusters
from multilevel.inference.degrees_of_freedom import JointTest
from multilevel.typing import check_option

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray, Int

    Mask = npt.NDArray[np.bool_]

__all__ = ["RobustKind", "RobustTests", "robust_tests"]

RobustKind = Literal["CR0", "CR1", "CR1S", "CR2", "CR3"]

# A cluster's share of the information in some direction is at most 1; from this close on, the
# coefficient in that direction is identified by that cluster alone.
_ALONE = 1e-9
# Variance of a combination of contrasts, each of length one, below which it is none of its own.
_DEPENDENT = 1e-12
# With fewer clusters than this the summary warns: robust tests have little to go by.
_FEW = 6


@dataclass(frozen=True, slots=True)
class RobustTests:
    """Tests with a cluster-robust covariance matrix.

    Attributes
    ----------
    kind : str
        Which adjustment.
    beta, vcov : ndarray, shape (p,) and (p, p)
        Fixed effects and their robust covariance matrix.
    root : ndarray, shape (p, k)
        ``vcov = root @ root.T``.
    basis : ndarray, shape (p, p)
        ``basis @ basis.T = M``: a contrast l of the coefficients is ``l @ basis`` in the
        coordinates of the arrays below.
    own, cross : ndarray, shape (m, p, p)
        Per cluster, ``E' V E`` and ``X' E`` with ``E = A' V^-1 X``: the contributions of clusters
        i and j to ``vcov`` have, by the working model, the covariance ``delta_ij own_i -
        cross_i' cross_j``.
    alone : ndarray, shape (p, p)
        Sum of the projectors on the directions that rest on one cluster.
    note : str
        What the clusters are, and what limits the tests.
    """

    kind: RobustKind
    beta: Float
    vcov: Float
    root: Float
    basis: Float
    own: Float
    cross: Float
    alone: Float
    note: str

    @property
    def label(self) -> str:
        """Name of the method."""
        return f"{self.kind} robust, Satterthwaite"

    def df(self, L: Float) -> Float:
        """Satterthwaite degrees of freedom of every row of L (m, p), shape (m,).

        Bell & McCaffrey (2002), Pustejovsky & Tipton (2018). NaN for a contrast that rests
        on one cluster: its sampling variance cannot be seen between clusters.
        """
        return np.array([_satterthwaite(self, row) for row in L @ self.basis])

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """HTZ test: approximate Hotelling's T-squared (Tipton & Pustejovsky 2015).

        The robust covariance matrix of q contrasts is approximated by a Wishart matrix with eta
        degrees of freedom that has the same mean and total variance by the working model; then
        ``(eta - q + 1) / (eta q)`` times Wald's statistic is F with q and ``eta - q + 1`` degrees
        of freedom. The p value is NaN where that is not positive, or the matrix is singular: too
        few clusters.
        """
        from scipy.special import fdtrc

        deviation = L @ self.beta - (0.0 if null is None else null)
        contrasts = L @ self.basis
        size = np.linalg.norm(contrasts, axis=1)
        some = size > 0.0
        contrasts, size = contrasts[some], size[some]
        values, vectors = np.linalg.eigh(contrasts @ contrasts.T / np.outer(size, size))
        basis = vectors[:, values > _DEPENDENT * len(values)].T / size
        q = len(basis)
        if q == 0:
            return JointTest(np.nan, 0, np.nan, np.nan)
        half = basis @ (L[some] @ self.root)
        covariance = half @ half.T
        eta = _wishart_df(self, basis @ contrasts)
        df_residual = eta - q + 1.0
        spectrum = np.linalg.eigvalsh(covariance)
        if not df_residual > 0.0 or spectrum[0] <= _DEPENDENT * spectrum[-1]:
            return JointTest(np.nan, q, df_residual, np.nan)
        deviation = basis @ deviation[some]
        wald = float(deviation @ np.linalg.solve(covariance, deviation))
        statistic = df_residual / (eta * q) * wald
        return JointTest(statistic, q, df_residual, float(fdtrc(q, df_residual, statistic)))


def robust_tests(
    matrices: ModelMatrices, state: FitState, kind: RobustKind, codes: Int, name: str
) -> RobustTests:
    """Cluster-robust covariance matrix of the fixed effects, and what its tests need.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    kind : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        ``"CR0"``: no adjustment; ``"CR1"``: that times ``m / (m - 1)``; ``"CR1S"``: times
        ``m (n - 1) / ((m - 1) (n - p))``, as Stata; ``"CR2"``: unbiased if the model is right
        (bias-reduced linearisation); ``"CR3"``: close to the jackknife over clusters.
    codes : ndarray of int, shape (n,)
        Cluster of each row.
    name : str
        What the clusters are called, for messages.

    Raises
    ------
    DataError
        If the clusters are not independent by the model (:func:`check_clusters`).
    """
    check_option("robust", kind, RobustKind)
    check_clusters(matrices, codes, name)
    Q, R = np.linalg.qr(matrices.X)
    clusters = Clusters(matrices, state, codes, Q)
    S, scores = clusters.information()
    turn = np.linalg.inv(np.linalg.cholesky(S.sum(axis=0))).T
    S, scores = turn.T @ S @ turn, scores @ turn
    shares, directions = np.linalg.eigh(S)
    alone = shares > 1.0 - _ALONE
    if kind == "CR2":
        scores, own, cross = _unbiased(clusters, turn, alone.sum(axis=1))
    else:
        G = _adjustment(kind, shares, directions, alone, *Q.shape)
        scores, cross = np.einsum("ijk,ij->ik", G, scores), S @ G
        own = G.swapaxes(1, 2) @ cross
    basis = np.linalg.solve(R, turn)
    root = basis @ np.asarray(np.linalg.qr(scores, mode="r")).T
    lonely = np.einsum("mia,ma,mja->ij", directions, alone, directions)
    note = _note(clusters.n_clusters, bool(alone.any()), name)
    return RobustTests(kind, state.beta, root @ root.T, root, basis, own, cross, lonely, note)


def _adjustment(
    kind: RobustKind, shares: Float, directions: Float, alone: Mask, n: int, p: int
) -> Float:
    """What the adjustment of the residuals does to the scores, shape (m, p, p).

    For CR3, ``A = (I - X X' V^-1)^-1 = I + X G X' V^-1`` with ``G = (I - S)^-1`` and ``S = X' V^-1
    X``, so that ``X' V^-1 A = G X' V^-1``; the inverse is Moore and Penrose's.
    """
    m = len(shares)
    if kind == "CR3":
        inverse = np.where(alone, 0.0, 1.0 / np.where(alone, 1.0, 1.0 - shares))
        return directions @ (inverse[:, :, None] * directions.swapaxes(1, 2))
    factor = {"CR0": 1.0, "CR1": m / (m - 1), "CR1S": m * (n - 1) / ((m - 1) * (n - p))}[kind]
    return np.broadcast_to(np.sqrt(factor) * np.eye(p), (m, p, p))


def _unbiased(clusters: Clusters, turn: Float, alone: IndexArray) -> tuple[Float, Float, Float]:
    """Scores, ``E' V E`` and ``X' E`` of all clusters for CR2 (Pustejovsky & Tipton 2018).

    With ``V = D'D`` and ``B = D (V - X X') D'``, ``A = D' B^(-1/2) D``, the inverse root being
    Moore and Penrose's: ``alone`` directions rest on the cluster, and there B is zero.
    """
    m, p = len(alone), len(turn)
    scores, own, cross = np.empty((m, p)), np.empty((m, p, p)), np.empty((m, p, p))
    for block in clusters.blocks():
        at, X, V = block.clusters, block.X @ turn, block.V
        Xt, lower = X.swapaxes(1, 2), np.linalg.cholesky(V)
        values, vectors = np.linalg.eigh(lower.swapaxes(1, 2) @ (V - X @ Xt) @ lower)
        half = lower @ vectors
        rests = np.arange(values.shape[1]) < alone[at][:, None]
        inverse = np.where(rests, 0.0, 1.0 / np.sqrt(np.where(rests, 1.0, values)))
        E = (half * inverse[:, None, :]) @ (half.swapaxes(1, 2) @ np.linalg.solve(V, X))
        Et = E.swapaxes(1, 2)
        scores[at] = (Et @ block.e[:, :, None])[:, :, 0]
        own[at], cross[at] = Et @ V @ E, Xt @ E
    return scores, own, cross


def _satterthwaite(tests: RobustTests, row: Float) -> float:
    """Degrees of freedom of one contrast: twice squared mean over variance of its variance."""
    if _rests_on_one_cluster(tests, row[None]):
        return float("nan")
    own = row @ tests.own @ row
    cross = tests.cross @ row
    shared = np.einsum("ij,ij->i", cross, cross)
    spread = np.sum(own**2) - 2.0 * np.sum(own * shared) + np.sum((cross.T @ cross) ** 2)
    return float(np.sum(own - shared) ** 2 / spread) if spread > 0.0 else float("nan")


def _wishart_df(tests: RobustTests, contrasts: Float) -> float:
    """Degrees of freedom eta of the robust covariance matrix of q contrasts, (q, p).

    ``eta = q (q + 1) / sum_st Var(d_st)``, d being that matrix scaled to mean I (Tipton &
    Pustejovsky 2015). With K_ij the covariance of the contributions of clusters i and j,
    the sum is that of ``(tr K_ij)^2 + tr(K_ij K_ij)``.
    """
    if _rests_on_one_cluster(tests, contrasts):
        return float("nan")
    cross = tests.cross @ contrasts.T
    own = contrasts @ tests.own @ contrasts.T
    mean = own.sum(axis=0) - np.einsum("mas,mat->st", cross, cross)
    values, vectors = np.linalg.eigh(mean)
    scale = vectors / np.sqrt(values)
    cross, own = cross @ scale, scale.T @ own @ scale
    shared = cross.swapaxes(1, 2) @ cross
    total = _square_sum(own - shared) - _square_sum(shared)
    q = len(contrasts)
    for s in range(q):  # all pairs of clusters at once: sums over i and j separate
        for t in range(q):
            T = cross[:, :, s].T @ cross[:, :, t]
            total += float(np.sum(T * T) + np.sum(T * T.T))
    return q * (q + 1) / total


def _square_sum(K: Float) -> float:
    """Sum of ``(tr K)^2 + tr(K K)`` over symmetric matrices, (m, q, q)."""
    return float(np.sum(np.trace(K, axis1=1, axis2=2) ** 2) + np.sum(K * K))


def _rests_on_one_cluster(tests: RobustTests, rows: Float) -> bool:
    size = np.einsum("ij,ij->i", rows, rows)
    return bool((np.einsum("ij,jk,ik->i", rows, tests.alone, rows) > _ALONE * size).any())


def _note(m: int, alone: bool, name: str) -> str:
    """What a reader of the table should know."""
    notes = [f"Standard errors are robust by {m} clusters of {name}."]
    if alone:
        notes.append(
            "Some coefficients rest on one cluster alone; clusters cannot be compared for them, "
            "so they have no test (NaN), and their robust standard error is too small."
        )
    if m < _FEW:
        notes.append(
            f"{m} clusters are very few: the degrees of freedom are small, and joint tests may "
            "not exist (NaN)."
        )
    return " ".join(notes)
