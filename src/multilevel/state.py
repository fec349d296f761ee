"""FitState: the frozen numbers of a fit, all that inference and tables need.

Notation (Bates, Maechler, Bolker & Walker 2015, J. Stat. Softw. 67(1)): y = X beta + Z b + e,
b = Lambda(theta) u, u ~ N(0, sigma^2 I), e ~ N(0, sigma^2 W^-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["FitState", "OptSummary", "TermState"]


@dataclass(frozen=True, slots=True)
class OptSummary:
    """How the optimum was found.

    Attributes
    ----------
    converged : bool
        Whether the tolerance of the fit's control was met.
    evaluations : int
        Evaluations of the criterion (with or without derivatives).
    gradient_evaluations : int
        Those with gradient and Hessian.
    starts : int
        Starting points tried.
    initial, final : float
        Criterion at the first start and at the optimum.
    decrement : float
        Newton decrement at the end.
    log : ndarray, shape (evaluations,)
        Criterion at each evaluation, in order.
    message : str
        One sentence about the outcome.
    """

    converged: bool
    evaluations: int
    gradient_evaluations: int
    starts: int
    initial: float
    final: float
    decrement: float
    log: Float
    message: str


@dataclass(frozen=True, slots=True)
class TermState:
    """Estimates of one random-effects term.

    Attributes
    ----------
    relative_factor : ndarray, shape (k, k)
        Lower-triangular Lambda of the term, nonnegative diagonal.
    covariance : ndarray, shape (k, k)
        ``sigma**2 * Lambda @ Lambda.T``.
    modes : ndarray, shape (n_levels, k)
        Conditional modes b of the random effects (empirical-Bayes predictions).
    """

    relative_factor: Float
    covariance: Float
    modes: Float


@dataclass(frozen=True, slots=True)
class FitState:
    """The numbers of a fitted linear mixed model.

    Attributes
    ----------
    reml : bool
        Criterion: REML if True, maximum likelihood otherwise.
    nobs : int
        Rows used.
    theta : ndarray, shape (n_theta,)
        Free entries of the relative factors, term by term in formula order, each column by
        column of the lower triangle (the diagonal only for independent terms).
    beta : ndarray, shape (p,)
        Fixed effects of the kept columns.
    vcov : ndarray, shape (p, p)
        Covariance matrix of ``beta``: ``sigma**2 (X' V^-1 X)^-1``.
    root : ndarray, shape (p, p)
        ``vcov = root @ root.T``. Where a predictor is far from zero its digits cancel in ``L vcov
        L'``, but not in ``L root``.
    sigma : float
        Residual standard deviation.
    objective : float
        Minus twice the log-likelihood, or the REML criterion, at the optimum (lme4's constants).
    terms : tuple of TermState
        One per random-effects term, in formula order.
    is_singular : bool
        True if a variance is zero or a correlation is +-1 within rounding.
    optimizer : OptSummary
        How the optimum was found.
    """

    reml: bool
    nobs: int
    theta: Float
    beta: Float
    vcov: Float
    root: Float
    sigma: float
    objective: float
    terms: tuple[TermState, ...]
    is_singular: bool
    optimizer: OptSummary

    @property
    def n_parameters(self) -> int:
        """Estimated parameters: fixed effects, theta and sigma."""
        return len(self.beta) + len(self.theta) + 1

    @property
    def loglik(self) -> float:
        """Log-likelihood (restricted for REML fits)."""
        return -self.objective / 2.0
