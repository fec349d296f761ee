"""Whether the residual variance is the same everywhere: in all groups, and along a predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["Homoscedasticity", "log_variance_test", "score_test"]

# Normal quantile between which and its negative 95 % of a normal distribution lie.
_CENTRAL = 1.959964
# Share of the mean variance below which a line of variances is not followed.
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Homoscedasticity:
    """A test of equal variances, and how unequal they are.

    Attributes
    ----------
    statistic, df, p_value : float
        Chi-squared test.
    ratio : float
        How many times larger the residual standard deviation is at the upper than at the lower end
        of the central 95 % (of groups, or of rows by their predictor); 1 if all are equal.
    """

    statistic: float
    df: int
    p_value: float
    ratio: float


def log_variance_test(variance: Float, df: Float) -> Homoscedasticity:
    """Test that groups have the same residual variance, by the logarithms of their own.

    The statistic is the H of Raudenbush & Bryk (2002, Hierarchical Linear Models, 2nd ed., p. 264):
    squared deviations of log variances from their weighted mean, each over its sampling variance.
    They take ``2 / df`` for the latter and zero for the bias of a log variance; here both are exact
    under normal errors (``trigamma(df / 2)``, and ``digamma(df / 2) - log(df / 2)``), without which
    the test rejects too often in groups of ten to twenty rows. Like all tests of variances it also
    responds to heavy tails.

    Parameters
    ----------
    variance : ndarray, shape (J,)
        Residual variances of groups, positive, J > 1.
    df : ndarray, shape (J,)
        Their degrees of freedom.
    """
    from scipy import special, stats

    half = df / 2.0
    log_variance = np.log(variance) - (special.digamma(half) - np.log(half))
    weight = 1.0 / special.polygamma(1, half)
    squares = weight * (log_variance - np.average(log_variance, weights=weight)) ** 2
    H, degrees = float(squares.sum()), len(variance) - 1
    # variance between the log variances by moments (DerSimonian & Laird 1986)
    spread = weight.sum() - np.square(weight).sum() / weight.sum()
    between = max(0.0, (H - degrees) / float(spread))
    # the log standard deviation varies half as much, and 95 % lie within 2 x 1.96 deviations
    ratio = float(np.exp(_CENTRAL * np.sqrt(between)))
    return Homoscedasticity(H, degrees, float(stats.chi2.sf(H, degrees)), ratio)


def score_test(residual: Float, x: Float) -> Homoscedasticity:
    """Test that the variance of residuals does not change along a variable.

    Breusch & Pagan's score test in the form of Koenker (1981, J. Econometrics 17, 107-112), which
    does not need normal errors: the number of rows times the squared correlation of the squared
    residuals with the variable.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        Residuals with equal variances if the model is right.
    x : ndarray, shape (n,)
        The variable, not constant.
    """
    from scipy import stats

    square, centred = residual**2, x - x.mean()
    mean = square.mean()
    slope = float(centred @ (square - mean)) / float(centred @ centred)
    share = slope**2 * float(centred @ centred) / float(np.sum((square - mean) ** 2))
    statistic = len(x) * share
    low, high = mean + slope * np.quantile(centred, [0.025, 0.975])
    floor = _LEAST * mean  # a line of variances may fall below zero
    ratio = np.sqrt(max(low, high, floor) / max(min(low, high), floor))
    return Homoscedasticity(statistic, 1, float(stats.chi2.sf(statistic, 1)), float(ratio))
