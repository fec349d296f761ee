"""Wald standard errors and intervals of standard deviations and correlations.

The delta method from the curvature of the criterion in the variance parameters; intervals are
formed for the logarithm of a standard deviation and the inverse hyperbolic tangent of a
correlation, where the criterion is more nearly quadratic, and transformed back (Pinheiro & Bates
2000, Mixed-Effects Models in S and S-PLUS, Sec. 2.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.varcomp import variance_components
from multilevel.inference.wald import wald_interval

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.inference.varcomp import TermComponents
    from multilevel.solver.curvature import Curvature
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["VarianceIntervals", "variance_intervals"]

# A correlation this close to +-1 lies on the boundary within rounding (as in varcomp).
_UNIT_CORRELATION = 1e-6
# The solver sets vanishing variances to zero exactly; what is left is rounding.
_ZERO_SD = 1e-8


@dataclass(frozen=True, slots=True)
class VarianceIntervals:
    """Standard deviations and correlations of every term, the residual standard deviation last.

    Attributes
    ----------
    estimate, std_error, low, high : ndarray, shape (n_theta + 1,)
        In the order of the table of estimates. On the boundary (a standard deviation of zero, a
        correlation of +-1) a Wald interval does not exist: NaN.
    """

    estimate: Float
    std_error: Float
    low: Float
    high: Float


def variance_intervals(
    matrices: ModelMatrices, state: FitState, curvature: Curvature, level: float
) -> VarianceIntervals:
    """Wald intervals of the variance parameters.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    curvature : Curvature
        Curvature of its criterion.
    level : float
        Confidence level.
    """
    estimate: list[float] = []
    slopes: list[Float] = []  # of the transformed parameter
    inverse: list[float] = []  # d parameter / d transformed
    for part, gradient in zip(
        variance_components(matrices, state), curvature.component_gradients, strict=True
    ):
        scale = part.sd.max(initial=0.0)
        sd = np.where(part.sd > _ZERO_SD * scale, part.sd, np.nan)
        estimate += [*part.sd, *(part.corr[a, b] for a, b in part.pairs)]
        slopes += [gradient[:, j, j] / (2.0 * sd[j] ** 2) for j in range(len(sd))]
        slopes += [_fisher_slope(part, sd, gradient, a, b) for a, b in part.pairs]
        inverse += [*sd, *(1.0 - part.corr[a, b] ** 2 for a, b in part.pairs)]
    last = np.zeros(len(curvature.covariance))
    last[-1] = 1.0 / (2.0 * state.sigma**2)
    values = np.array([*estimate, state.sigma])
    slope = np.array([*slopes, last])
    error = np.sqrt(np.einsum("ia,ab,ib->i", slope, curvature.covariance, slope))
    is_corr = np.array(
        [c for p in variance_components(matrices, state) for c in _is_corr(p)] + [False]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.where(is_corr, np.arctanh(np.where(is_corr, values, 0.0)), np.log(values))
    low, high = wald_interval(centre, error, level)
    low, high = (np.where(is_corr, np.tanh(x), np.exp(x)) for x in (low, high))
    return VarianceIntervals(values, error * np.array([*inverse, state.sigma]), low, high)


def _is_corr(part: TermComponents) -> list[bool]:
    return [False] * len(part.names) + [True] * len(part.pairs)


def _fisher_slope(part: TermComponents, sd: Float, gradient: Float, a: int, b: int) -> Float:
    """Derivative of the inverse hyperbolic tangent of a correlation; NaN on the boundary."""
    rho = part.corr[a, b]
    if not abs(rho) < 1.0 - _UNIT_CORRELATION:
        return np.full(len(gradient), np.nan)
    own = gradient[:, a, a] / sd[a] ** 2 + gradient[:, b, b] / sd[b] ** 2
    slope: Float = (gradient[:, a, b] / (sd[a] * sd[b]) - rho * own / 2.0) / (1.0 - rho**2)
    return slope
