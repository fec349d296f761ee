"""Degrees of freedom by Satterthwaite's method.

The variance ``v = L Phi L'`` of an estimated contrast is a function of the estimated variance
parameters; matching its mean and variance to a multiple of chi-squared gives ``df = 2 v^2 /
Var(v)``, with Var(v) by the delta method from the curvature of the criterion (Giesbrecht & Burns
1985, Biometrics 41, 477-486; for several contrasts Fai & Cornelius 1996, J. Stat. Comput. Simul.
54, 363-378).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.degrees_of_freedom import JointTest, f_test, uncorrelated, variances

if TYPE_CHECKING:
    from multilevel.solver.curvature import Curvature
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["Satterthwaite", "satterthwaite"]


@dataclass(frozen=True, slots=True)
class Satterthwaite:
    """Tests with Satterthwaite's degrees of freedom.

    Attributes
    ----------
    beta, vcov, root : ndarray, shape (p,), (p, p) and (p, p)
        Fixed effects, their covariance matrix and its root.
    curvature : Curvature
        How ``vcov`` changes with the variance parameters, and how well these are known.
    note : str or None
        That a singular fit was reduced first, and how.
    """

    beta: Float
    vcov: Float
    root: Float
    curvature: Curvature
    note: str | None = None

    @property
    def label(self) -> str:
        """Name of the method."""
        return "Satterthwaite"

    def df(self, L: Float) -> Float:
        """Degrees of freedom of every row of L (m, p), shape (m,)."""
        variance = variances(L, self.root)
        scaled = L @ self.curvature.basis
        gradient = np.einsum("ij,ajk,ik->ia", scaled, self.curvature.vcov_gradient, scaled)
        spread = np.einsum("ia,ab,ib->i", gradient, self.curvature.covariance, gradient)
        with np.errstate(divide="ignore", invalid="ignore"):
            df: Float = 2.0 * variance**2 / spread
        return df

    def joint(self, L: Float, null: Float | None = None) -> JointTest:
        """F test of ``L beta = null`` with the degrees of freedom of Fai & Cornelius.

        The contrasts are turned into their principal components, which are uncorrelated; with
        nu_i degrees of freedom each, the mean of F is matched to ``E / (E - q)``, ``E = sum nu_i /
        (nu_i - 2)``. The components, and so the degrees of freedom, depend on the units of the
        contrasts, as in the paper; F does not.
        """
        rank = len(uncorrelated(L, self.root))
        half = L @ self.root
        _, vectors = np.linalg.eigh(half @ half.T)
        nu = self.df(vectors[:, len(L) - rank :].T @ L)
        return f_test(self, L, null, _pooled_df(nu))


def satterthwaite(state: FitState, curvature: Curvature) -> Satterthwaite:
    """Tests of a fit by Satterthwaite's method.

    Parameters
    ----------
    state : FitState
        The fit.
    curvature : Curvature
        Curvature of its criterion at the estimates.
    """
    notes = []
    if curvature.reduced:
        notes.append(
            "Degrees of freedom are those of the reduced model, in which what the singular fit "
            "set to zero is taken as zero."
        )
    if curvature.flat:
        notes.append(
            "The criterion is flat in some combination of the variance parameters, which the "
            "degrees of freedom take as known: they may be too large."
        )
    return Satterthwaite(state.beta, state.vcov, state.root, curvature, " ".join(notes) or None)


def _pooled_df(nu: Float) -> float:
    """Denominator degrees of freedom from those of q uncorrelated t tests."""
    q = len(nu)
    if q == 0:
        return float("nan")
    if (nu == nu[0]).all() or np.ptp(nu) <= 1e-8 * nu.min():
        return float(nu[0])
    if (nu <= 2.0).any():
        return 2.0
    expected = float(np.sum(1.0 / (1.0 - 2.0 / nu)))  # nu / (nu - 2), 1 in the limit
    return 2.0 * expected / (expected - q)
