"""Rates of rejection and ratios of standard errors, judged by the error of a simulation itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.inference.proportions import proportion_interval

if TYPE_CHECKING:
    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["RATE_COLUMNS", "describe_ratio", "percent", "rates", "verdict"]

# A rate is called wrong when it is this improbable under the nominal one, on either side.
IMPROBABLE = 0.005
# Standard errors within this share of the truth are called about right.
TOLERANCE = 0.1
# Monte Carlo errors beyond which a ratio is not called chance: two-sided level of 1 %.
CLEAR = 2.576
RATE_COLUMNS = ("n", "rejected", "std_error", "conf_low", "conf_high")


def rates(p_values: Float, alpha: float) -> Columns:
    """Share of rejections in every column of p values, shape (nsim, k).

    Parameters
    ----------
    p_values : ndarray, shape (nsim, k)
        NaN where a method had no answer; such a test is left out.
    alpha : float
        Level of the tests.

    Returns
    -------
    dict
        ``n``: tests; ``rejected``: share of them; ``std_error``: Monte Carlo standard error of
        that share; ``conf_low``, ``conf_high``: its exact 95 % interval (Clopper & Pearson 1934,
        Biometrika 26, 404-413).
    """
    n = np.isfinite(p_values).sum(axis=0)
    k = (p_values < alpha).sum(axis=0)
    share = np.divide(k, n, out=np.full(k.shape, np.nan), where=n > 0)
    low, high = proportion_interval(k, n, 0.95)
    error = np.sqrt(share * (1.0 - share) / np.maximum(n, 1))
    return dict(zip(RATE_COLUMNS, (n, share, error, low, high), strict=True))


def verdict(rejected: float, n: int, alpha: float, *, among: int = 1) -> str:
    """Whether a rate is the nominal one, beyond what chance explains ``among`` so many rates."""
    from scipy.special import bdtr

    if n == 0:
        return "no test had an answer"
    k, limit = round(rejected * n), IMPROBABLE / among
    if k > 0 and 1.0 - bdtr(k - 1, n, alpha) < limit:
        return "too often"
    if bdtr(k, n, alpha) < limit:
        return "too seldom"
    return "as often as it should, within chance"


def describe_ratio(ratio: float, std_error: float) -> str:
    """How large standard errors are: their ratio to the true ones, and its Monte Carlo error."""
    if abs(ratio - 1.0) <= TOLERANCE:
        return f"about right ({100.0 * ratio:.0f} % of the true ones)"
    direction = "small" if ratio < 1.0 else "large"
    chance = "" if abs(ratio - 1.0) > CLEAR * std_error else ", which may be chance"
    return f"too {direction} by {100.0 * abs(ratio - 1.0):.0f} %{chance}"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100.0 * share:.1f} %"
