"""The number of groups that a power needs, by regression on the probit scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["groups_needed"]

_STEPS = 50
_SMALL = 1e-10


def groups_needed(
    n_groups: Float, power: Float, nsim: int, target: float, level: float
) -> tuple[float, float, float]:
    """Number of groups at which the power is a given one, with its interval.

    The power of a t or z test is close to ``Phi(a + b sqrt(n_groups))``, as the standard error
    falls with the root of the number of groups. a and b are estimated by maximum likelihood from
    the numbers of significant replicates; the interval is that of Fieller (1954, J. R. Stat. Soc.
    B 16, 175-185).

    Parameters
    ----------
    n_groups, power : ndarray, shape (m,)
        Designs, and the share of significant replicates in each.
    nsim : int
        Replicates of each.
    target : float
        Power wanted.
    level : float
        Confidence level.

    Returns
    -------
    needed, low, high : float
        Not rounded; a bound that the simulation does not give is 0 or infinite.

    Raises
    ------
    DataError
        If the power does not rise, or fewer than two designs have a power between 0 and 1.
    """
    from scipy.special import ndtri

    inner = (power > 0.0) & (power < 1.0)
    if inner.sum() < 2:
        raise DataError(
            "The number of groups needs two designs or more in which some replicates are "
            "significant and some are not; the powers are "
            + ", ".join(f"{p:.3g} with {g:g} groups" for g, p in zip(n_groups, power, strict=True))
            + ". Give further numbers between these to n_groups=."
        )
    X = np.column_stack([np.ones(len(n_groups)), np.sqrt(n_groups)])
    (a, b), V = _probit(X, power, nsim)
    z, c = float(ndtri(target)), float(ndtri(0.5 + level / 2.0))
    if b <= 0.0:
        raise DataError("The power does not rise with the number of groups.")
    # Fieller: all r with (a + b r - z)^2 <= c^2 Var(a + b r)
    A = b * b - c * c * V[1, 1]
    B = b * (a - z) - c * c * V[0, 1]
    C = (a - z) ** 2 - c * c * V[0, 0]
    root = np.sqrt(max(B * B - A * C, 0.0))
    low, high = ((-B - root) / A, (-B + root) / A) if A > 0.0 else (0.0, np.inf)
    return max((z - a) / b, 0.0) ** 2, max(low, 0.0) ** 2, max(high, 0.0) ** 2


def _probit(X: Float, share: Float, n: int) -> tuple[Float, Float]:
    """Coefficients and covariance matrix of a probit regression, by Fisher scoring."""
    from scipy.special import ndtr, ndtri

    start = ndtri(np.clip(share, 0.5 / n, 1.0 - 0.5 / n))
    coef = np.linalg.lstsq(X, start, rcond=None)[0]
    for _ in range(_STEPS):
        eta = X @ coef
        mean = np.clip(ndtr(eta), 1e-12, 1.0 - 1e-12)
        density = np.exp(-0.5 * eta * eta) / np.sqrt(2.0 * np.pi)
        spread = mean * (1.0 - mean)
        information = n * (X.T * (density**2 / spread)) @ X
        step = np.linalg.solve(information, n * X.T @ (density * (share - mean) / spread))
        coef = coef + step
        if np.abs(step).max() < _SMALL:
            break
    return coef, np.linalg.inv(information)
