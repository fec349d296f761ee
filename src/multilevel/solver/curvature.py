"""How well the variance parameters are known, and what the covariance of beta owes to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["Curvature", "Expansion"]


@dataclass(frozen=True, slots=True)
class Curvature:
    """Second-order view of the criterion in the a variance parameters at the estimates.

    The parameters are coordinates of the covariance matrices near the estimates, the residual
    variance last. Where a covariance matrix is singular, they are those of matrices of the same
    rank (the reduced model), so all derivatives are those of an interior point.

    Attributes
    ----------
    covariance : ndarray, shape (a, a)
        Large-sample covariance matrix of the parameters: twice the inverse Hessian.
    vcov_gradient : ndarray, shape (a, p, p)
        Derivative of the covariance matrix of beta in each parameter.
    directions : tuple of ndarray, shape (a_t, k, k)
        Per term, the derivatives of ``Lambda Lambda'`` (data's scale) in its parameters.
    reduced : bool
        Whether some covariance matrix is singular.
    """

    covariance: Float
    vcov_gradient: Float
    directions: tuple[Float, ...]
    reduced: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """The profiled criterion and its parts at some theta, with derivatives in theta.

    With ``m`` the degrees of freedom of the residual variance (n, or n - p by REML), the criterion
    is ``log_det + m (1 + log(2 pi rss / m))``; ``log_det`` includes ``log |X'V^-1 X|`` by REML and
    the log-weights.

    Attributes
    ----------
    criterion, log_det, rss : float
        Profiled criterion and its parts.
    beta : ndarray, shape (p,)
        Generalised least squares at theta.
    F : ndarray, shape (p, p)
        ``(X' V^-1 X)^-1``, V relative to the residual variance.
    gradient : ndarray, shape (n_theta,)
        Exact gradient of the criterion.
    hessian : ndarray, shape (n_theta, n_theta)
        Average-information Hessian with the exact second derivative of V.
    d_rss : ndarray, shape (n_theta,)
        Derivative of ``rss``.
    d_beta : ndarray, shape (n_theta, p)
        Derivative of ``beta``.
    d_cov : ndarray, shape (n_theta, p, p)
        Derivative of ``F``.
    """

    criterion: float
    log_det: float
    rss: float
    beta: Float
    F: Float
    gradient: Float
    hessian: Float
    d_rss: Float
    d_beta: Float
    d_cov: Float
