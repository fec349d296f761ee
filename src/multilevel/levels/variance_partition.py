"""The variance of a response by where it comes from: predictors, groups, residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.solver.curvature import Curvature
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = [
    "VariancePartition",
    "mean_products",
    "partition_gradient",
    "variance_partition",
]


@dataclass(frozen=True, slots=True)
class VariancePartition:
    """Variance by source, for an average row or for rows with given predictors.

    Attributes
    ----------
    fixed : float
        Variance of ``X beta`` over the rows (offsets are no part of it).
    random : ndarray, shape (f,)
        Variance of the random effects of every grouping factor; with random slopes the mean of
        ``z' Sigma z`` over the rows (Johnson 2014, Methods Ecol. Evol. 5, 944-946, Eq. 10).
    residual : float
        Residual variance, of a row of weight one.
    """

    fixed: float
    random: Float
    residual: float

    @property
    def unexplained(self) -> float:
        """Variance of random effects and residuals."""
        return float(self.random.sum()) + self.residual

    @property
    def total(self) -> float:
        """Variance of all sources."""
        return self.fixed + self.unexplained


def mean_products(matrices: ModelMatrices) -> list[Float]:
    """Mean of ``z z'`` over the rows for every term, shape (k, k) each."""
    return [term.z.T @ term.z / matrices.n_rows for term in matrices.terms]


def variance_partition(
    matrices: ModelMatrices, state: FitState, products: list[Float]
) -> VariancePartition:
    """Variance by source.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    products : list of ndarray, shape (k, k)
        Per term, the ``z z'`` at which the variance is wanted: :func:`mean_products`, or that of
        one row.
    """
    random = np.zeros(len(matrices.factors))
    for term, part, product in zip(matrices.terms, state.terms, products, strict=True):
        random[term.factor] += np.sum(product * part.covariance)
    eta = matrices.X @ state.beta
    fixed = float(np.var(eta, ddof=1)) if len(eta) > 1 else 0.0
    return VariancePartition(fixed, random, state.sigma**2)


def partition_gradient(
    matrices: ModelMatrices, curvature: Curvature, products: list[Float]
) -> Float:
    """Derivatives of the variances of factors and residual, shape (f + 1, a).

    Columns are the parameters of the :class:`Curvature`, of which the residual variance is the
    last.
    """
    gradient = np.zeros((len(matrices.factors) + 1, len(curvature.covariance)))
    terms = zip(matrices.terms, curvature.component_gradients, products, strict=True)
    for term, slopes, product in terms:
        gradient[term.factor] += np.einsum("ij,aij->a", product, slopes)
    gradient[-1, -1] = 1.0
    return gradient
