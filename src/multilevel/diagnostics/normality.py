"""Whether values look as if drawn from a normal distribution: a test and the size of departures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["FEWEST", "Normality", "excess_kurtosis", "normality", "skewness"]

# Fewer values than this say nothing about a shape.
FEWEST = 8
# The p values of Shapiro & Wilk's test are approximated up to this many values (Royston 1995).
_MOST = 5000


@dataclass(frozen=True, slots=True)
class Normality:
    """A test of normality, and how far from normal the values are.

    Attributes
    ----------
    measure : {"W", "K2"}
        Which test: Shapiro and Wilk's, or D'Agostino and Pearson's for more than 5,000 values.
    statistic, p_value : float
        The test.
    skewness, kurtosis : float
        Third and fourth standardised moments, the latter in excess of 3: zero for a normal
        distribution.
    """

    measure: str
    statistic: float
    p_value: float
    skewness: float
    kurtosis: float


def normality(values: Float) -> Normality:
    """Test values for normality.

    A test alone decides nothing: with few values it finds little, with many it finds departures
    that do not matter. The moments say how large they are.

    Parameters
    ----------
    values : ndarray, shape (n,)
        At least ``FEWEST`` finite values that differ.

    References
    ----------
    Royston, P. (1995). Remark AS R94. Applied Statistics 44, 547-551.
    D'Agostino, R. & Pearson, E. S. (1973). Tests for departure from normality. Biometrika 60,
    613-622.
    """
    from scipy import stats

    if len(values) <= _MOST:
        measure, (statistic, p_value) = "W", stats.shapiro(values)
    else:
        measure, (statistic, p_value) = "K2", stats.normaltest(values)
    return Normality(
        measure, float(statistic), float(p_value), skewness(values), excess_kurtosis(values)
    )


def skewness(values: Float) -> float:
    """Third standardised moment; NaN for a constant."""
    return _moment(values, 3)


def excess_kurtosis(values: Float) -> float:
    """Fourth standardised moment minus 3; NaN for a constant."""
    return _moment(values, 4) - 3.0


def _moment(values: Float, power: int) -> float:
    if np.ptp(values) == 0.0:
        return float("nan")
    centred = values - values.mean()
    centred /= np.abs(centred).max()  # no square underflows or overflows
    squares = centred * centred
    powers = squares * (centred if power == 3 else squares)  # pow() is many times slower
    return float(np.mean(powers) / np.mean(squares) ** (power / 2))
